"""The private key that Svix publishes with its v1a vector, and signatures by it."""

import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE_KEY_TEXT = (
    "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
)
SEED = base64.b64decode(PRIVATE_KEY_TEXT.removeprefix("whsk_"))[:32]
PUBLIC_KEY_TEXT = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
PUBLIC_KEY = base64.b64decode(PUBLIC_KEY_TEXT.removeprefix("whpk_"))


def sign_v1a(webhook_id: str, timestamp_s: int, body: bytes, seed: bytes = SEED) -> str:
    """Return one signature, ``v1a,<base64>``, over ``id.timestamp.body``."""
    message = f"{webhook_id}.{timestamp_s}.".encode() + body
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(message)
    return "v1a," + base64.b64encode(signature).decode()
