"""Project Wycheproof's vectors of AES-GCM against the primitive that seals our secrets.

All 316 are run: the lengths of key and nonce are the vectors', which our own sealer never varies.
"""

import json
from pathlib import Path

import pytest

from infra.security.sealing import SealingError, decrypt, encrypt

VECTORS = Path(__file__).resolve().parents[4] / "../shared/vectors/aes_gcm_test.json"
NONCE_BYTES = range(8, 129)  # what the library takes; all others are refused, valid or not
VALID, INVALID, OF_OTHER_NONCES = 202, 81, 33


def cases():
    if not VECTORS.exists():
        pytest.skip(f"{VECTORS.name} is not beside this checkout")
    for group in json.loads(VECTORS.read_text())["testGroups"]:
        for test in group["tests"]:
            key, nonce, aad, message, sealed, tag = (
                bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
            )
            yield test, key, nonce, aad, message, sealed + tag


def test_every_vector_has_the_outcome_that_it_states():
    opened = refused = 0
    for test, key, nonce, aad, message, sealed in cases():
        if test["result"] == "valid" and len(nonce) in NONCE_BYTES:
            assert decrypt(key, nonce, sealed, aad) == message, test["tcId"]
            assert encrypt(key, nonce, message, aad) == sealed, test["tcId"]
            opened += 1
        else:
            with pytest.raises(SealingError):
                decrypt(key, nonce, sealed, aad)
            refused += 1
    assert (opened, refused) == (VALID, INVALID + OF_OTHER_NONCES)
    assert opened + refused == 316


def test_a_changed_bit_is_found_in_every_valid_vector():
    for test, key, nonce, aad, _, sealed in cases():
        if test["result"] != "valid" or len(nonce) not in NONCE_BYTES:
            continue
        damaged = bytes([sealed[0] ^ 1, *sealed[1:]])
        for changed in ((nonce, damaged, aad), (nonce, sealed, aad + b"x")):
            with pytest.raises(SealingError):
                decrypt(key, *changed)
