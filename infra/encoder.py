"""Texts -> unit vectors: all-MiniLM-L6-v2 as ONNX, as sentence-transformers runs it.

WordPiece tokens (at most 256), mean of the token vectors over the attention mask, L2-normalised.
The weights are int8 and the arithmetic is float32, so a text gets the same vector in any batch.
"""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from tokenizers import Encoding, Tokenizer

from domain.embedding import Vectors
from infra.encoder_files import EncoderFiles, EncoderUnavailableError
from schemas.embedding import DIMENSIONS

TOKENS_MAX = 256  # as sentence-transformers configures this model
# Larger batches spill the cache: one thread encodes short texts 1.15 times as fast in batches of 4
# as one by one, and long ones 0.85 times as fast in batches of 16.
BATCH_TEXTS = 4


class Encoder:
    """A loaded model. Not for the request path: a title takes 10 to 30 ms of one core.

    Args:
        files: where the model and its tokenizer are.
        threads: threads of one run, 1 or more.

    Raises:
        EncoderUnavailableError: a file cannot be loaded, or the model has another shape.
    """

    def __init__(self, files: EncoderFiles, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(
                files.model, options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(files.tokenizer))
        except Exception as error:  # both libraries raise bare or private classes
            raise EncoderUnavailableError(f"cannot load {files.model.parent}: {error}") from error
        dimensions = self._session.get_outputs()[0].shape[-1]
        if dimensions != DIMENSIONS:
            raise EncoderUnavailableError(f"{files.model} makes vectors of {dimensions} numbers")
        self._inputs = {item.name for item in self._session.get_inputs()}
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(TOKENS_MAX)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, shape (len(texts), 384), in the order of the texts."""
        # One by one: ``encode_batch`` starts a thread a core.
        encodings = [self._tokenizer.encode(text) for text in texts]
        by_length = sorted(range(len(texts)), key=lambda index: len(encodings[index].ids))
        vectors = np.empty((len(texts), DIMENSIONS), np.float32)
        for start in range(0, len(texts), BATCH_TEXTS):
            batch = by_length[start : start + BATCH_TEXTS]
            vectors[batch] = self._run([encodings[index] for index in batch])
        return vectors

    def _run(self, encodings: Sequence[Encoding]) -> Vectors:
        shape = len(encodings), max(len(each.ids) for each in encodings)
        ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        for row, each in enumerate(encodings):
            ids[row, : len(each.ids)] = each.ids
            mask[row, : len(each.ids)] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        given = {name: value for name, value in feeds.items() if name in self._inputs}
        hidden = self._session.run(None, given)[0]
        weights = mask.astype(np.float32)[:, :, None]
        means = (hidden * weights).sum(axis=1) / weights.sum(axis=1)
        vectors: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors
