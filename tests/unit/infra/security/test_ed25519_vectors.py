"""Wycheproof's Ed25519 vectors through our key reading and joserfc's verification."""

import json
from pathlib import Path

import pytest

from infra.security.jwks import parse_jwks
from infra.security.tokens import Unverified, _is_signed
from tests.support.tokens import jwks

VECTORS = Path(__file__).resolve().parents[5] / "shared/vectors/ed25519_test.json"


@pytest.mark.skipif(not VECTORS.exists(), reason="Wycheproof's file is not there")
def test_every_signature_is_judged_as_wycheproof_does():
    judged = wrong = 0
    for group in json.loads(VECTORS.read_text())["testGroups"]:
        key = parse_jwks(jwks(group["publicKeyJwk"]))["none"]
        for case in group["tests"]:
            parts = (bytes.fromhex(case[name]) for name in ("msg", "sig"))
            accepted = _is_signed(Unverified("", "none", {}, {}, *parts), key)
            wrong += accepted is not (case["result"] == "valid")
            judged += 1
    assert judged > 100
    assert wrong == 0
