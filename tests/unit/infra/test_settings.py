import os
from dataclasses import fields

import pytest

from cli.options import environment_of
from infra.settings import Settings, SettingsError

CANARY = "canary-7f3a"


def test_a_secret_can_be_in_a_mounted_file(tmp_path):
    path = tmp_path / "database-url"
    path.write_text(f"postgresql://u:{CANARY}@h/d\n")
    settings = Settings.from_env({"DATABASE_URL_FILE": str(path)})
    assert settings.database_url == f"postgresql://u:{CANARY}@h/d"


def test_what_is_no_secret_is_not_read_from_files(tmp_path):
    path = tmp_path / "port"
    path.write_text("1234")
    assert Settings.from_env({"MEDIA_GATEWAY_PORT_FILE": str(path)}).port == 8080


def test_no_secret_is_in_the_representation():
    secrets = {item.name: CANARY for item in fields(Settings) if item.metadata["secret"]}
    assert len(secrets) >= 6
    assert CANARY not in repr(Settings(**secrets))


def test_a_secret_given_twice_is_refused_without_being_said(tmp_path):
    path = tmp_path / "url"
    path.write_text(CANARY)
    given = {"DATABASE_URL": CANARY, "DATABASE_URL_FILE": str(path)}
    with pytest.raises(SettingsError, match="both set") as error:
        Settings.from_env(given)
    assert CANARY not in str(error.value)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, content):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match="MEDIA_GATEWAY_SECRETS_KEY_FILE"):
        Settings.from_env({"MEDIA_GATEWAY_SECRETS_KEY_FILE": str(path)})


def test_a_child_gets_the_secret_once(tmp_path):
    path = tmp_path / "url"
    path.write_text("postgresql://u:p@h/d")
    given = {**os.environ, "DATABASE_URL": "", "DATABASE_URL_FILE": str(path)}
    settings = Settings.from_env(given)
    assert Settings.from_env({**given, **environment_of(settings)}) == settings
