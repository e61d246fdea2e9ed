import base64

import pytest

from infra.security.sealing import Sealer, SealingError

KEY = base64.b64encode(bytes(range(32))).decode()


def test_a_sealed_secret_opens_with_the_same_key_and_owner():
    sealed = Sealer(KEY).seal(b"secret", "acme")
    assert b"secret" not in sealed.encode()
    assert base64.b64encode(b"secret").decode() not in sealed
    assert Sealer(KEY).open(sealed, "acme") == b"secret"


def test_two_seals_of_one_secret_differ():
    assert Sealer(KEY).seal(b"secret", "acme") != Sealer(KEY).seal(b"secret", "acme")


def test_another_owner_another_key_or_a_changed_byte_do_not_open_it():
    sealed = Sealer(KEY).seal(b"secret", "acme")
    other_key = base64.b64encode(bytes(32)).decode()
    damaged = sealed[:-4] + ("AAAA" if sealed[-4:] != "AAAA" else "BBBB")
    for sealer, text, owner in (
        (Sealer(KEY), sealed, "other"),
        (Sealer(other_key), sealed, "acme"),
        (Sealer(KEY), damaged, "acme"),
        (Sealer(KEY), "aes256gcm:!", "acme"),
        (Sealer(KEY), "aes256gcm:", "acme"),
        (Sealer(KEY), "plain:!", "acme"),
        (Sealer(""), sealed, "acme"),
        (Sealer(""), "unknown", "acme"),
    ):
        with pytest.raises(SealingError):
            sealer.open(text, owner)


def test_without_a_key_secrets_are_marked_as_plain_and_stay_readable_later():
    sealed = Sealer("").seal(b"secret", "acme")
    assert sealed.startswith("plain:")
    assert Sealer(KEY).open(sealed, "acme") == b"secret"


@pytest.mark.parametrize("key", ["x", "!!!!", base64.b64encode(b"short").decode()])
def test_a_bad_key_is_refused_at_once(key):
    with pytest.raises(SealingError):
        Sealer(key)


OLD_KEY = base64.b64encode(bytes(range(50, 82))).decode()
OLDER_KEY = base64.b64encode(bytes(range(90, 122))).decode()


def test_old_keys_open_and_the_current_one_seals():
    sealed = {key: Sealer(key).seal(b"secret", "acme") for key in (KEY, OLD_KEY, OLDER_KEY)}
    sealer = Sealer(KEY, f"{OLD_KEY}, {OLDER_KEY}")
    assert {sealer.open(text, "acme") for text in sealed.values()} == {b"secret"}
    assert [sealer.is_current(text) for text in sealed.values()] == [True, False, False]
    assert Sealer(KEY).open(sealer.seal(b"secret", "acme"), "acme") == b"secret"
    with pytest.raises(SealingError, match="MEDIA_GATEWAY_SECRETS_KEYS_OLD"):
        Sealer(KEY).open(sealed[OLD_KEY], "acme")


@pytest.mark.parametrize("old_keys", ["", OLD_KEY])
def test_a_text_of_before_keys_had_ids_is_opened_by_any_key(old_keys):
    form, _, rest = Sealer(OLD_KEY if old_keys else KEY).seal(b"secret", "acme").split(":")
    before = f"{form}:{rest}"
    assert Sealer(KEY, old_keys).open(before, "acme") == b"secret"
    assert not Sealer(KEY, old_keys).is_current(before)
    with pytest.raises(SealingError):
        Sealer(KEY, old_keys).open(before, "other")


def test_what_must_be_encrypted_is_neither_stored_nor_read_otherwise():
    with pytest.raises(SealingError, match="MEDIA_GATEWAY_SECRETS_KEY is not set"):
        Sealer("").seal_encrypted(b"secret", "acme")
    plain = Sealer("").seal(b"secret", "acme")
    with pytest.raises(SealingError, match="not encrypted"):
        Sealer(KEY).open_encrypted(plain, "acme")
    sealed = Sealer(KEY).seal_encrypted(b"secret", "acme")
    assert Sealer(KEY).open_encrypted(sealed, "acme") == b"secret"


@pytest.mark.parametrize(
    ("key", "old_keys"), [("", OLD_KEY), (KEY, "short"), (KEY, "!"), (KEY, f"{OLD_KEY},AAAA")]
)
def test_old_keys_that_cannot_be_are_refused(key, old_keys):
    with pytest.raises(SealingError):
        Sealer(key, old_keys)
