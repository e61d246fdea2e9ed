"""Certificates for tests: an authority, and what it signs, as PEM files."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEFORE = datetime.timedelta(days=2)
VALID = datetime.timedelta(days=2)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, PEM files."""

    certificate: Path
    key: Path

    @property
    def both(self) -> bytes:
        """Key and certificate in one text."""
        return self.key.read_bytes() + self.certificate.read_bytes()


class Authority:
    """Signs certificates; its own is ``certificate``."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._name = name_of(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._key_id = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        own = self._begin(self._name, self._key.public_key(), datetime.timedelta())
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(usage, critical=True)
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(pem(own.sign(self._key, hashes.SHA256())))

    def issue(
        self, name: str, hosts: Sequence[str] = (), *, password: bytes = b"", age_days: int = 0
    ) -> Pair:
        """Make a certificate for servers called ``hosts`` and for clients.

        Args:
            name: whose it is, and the name of its files.
            hosts: names or addresses of the server.
            password: what its key is encrypted with; empty: it is not.
            age_days: 3 or more: it has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = self._begin(name_of(name), key.public_key(), datetime.timedelta(days=age_days))
        made = made.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([general_name(host) for host in hosts])
            made = made.add_extension(names, critical=False)
        pair = Pair(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        pair.certificate.write_bytes(pem(made.sign(self._key, hashes.SHA256())))
        sealed = serialization.BestAvailableEncryption(password) if password else None
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                sealed or serialization.NoEncryption(),
            )
        )
        return pair

    def _begin(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey, age: datetime.timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        own = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self._key_id)
        builder = x509.CertificateBuilder(subject_name=subject, issuer_name=self._name)
        builder = builder.public_key(public_key).serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now - age - BEFORE).not_valid_after(now - age + VALID)
        subject_id = x509.SubjectKeyIdentifier.from_public_key(public_key)
        builder = builder.add_extension(subject_id, critical=False)
        return builder.add_extension(own, critical=False)


def name_of(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
