"""Receipts: signed with Ed25519, verified by the public key alone."""

import base64
import binascii
import hashlib
import secrets
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.codec import WireModel, encode

KEY_ID_BYTES = 8


class ReceiptKey(NamedTuple):
    """A key pair; ``private`` are its 32 secret bytes."""

    key_id: str
    private: bytes
    public: bytes


class ReceiptError(ValueError):
    """A receipt cannot be read, or is not what was signed; the message says which."""


def create_receipt_key() -> ReceiptKey:
    """Return a new random key."""
    key = Ed25519PrivateKey.generate()
    return ReceiptKey(
        secrets.token_hex(KEY_ID_BYTES),
        key.private_bytes_raw(),
        key.public_key().public_bytes_raw(),
    )


def canonical(receipt: Any) -> bytes:
    """Return what is signed: compact JSON, fields in their order."""
    return orjson.dumps(receipt)


def sign(receipt: WireModel, key: ReceiptKey) -> str:
    """Return the signature of a receipt, base64."""
    signed = canonical(orjson.loads(encode(receipt)))
    private = Ed25519PrivateKey.from_private_bytes(key.private)
    return base64.b64encode(private.sign(signed)).decode()


def digest_of(document: bytes) -> bytes:
    """Return the SHA-256 of a receipt as it was handed out."""
    return hashlib.sha256(document).digest()


def key_id_of(document: dict[str, Any]) -> str:
    """Return the id of the key that signed a receipt.

    Raises:
        ReceiptError: it is not signed.
    """
    signature = document.get("signature")
    if not isinstance(signature, dict) or not isinstance(signature.get("key_id"), str):
        why = document.get("unsigned") or "no signature"
        raise ReceiptError(f"the receipt is not signed: {why}")
    return str(signature["key_id"])


def verify(document: dict[str, Any], public: bytes) -> None:
    """Check that a receipt is what was signed.

    Raises:
        ReceiptError: it is not signed, was changed, or was signed with another key.
    """
    key_id_of(document)
    signature = document["signature"]
    if signature.get("algorithm") != "Ed25519" or not isinstance(signature.get("value"), str):
        raise ReceiptError("the signature is not Ed25519")
    try:
        value = base64.b64decode(signature["value"], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(value, canonical(document["receipt"]))
    except (InvalidSignature, binascii.Error, KeyError, ValueError) as error:
        raise ReceiptError("the receipt is not what was signed with this key") from error
