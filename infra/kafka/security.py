"""Settings -> how Kafka is spoken to: TLS and login. Nothing else makes either.

OWASP ASVS 5: TLS 1.2 at least (12.1.1), the broker's certificate and name always checked (12.3.2),
and no login without TLS except to this machine (12.3.1). The files are read when a process starts.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from infra.settings import Settings, SettingsError
from infra.this_machine import is_this_machine

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

TLS_SETTINGS = (
    "kafka_ssl_ca_location",
    "kafka_ssl_certificate_location",
    "kafka_ssl_key_location",
    "kafka_ssl_key_password",
)
LOGIN_SETTINGS = ("kafka_sasl_mechanism", "kafka_sasl_username", "kafka_sasl_password")
SECURITY_SETTINGS = ("kafka_security_protocol", *TLS_SETTINGS, *LOGIN_SETTINGS)
VARIABLES: dict[str, str] = {item.name: item.metadata["env"] for item in fields(Settings)}


@dataclass(frozen=True, slots=True)
class Login:
    """Who this process is to the brokers."""

    mechanism: str
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Security:
    """How the brokers are spoken to; the default is plain text without a login.

    Attributes:
        protocol: one of ``PROTOCOLS``.
        tls: None without TLS.
        authorities: where the certificates are from that ``tls`` trusts, for messages.
        certificate: the file of our own certificate, for messages; empty: none.
        login: None without SASL.
    """

    protocol: str = "PLAINTEXT"
    tls: ssl.SSLContext | None = None
    authorities: str = ""
    certificate: str = ""
    login: Login | None = None


def security_of(settings: Settings, hosts: Sequence[str]) -> Security:
    """Return how to speak to the brokers.

    Args:
        settings: the declared ones.
        hosts: names or addresses of the bootstrap servers.

    Raises:
        SettingsError: the settings contradict each other, a file cannot be used, or a login would
            go over a network in plain text; no secret is in the message.
    """
    protocol = settings.kafka_security_protocol.upper()
    if protocol not in PROTOCOLS:
        raise SettingsError(
            f"KAFKA_SECURITY_PROTOCOL={settings.kafka_security_protocol!r} is not one of "
            + ", ".join(PROTOCOLS)
        )
    with_tls, with_login = protocol.endswith("SSL"), protocol.startswith("SASL")
    if not with_tls:
        _refuse_unused(settings, TLS_SETTINGS, "has no TLS", "SSL or SASL_SSL")
    if not with_login:
        _refuse_unused(settings, LOGIN_SETTINGS, "has no login", "SASL_SSL")
    login = _login(settings) if with_login else None
    if with_login and not with_tls:
        _refuse_login_over_a_network(hosts)
    tls = _tls_context(settings) if with_tls else None
    return Security(
        protocol,
        tls,
        settings.kafka_ssl_ca_location or "this machine",
        settings.kafka_ssl_certificate_location,
        login,
    )


def refuse_security_alone(settings: Settings) -> None:
    """Refuse settings of how to speak to Kafka where it is not set which: the embedded one.

    Raises:
        SettingsError: one is set; the embedded Kafka speaks plain text, on loopback only.
    """
    unused = _set(settings, TLS_SETTINGS + LOGIN_SETTINGS)
    if settings.kafka_security_protocol.upper() != "PLAINTEXT":
        unused = [VARIABLES["kafka_security_protocol"], *unused]
    if unused:
        raise SettingsError(
            f"{unused[0]} is set without KAFKA_BOOTSTRAP_SERVERS: the embedded Kafka has neither "
            "TLS nor logins, it is reached from this machine only"
        )


def security_settings(settings: Settings) -> dict[str, str]:
    """Return the settings of this module by name: secrets too."""
    return {name: getattr(settings, name) for name in SECURITY_SETTINGS}


def _set(settings: Settings, names: Sequence[str]) -> list[str]:
    return [VARIABLES[name] for name in names if getattr(settings, name)]


def _refuse_unused(settings: Settings, names: Sequence[str], lack: str, other: str) -> None:
    unused = _set(settings, names)
    if unused:
        raise SettingsError(
            f"{unused[0]} is set, but KAFKA_SECURITY_PROTOCOL="
            f"{settings.kafka_security_protocol.upper()} {lack}: set it to {other}"
        )


def _refuse_login_over_a_network(hosts: Sequence[str]) -> None:
    remote = [host for host in hosts if not is_this_machine(host)]
    if remote:
        raise SettingsError(
            f"KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT would log in to {remote[0]} in plain text: "
            "only this machine may be spoken to like that, set it to SASL_SSL"
        )


def _login(settings: Settings) -> Login:
    mechanism = settings.kafka_sasl_mechanism.upper()
    missing = [VARIABLES[name] for name in LOGIN_SETTINGS if not getattr(settings, name)]
    if missing:
        raise SettingsError(
            f"{missing[0]} is missing: KAFKA_SECURITY_PROTOCOL="
            f"{settings.kafka_security_protocol.upper()} needs " + _listed(LOGIN_SETTINGS)
        )
    if mechanism not in MECHANISMS:
        raise SettingsError(
            f"KAFKA_SASL_MECHANISM={settings.kafka_sasl_mechanism!r} is not one of "
            + ", ".join(MECHANISMS)
        )
    return Login(mechanism, settings.kafka_sasl_username, settings.kafka_sasl_password)


def _listed(names: Sequence[str]) -> str:
    variables = [VARIABLES[name] for name in names]
    return ", ".join(variables[:-1]) + " and " + variables[-1]


def _tls_context(settings: Settings) -> ssl.SSLContext:
    authorities = settings.kafka_ssl_ca_location
    if authorities:
        _check_readable("kafka_ssl_ca_location", authorities)
    try:
        context = ssl.create_default_context(cafile=authorities or None)
    except ssl.SSLError as error:
        raise SettingsError(
            f"KAFKA_SSL_CA_LOCATION: {authorities} holds no certificate in PEM"
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_certificate(context, settings)
    return context


def _load_certificate(context: ssl.SSLContext, settings: Settings) -> None:
    """Give the context our own certificate, if there is one."""
    certificate = settings.kafka_ssl_certificate_location
    key, password = settings.kafka_ssl_key_location, settings.kafka_ssl_key_password
    if not certificate and not key:
        if password:
            raise SettingsError("KAFKA_SSL_KEY_PASSWORD is set without KAFKA_SSL_KEY_LOCATION")
        return
    if not certificate or not key:
        given, lacking = ("CERTIFICATE", "KEY") if certificate else ("KEY", "CERTIFICATE")
        raise SettingsError(
            f"KAFKA_SSL_{given}_LOCATION is set without KAFKA_SSL_{lacking}_LOCATION: a "
            "certificate and its key go together"
        )
    _check_readable("kafka_ssl_certificate_location", certificate)
    _check_readable("kafka_ssl_key_location", key)
    asked = False

    def give_password() -> str:  # without it OpenSSL would ask at the terminal
        nonlocal asked
        asked = True
        return password

    try:
        context.load_cert_chain(certificate, key, give_password)
    except ssl.SSLError as error:
        raise SettingsError(_why_unusable(error, asked, bool(password))) from error


def _why_unusable(error: ssl.SSLError, asked: bool, password: bool) -> str:
    if asked and not password:
        return "KAFKA_SSL_KEY_LOCATION is encrypted: set KAFKA_SSL_KEY_PASSWORD"
    if error.reason == "KEY_VALUES_MISMATCH":
        return "KAFKA_SSL_KEY_LOCATION is not the key of KAFKA_SSL_CERTIFICATE_LOCATION"
    if asked:
        return "KAFKA_SSL_KEY_PASSWORD does not open KAFKA_SSL_KEY_LOCATION"
    return "KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION are not both PEM"


def _check_readable(name: str, path: str) -> None:
    """Say which file it is: OpenSSL does not."""
    try:
        with Path(path).open("rb"):
            return
    except OSError as error:
        raise SettingsError(f"{VARIABLES[name]}: {path}: {error.strerror}") from error
