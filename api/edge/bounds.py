"""What one connection and one process may use, as data."""

from dataclasses import dataclass

from api.edge.addresses import Networks, parse_networks
from api.edge.security_headers import Headers, security_headers
from infra.settings import Settings

URL_BYTES_MAX = 4096
# Key of a request's scope: a function that tells whether some of its body has not been read yet.
BODY_PENDING = "media_gateway.body_pending"
HEADERS_MAX = 64
HEADER_BYTES_MAX = 16 * 1024
# What the parser may hold of one head that is not complete: all of the above, and the line breaks.
HEAD_BYTES_MAX = 24 * 1024
# A body in chunks costs more than it holds: six bytes around a chunk of one. What is beyond that is
# an extension of a chunk or a trailer without end.
FRAMING_BYTES_MAX = 16 * 1024
FRAMING_FACTOR_MAX = 8
PIPELINED_MAX = 32
# Input after the last answer is read, so that the answer is not lost to a reset, but not for long.
DISCARD_BYTES_MAX = 2 * 1024 * 1024
DISCARD_S = 2.0
# What the kernel holds for a client that does not read; left alone it takes 4 MiB.
SEND_BUFFER_BYTES = 128 * 1024
# A reader slower than this from one check to the next is cut off.
READER_BYTES_PER_S_MIN = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """The bounds that a setting may change; durations in seconds."""

    head_timeout_s: float = 10.0
    reader_check_s: float = 10.0
    connections_max: int = 2000
    connections_per_address_max: int = 256
    requests_per_connection_max: int = 10_000
    trusted_proxies: Networks = ()
    security_headers: Headers = ()

    @classmethod
    def from_settings(cls, settings: Settings) -> "Bounds":
        """Return the bounds of one process.

        Raises:
            SettingsError: the trusted proxies are not networks.
        """
        return cls(
            head_timeout_s=settings.http_head_timeout_s,
            reader_check_s=settings.http_reader_check_s,
            connections_max=settings.http_connections_max,
            connections_per_address_max=settings.http_connections_per_address_max,
            requests_per_connection_max=settings.http_requests_per_connection_max,
            trusted_proxies=parse_networks(settings.trusted_proxies),
            security_headers=security_headers(settings),
        )
