"""Settings -> how Kafka is spoken to: what fits together, and what is refused."""

import ssl
from dataclasses import replace

import pytest

from infra.kafka.cluster import cluster_of, servers_of
from infra.kafka.security import (
    SECURITY_SETTINGS,
    refuse_security_alone,
    security_settings,
)
from infra.kafka.unreachable import Server
from infra.settings import Settings, SettingsError
from tests.support.certificates import Authority

SECRET = "canary-91b2"
LOGIN = {
    "kafka_sasl_mechanism": "SCRAM-SHA-512",
    "kafka_sasl_username": "gateway",
    "kafka_sasl_password": SECRET,
}


def settings_of(protocol, bootstrap="kafka:9092", **others):
    return Settings(kafka_bootstrap_servers=bootstrap, kafka_security_protocol=protocol, **others)


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture
def pair(authority):
    return authority.issue("client")


def test_without_settings_it_is_plain_text_to_every_server():
    cluster = cluster_of(Settings(kafka_bootstrap_servers="a:1, b:2,"))
    assert cluster.keywords() == {
        "bootstrap_servers": ["a:1", "b:2"],
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


def test_tls_checks_certificate_and_name_and_is_1_2_at_least(authority):
    location = str(authority.certificate)
    context = cluster_of(settings_of("ssl", kafka_ssl_ca_location=location)).security.tls
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert [each["subject"] for each in context.get_ca_certs()] == [
        ((("commonName", "authority"),),)
    ]  # no others


def test_a_login_has_all_its_keywords_and_no_representation_shows_the_password(authority):
    found = settings_of("sasl_ssl", kafka_ssl_ca_location=str(authority.certificate), **LOGIN)
    cluster = cluster_of(found)
    keywords = cluster.keywords()
    assert keywords["security_protocol"] == "SASL_SSL"
    assert keywords["sasl_mechanism"] == "SCRAM-SHA-512"
    assert keywords["sasl_plain_username"] == "gateway"
    assert keywords["sasl_plain_password"] == SECRET
    assert SECRET not in repr(cluster) + repr(found)


def test_the_files_are_read_once(authority):
    found = settings_of("SSL", kafka_ssl_ca_location=str(authority.certificate))
    assert cluster_of(found) is cluster_of(replace(found))


CONTRADICTIONS = {
    "no such protocol": ("TLS", {}, "is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
    "a password without a login": (
        "PLAINTEXT", {"kafka_sasl_password": SECRET},
        "KAFKA_SASL_PASSWORD is set, but KAFKA_SECURITY_PROTOCOL=PLAINTEXT has no login",
    ),
    "a login with TLS alone": ("SSL", LOGIN, "KAFKA_SASL_MECHANISM is set, but"),
    "authorities without TLS": (
        "plaintext", {"kafka_ssl_ca_location": "ca.pem"}, "PLAINTEXT has no TLS",
    ),
    "a password without a mechanism": (
        "SASL_SSL", {**LOGIN, "kafka_sasl_mechanism": ""}, "KAFKA_SASL_MECHANISM is missing",
    ),
    "no user": ("SASL_SSL", {**LOGIN, "kafka_sasl_username": ""}, "KAFKA_SASL_USERNAME is missing"),
    "no password": (
        "SASL_SSL", {**LOGIN, "kafka_sasl_password": ""}, "KAFKA_SASL_PASSWORD is missing",
    ),
    "no such mechanism": (
        "SASL_SSL", {**LOGIN, "kafka_sasl_mechanism": "GSSAPI"}, "'GSSAPI' is not one of PLAIN",
    ),
    "a login over a network in plain text": (
        "SASL_PLAINTEXT", LOGIN, "would log in to kafka in plain text",
    ),
    "a certificate without a key": (
        "SSL", {"kafka_ssl_certificate_location": "c.pem"},
        "KAFKA_SSL_CERTIFICATE_LOCATION is set without KAFKA_SSL_KEY_LOCATION",
    ),
    "a key without a certificate": (
        "SSL", {"kafka_ssl_key_location": "c.key"},
        "KAFKA_SSL_KEY_LOCATION is set without KAFKA_SSL_CERTIFICATE_LOCATION",
    ),
    "a password of no key": (
        "SSL", {"kafka_ssl_key_password": SECRET}, "set without KAFKA_SSL_KEY_LOCATION",
    ),
    "no file": (
        "SSL", {"kafka_ssl_ca_location": "absent.pem"},
        "KAFKA_SSL_CA_LOCATION: absent.pem: No such file",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions_are_said_without_a_secret(name):
    protocol, given, words = CONTRADICTIONS[name]
    with pytest.raises(SettingsError) as refused:
        cluster_of(settings_of(protocol, **given))
    assert words in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("bootstrap", ["kafka:x", "[::1:9092", "a:1,b:c"])
def test_an_address_that_is_none_is_said(bootstrap):
    with pytest.raises(SettingsError, match="expected host:port"):
        cluster_of(settings_of("PLAINTEXT", bootstrap))


def test_what_is_no_pem_or_does_not_fit_is_said(authority, pair, tmp_path):
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    sealed = authority.issue("sealed", password=SECRET.encode())
    other = authority.issue("other")

    def why(certificate=pair.certificate, key=pair.key, **others):
        given = {
            "kafka_ssl_certificate_location": str(certificate),
            "kafka_ssl_key_location": str(key),
        }
        with pytest.raises(SettingsError) as refused:
            cluster_of(settings_of("SSL", **given, **others))
        assert SECRET not in str(refused.value)
        return str(refused.value)

    assert "holds no certificate in PEM" in why(kafka_ssl_ca_location=str(junk))
    assert "is not the key of" in why(key=other.key)
    assert "are not both PEM" in why(key=junk)
    assert "No such file" in why(key=tmp_path / "absent")
    assert "set KAFKA_SSL_KEY_PASSWORD" in why(sealed.certificate, sealed.key)
    assert "KAFKA_SSL_KEY_PASSWORD does not open" in why(
        sealed.certificate, sealed.key, kafka_ssl_key_password=SECRET + "x"
    )


def test_a_login_in_plain_text_stays_on_this_machine():
    cluster = cluster_of(settings_of("SASL_PLAINTEXT", "localhost:1,127.0.0.9:2,[::1]:3", **LOGIN))
    assert cluster.security.protocol == "SASL_PLAINTEXT"
    with pytest.raises(SettingsError, match=r"log in to 10\.0\.0\.1 "):
        cluster_of(settings_of("SASL_PLAINTEXT", "localhost:1,10.0.0.1:2", **LOGIN))


def test_an_address_has_host_and_port():
    assert servers_of(["kafka:9093", "[2001:db8::1]:9094"]) == [
        Server("kafka", 9093), Server("2001:db8::1", 9094),
    ]  # fmt: skip
    assert str(Server("2001:db8::1", 9094)) == "[2001:db8::1]:9094"


@pytest.mark.parametrize("name", SECURITY_SETTINGS)
def test_security_without_a_server_of_ones_own_is_refused(name):
    given = "SSL" if name == "kafka_security_protocol" else SECRET
    with pytest.raises(SettingsError, match="set without KAFKA_BOOTSTRAP_SERVERS") as refused:
        refuse_security_alone(Settings(**{name: given}))
    assert SECRET not in str(refused.value)
    refuse_security_alone(Settings())


def test_what_belongs_together_can_be_handed_on():
    found = settings_of("SASL_SSL", **LOGIN)
    assert replace(
        Settings(), kafka_bootstrap_servers="kafka:9092", **security_settings(found)
    ) == (found)
