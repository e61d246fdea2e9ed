"""A service that cannot be had skips loudly, and fails where services are promised."""

import pytest

from infra.embedded.errors import KafkaStartError
from tests.support.services import unavailable, url_of_database

PROBLEM = KafkaStartError("no Java")


def test_skip_says_why_and_how_to_fix_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"no Java\n.*make setup"):
        unavailable("Kafka", PROBLEM, "KAFKA_BOOTSTRAP_SERVERS")


def test_promised_services_turn_the_skip_into_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="no Java"):
        unavailable("Kafka", PROBLEM, "KAFKA_BOOTSTRAP_SERVERS")


def test_url_of_another_database_keeps_user_and_password() -> None:
    url = url_of_database("postgresql://u:p@h:1/a", "b")
    assert url == "postgresql://u:p@h:1/b"
