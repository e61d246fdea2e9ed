"""One GET, against real servers on this machine: what is taken, and what is refused."""

import asyncio
import datetime
import socket
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.issuers import fetching
from infra.issuers.fetching import FetchError, Target, fetch, read_url, request_of
from infra.security.jwks import JWKS_BYTES_MAX
from tests.support.documents import document_server


def test_a_url_is_read():
    assert read_url("https://id.example.com/keys?v=1") == Target(
        True, "id.example.com", 443, "/keys?v=1"
    )  # fmt: skip
    assert read_url("http://[::1]:8080") == Target(False, "::1", 8080, "/")


@pytest.mark.parametrize(
    "url",
    [
        "", "id.example.com", "ftp://x/", "file:///etc/passwd", "https://", "https:///x",
        "https://user@x/", "https://user:secret@x/", "https://x/#y", "https://x:99999/",
        "https://x/ y", "https://x/\r\nHost: y", "https://ü/", "https://x/" + "y" * 512,
        "https://[::1/", "//x/", "gopher://x:70/",
    ],
)  # fmt: skip
def test_another_url_is_refused(url):
    with pytest.raises(FetchError):
        read_url(url)


@settings(max_examples=300)
@given(st.text(max_size=30).map("https://".__add__) | st.text(max_size=30))
def test_any_text_is_a_url_or_the_one_error(text):
    try:
        target = read_url(text)
    except FetchError:
        return
    assert request_of(target).count(b"\r\n") == 7  # nothing of the URL begins a line of its own


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://id.example.com/k", "id.example.com"),
        ("https://id.example.com:8443/k", "id.example.com:8443"),
        ("https://[2606:4700::1]/k", "[2606:4700::1]"),
    ],
)
def test_the_host_has_its_port_only_where_it_is_unusual(url, host):
    assert f"\r\nHost: {host}\r\n".encode() in request_of(read_url(url))


async def test_a_document_is_fetched():
    async with document_server() as server:
        server.body = b'{"keys": []}'
        assert await fetch(server.url, private=True) == b'{"keys": []}'
        head = server.requests[0].decode()
        assert head.startswith("GET /jwks.json HTTP/1.1\r\n")
        assert f"Host: 127.0.0.1:{server.port}\r\n" in head


async def test_a_document_in_chunks_is_fetched():
    async with document_server() as server:
        server.raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        assert await fetch(server.url, private=True) == b"{}"


async def test_a_private_address_is_not_asked_unless_a_setting_says_so():
    async with document_server() as server:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433"):
            url = f"https://{host}:{server.port}/"
            with pytest.raises(FetchError, match="not public"):
                await fetch(url)
        assert server.requests == []


async def test_http_is_for_this_machine_only(monkeypatch):
    async def somewhere_else(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", ("10.0.0.1", port))]

    with pytest.raises(FetchError, match="not public"):
        await fetch("http://127.0.0.1:1/")
    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", somewhere_else)
    with pytest.raises(FetchError, match="https://"):
        await fetch("http://internal.example/", private=True)


async def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    async def both(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in ("1.1.1.1", "127.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", both)
    with pytest.raises(FetchError, match="not public"):
        await fetch("https://rebinding.example/")


async def test_the_name_is_resolved_once_and_that_address_is_connected_to(monkeypatch):
    resolved = []
    async with document_server() as server:
        loop = asyncio.get_running_loop()

        async def once(host, port, **options):
            resolved.append(host)
            return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

        connected = []
        real = asyncio.open_connection

        async def noted(host, port, **options):
            connected.append(host)
            monkeypatch.undo()
            return await real(host, port, **options)

        monkeypatch.setattr(loop, "getaddrinfo", once)
        monkeypatch.setattr(asyncio, "open_connection", noted)
        await fetch(f"http://keys.example:{server.port}/", private=True)
    assert resolved == ["keys.example"]
    assert connected == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://x/\r\nContent-Length: 0\r\n\r\n",
            "302, not 200",
        ),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404, not 200"),
        (b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "500, not 200"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "ended early"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "compressed"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "Error"),
        (b"", "ended early"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 90_000, "too large"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + b"x" * (JWKS_BYTES_MAX * 2),
            "too large",
        ),
    ],
)
async def test_another_answer_is_refused(raw, sentence):
    async with document_server() as server:
        server.raw = raw
        with pytest.raises(FetchError, match=sentence):
            await fetch(server.url, private=True)
        assert len(server.requests) == 1  # a redirect is not followed


async def test_a_server_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(fetching, "DEADLINE_S", 0.05)
    async with document_server() as server:
        server.hang = True
        with pytest.raises(FetchError, match="did not answer"):
            await fetch(server.url, private=True)


async def test_nobody_there_is_said_so():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match="ConnectionRefusedError"):
        await fetch(f"http://127.0.0.1:{port}/", private=True)
    with pytest.raises(FetchError, match="gaierror"):
        await fetch("https://no-such-host.invalid/")


def certificate(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )  # fmt: skip
    return path


async def test_the_certificate_is_checked_for_the_name(tmp_path, monkeypatch):
    path = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    async with document_server(ssl=context) as server:
        named, unnamed = (f"https://{host}:{server.port}/" for host in ("localhost", "127.0.0.1"))
        with pytest.raises(FetchError, match="SSLCertVerificationError"):
            await fetch(named, private=True)
        trusting = ssl.create_default_context(cafile=path)
        monkeypatch.setattr(fetching.ssl, "create_default_context", lambda: trusting)
        assert await fetch(named, private=True) == b"{}"
        with pytest.raises(FetchError, match="SSLCertVerificationError"):
            await fetch(unnamed, private=True)
