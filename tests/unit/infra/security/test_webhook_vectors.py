"""Published vectors against the very functions that judge webhooks."""

import hmac
import json
import os
from pathlib import Path

import pytest

from infra.security.webhook_keys import Keyring, Scheme
from infra.security.webhooks import (
    Verdict,
    WebhookHeaders,
    any_ed25519,
    any_hmac,
    sign_body,
    verify,
)
from tests.support.signing import PUBLIC_KEY, sign_v1a

FOLDER = Path(__file__).parents[4].parent / "shared" / "vectors"
ID, AT_S, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SVIX_V1A = (
    "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
)


def groups(name):
    path = FOLDER / name
    if not path.exists():
        if os.environ.get("REQUIRE_VECTORS") == "1":
            pytest.fail(f"{path} is missing")
        pytest.skip(f"Wycheproof vectors are not at {path}")
    return json.loads(path.read_text())["testGroups"]


def test_hmac_vectors_of_wycheproof():
    """Cut tags never match as signatures; what they are the beginning of is checked besides."""
    checked = 0
    for group in groups("hmac_sha256_test.json"):
        for case in group["tests"]:
            key, message, tag = (bytes.fromhex(case[name]) for name in ("key", "msg", "tag"))
            valid, whole = case["result"] == "valid", group["tagSize"] == 256
            assert any_hmac((key,), message, (tag,)) == (valid and whole), case["tcId"]
            computed = hmac.digest(key, message, "sha256")
            assert any_hmac((key,), message, (computed,))
            assert (computed[: len(tag)] == tag) == valid, case["tcId"]
            checked += 1
    assert checked == 174


def test_ed25519_vectors_of_wycheproof():
    """Signatures of another length are refused before: see ``SIGNATURE_BYTES``."""
    checked = 0
    for group in groups("ed25519_test.json"):
        public_key = bytes.fromhex(group["publicKey"]["pk"])
        for case in group["tests"]:
            signature, message = bytes.fromhex(case["sig"]), bytes.fromhex(case["msg"])
            valid = case["result"] == "valid"
            assert any_ed25519((public_key,), message, (signature,)) == valid, case["tcId"]
            checked += 1
    assert checked == 151


def test_the_vector_of_svix_for_private_keys_is_signed_and_accepted():
    assert sign_v1a(ID, AT_S, BODY) == SVIX_V1A
    keyring = Keyring(frozenset({Scheme.V1A}), (), (PUBLIC_KEY,))
    headers = WebhookHeaders(ID, str(AT_S), SVIX_V1A)
    assert verify(headers, BODY, keyring, AT_S) is Verdict.VALID


def test_the_vector_of_github_for_the_older_scheme_is_signed_and_accepted():
    secret, body = b"It's a Secret to Everybody", b"Hello, World!"
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert sign_body(secret, body) == expected
    keyring = Keyring(frozenset({Scheme.SHA256}), (secret,))
    headers = WebhookHeaders("delivery-1", None, None, expected)
    assert verify(headers, body, keyring, 0) is Verdict.VALID
    assert verify(headers, b"Hello, World", keyring, 0) is Verdict.BAD_SIGNATURE
