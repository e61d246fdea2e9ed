"""What is kept about tokens, in memory, with another server's documents beside it."""

from api.identity.tokens import Tokens, TokenStores
from infra.issuers.fetching import FetchError
from infra.issuers.remote_keys import RemoteKeys
from infra.postgres.signing_keys import PublicSigningKey
from infra.security import signing
from infra.security.pseudonyms import Pseudonyms
from infra.security.sealing import SealingError


class FakeTokens:
    """All of one test; ``documents`` is what other servers answer, by URL.

    Signing keys are kept by id as (public part, seed); ``sealed_with_another`` makes them
    unreadable.
    """

    def __init__(self, database, clock_ms):
        self.database = database
        self.clock_ms = clock_ms
        self.issuers = []
        self.signing_keys = {}
        self.sealed_with_another = False
        self.revocations = []
        self.documents = {}
        self.fetched = []
        self.remote_keys = None

    def open(self, settings):
        self.remote_keys = RemoteKeys(self.fetch, lambda: self.clock_ms() / 1000)
        stores = TokenStores(
            FakeIssuers(self), FakeSigningKeys(self), FakeRevocations(self),
            Pseudonyms(settings.erasure_key),
        )  # fmt: skip
        return Tokens(
            settings.token_issuer,
            stores,
            self.remote_keys,
            clock_ms=self.clock_ms,
            monotonic_s=lambda: self.clock_ms() / 1000,
        )

    def add_signing_key(self, kid="own-1", signs_from_ms=0, ends_at_ms=None):
        seed = signing.create_seed()
        public = PublicSigningKey(kid, signing.public_x(seed), 0, signs_from_ms, ends_at_ms)
        self.signing_keys[kid] = (public, seed)

    async def fetch(self, url):
        self.fetched.append(url)
        if url not in self.documents:
            raise FetchError("not there")
        return self.documents[url]


class Store:
    def __init__(self, tokens):
        self.tokens = tokens


class FakeIssuers(Store):
    async def list_all(self):
        self.tokens.database.touch()
        return list(self.tokens.issuers)


class FakeSigningKeys(Store):
    def live(self, now_ms):
        known = self.tokens.signing_keys.values()
        return [pair for pair in known if pair[0].ends_at_ms is None or pair[0].ends_at_ms > now_ms]

    async def list_published(self, now_ms):
        self.tokens.database.touch()
        return [public for public, _ in self.live(now_ms)]

    async def current(self, now_ms):
        self.tokens.database.touch()
        if self.tokens.sealed_with_another:
            raise SealingError("sealed with another key")
        ready = [pair for pair in self.live(now_ms) if pair[0].signs_from_ms <= now_ms]
        found = max(ready, key=lambda pair: pair[0].signs_from_ms, default=None)
        return None if found is None else signing.load(found[0].kid, found[1])


class FakeRevocations(Store):
    async def list_live(self, now_s):
        self.tokens.database.touch()
        return list(self.tokens.revocations)
