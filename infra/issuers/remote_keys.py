"""Key sets of issuers by address: fetched in the background, kept when the issuer is away.

A request asks for what is there and never waits. A key id that nobody knows makes the set be
fetched again, at most once in ``UNKNOWN_KEY_S`` an issuer: random key ids cause no more calls than
that.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.issuers.fetching import FetchError
from infra.metrics import API_JWKS_FETCHES
from infra.postgres.pool import UNAVAILABLE
from infra.security.jwks import JwksError, KeySet, parse_jwks

log = logging.getLogger(__name__)

FRESH_S = 300.0
RETRY_S = 60.0
UNKNOWN_KEY_S = 60.0
ROUND_S = 2.0  # how soon an issuer that was added is noticed

Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(slots=True)
class _Remote:
    """One address: its last good keys, when it is fetched next, and whether a key was missed."""

    keys: KeySet | None = None
    due_s: float = 0.0
    missed: bool = False
    missed_due_s: float = 0.0

    def is_due(self, now_s: float) -> bool:
        return now_s >= self.due_s or (self.missed and now_s >= self.missed_due_s)


class RemoteKeys:
    """The key sets of all issuers that publish them.

    Args:
        fetch: the document at an address; raises ``FetchError``.
        clock_s: monotonic seconds.
    """

    def __init__(self, fetch: Fetch, clock_s: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock_s = clock_s
        self._remotes: dict[str, _Remote] = {}
        self._woken = asyncio.Event()

    def keys(self, url: str) -> KeySet:
        """Return the last good set of an address, empty before the first one."""
        remote = self._remotes.get(url)
        return {} if remote is None or remote.keys is None else remote.keys

    def miss(self, url: str) -> None:
        """Note that a token named a key that the set does not have."""
        remote = self._remotes.get(url)
        if remote is not None and not remote.missed:
            remote.missed = True
            self._woken.set()

    async def run(self, list_urls: Callable[[], Awaitable[Collection[str]]]) -> None:
        """Keep the sets of ``list_urls()`` fresh until cancelled."""
        while True:
            self._woken.clear()
            try:
                await self.refresh(await list_urls())
            except UNAVAILABLE as error:
                log.warning("issuers are not known at the moment: %s", type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(ROUND_S):
                    await self._woken.wait()

    async def refresh(self, urls: Collection[str]) -> None:
        """Fetch the sets that are due, forget those of addresses that are not named."""
        self._remotes = {url: self._remotes.get(url) or _Remote() for url in urls}
        now_s = self._clock_s()
        due = [(url, item) for url, item in self._remotes.items() if item.is_due(now_s)]
        await asyncio.gather(*(self._renew(url, remote) for url, remote in due))

    async def _renew(self, url: str, remote: _Remote) -> None:
        now_s = self._clock_s()
        if remote.missed:
            remote.missed, remote.missed_due_s = False, now_s + UNKNOWN_KEY_S
        try:
            remote.keys = parse_jwks(await self._fetch(url))
        except (FetchError, JwksError) as error:
            remote.due_s = now_s + RETRY_S
            API_JWKS_FETCHES.labels("failed").inc()
            log.warning("keys of %s stay as they are: %s", urlsplit(url).hostname, error)
        else:
            remote.due_s = now_s + FRESH_S
            API_JWKS_FETCHES.labels("fetched").inc()
