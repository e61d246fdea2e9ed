"""Handwritten doubles of everything the API opens: dictionaries, a list, and switches to fail."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from api.identity.key_use import KeyUse
from api.limits.limiter import open_limiter
from api.presets import PresetRules
from api.services import Services
from domain.title_attributes import wholes_of
from infra.kafka.delivery import Produced
from infra.kafka.producer import KafkaUnavailable
from infra.postgres.api_keys import ApiKey
from infra.postgres.dead_letters import DeadLetter, WholeLetter
from infra.postgres.partners import Partner
from infra.postgres.slates import ServedSlate
from infra.security import keys
from infra.security.pseudonyms import Pseudonyms
from infra.security.sealing import SealingError
from infra.security.webhook_keys import Keyring, Scheme
from infra.settings import Settings
from schemas.codec import decode, encode
from schemas.content import Content
from schemas.watch_state import WatchState
from tests.component.api.admin.fakes import (
    FakeDeadLetters,
    FakeErasures,
    FakeRedrives,
    KeyAdmin,
    PartnerAdmin,
)
from tests.component.api.content_fakes import (
    FakeAttributes,
    FakeContents,
    FakeEmbeddings,
    FakeModels,
    FakeNeighbours,
    FakeRankingRules,
    FakeTrending,
)
from tests.component.api.fake_operators import FakeOperatorWorld
from tests.component.api.identity.fakes import FakeTokens
from tests.component.api.partner_fakes import FakeDeliveries, FakePartnerDeliveries, FakeRefusals
from tests.component.api.store import Store
from topics.catalog import WEBHOOKS

# Limits of callers that no test reaches which is not about them.
PLENTY = {
    f"limits_{name}_per_s": 1_000_000
    for name in ("anonymous", "free", "pro", "enterprise", "unverified")
}
NOW_MS = 1_767_300_000_000


class FakeDatabase:
    """All stores in memory; ``away`` makes every call fail, ``frozen`` reads never answer."""

    def __init__(self):
        self.away = False
        self.frozen = False
        self.defect = False
        self.keys = {}
        self.key_uses = []
        self.partners = {}
        self.unsealable = set()  # names of partners whose keys cannot be opened
        self.deliveries = {}
        self.refusals = []
        self.refusal_counts = []
        self.dead_letters = []
        self.unfit = {}  # letter id -> why it cannot be redriven
        self.redrive_failing = None
        self.contents = {}
        self.removed = set()
        self.slates = {}
        self.viewers = {}
        self.watch_states = {}
        self.partials = []
        self.neighbours = {}
        self.ranking_rules = {}
        self.nearest = {}
        self.vectors = {}  # content id -> (encoder, vector)
        self.models = {}
        self.erasures = []
        self.features = {}
        self.calls = 0

    def touch(self):
        self.calls += 1
        if self.away:
            raise psycopg.OperationalError("connection refused: secret-host")
        if self.defect:
            raise ZeroDivisionError("secret detail")

    async def is_ready(self):
        return not self.away

    def add_key(self, **changes):
        new = keys.create_key()
        fields = {"name": "test", "scopes": keys.SCOPES, "user_id": None, "created_at_ms": 0}
        key_id = changes.pop("key_id", new.key_id)
        partner = changes.get("partner")
        if partner is not None:  # as the foreign key of the table demands
            self.partners.setdefault(partner, a_partner(b"s" * 32, partner=partner))
        self.keys[key_id] = ApiKey(key_id, new.sha256, **{**fields, **changes})
        return new.text

    def put_key(self, text, key_id, tier):
        """Make a key valid that another process made."""
        sha256 = keys.hash_key(text)
        self.keys[key_id] = ApiKey(key_id, sha256, "test", keys.SCOPES, None, 0, tier=tier)

    def add_content(self, content):
        self.contents[content.content_id] = content

    def add_state(self, state):
        self.watch_states.setdefault(state.user_id, {})[state.content_id] = state


class FakeKeys(KeyAdmin, Store):
    async def find(self, key_id):
        await self.answer()
        self.database.touch()
        return self.database.keys.get(key_id)

    async def note_used(self, uses):
        self.database.touch()
        self.database.key_uses.append(dict(uses))


class FakePartners(PartnerAdmin, Store):
    async def find(self, partner):
        self.database.touch()
        if partner in self.database.unsealable:
            raise SealingError("sealed with a key that is not set (MEDIA_GATEWAY_SECRETS_KEY)")
        return self.database.partners.get(partner)


class FakeSlates(Store):
    async def fetch(self, user_id):
        self.database.touch()
        return self.database.slates.get(user_id, ServedSlate(None, -1, (), -1, (), None))

    async def fetch_with_feed(self, user_id):
        return await self.fetch(user_id)

    async def fetch_with_ranking(self, user_id):
        return await self.fetch(user_id)


class FakeViewers(Store):
    async def fetch(self, user_id):
        self.database.touch()
        return self.database.viewers.get(user_id)


class FakeWatchStates(Store):
    def states(self, user_id):
        states = self.database.watch_states.get(user_id, {}).values()
        return sorted(states, key=lambda s: (s.updated_at_ms, s.content_id), reverse=True)

    async def fetch_row(self, user_id):
        self.database.touch()
        return [encode(state) for state in self.states(user_id)]

    async def fetch_history(self, user_id, limit, after):
        self.database.touch()
        found = self.states(user_id)
        if after is not None:
            found = [s for s in found if (s.updated_at_ms, s.content_id) < tuple(after)]
        return [encode(state) for state in found[:limit]]

    async def fetch_of_title(self, user_id, content_id):
        self.database.touch()
        parts = {
            item.content_id
            for item in self.database.contents.values()
            if content_id in {item.content_id, *wholes_of(item)}
        }
        return [encode(state) for state in self.states(user_id) if state.content_id in parts]


class FakeProducer:
    """Keeps what was sent; ``away`` refuses, ``lost_answers`` takes the record and then refuses."""

    def __init__(self):
        self.sent = []
        self.away = False
        self.lost_answers = 0
        self.records_in_flight = 0

    async def is_ready(self):
        return not self.away

    async def send(self, spec, value):
        return (await self.send_many(spec, [value]))[0]

    async def send_many(self, spec, values):
        if self.away:
            raise KafkaUnavailable("broker-1.secret: away")
        for value in values:
            assert decode(spec.schema, encode(value)) == value
            self.sent.append((spec.name, value))
        if self.lost_answers:
            self.lost_answers -= 1
            raise KafkaUnavailable("the answer was lost")
        return [Produced(0, len(self.sent)) for _ in values]


class FakeWorld:
    """Database, producer and clocks of one test."""

    def __init__(self, **settings):
        self.settings = Settings(**{**PLENTY, **settings})
        self.database = FakeDatabase()
        self.producer = FakeProducer()
        self.now_ms = NOW_MS
        self.people = self.database.people = FakeOperatorWorld(self)
        self.clock_step_s = 0.0  # by how much each look at the monotonic clock moves it
        self.looked = 0
        self.tokens = FakeTokens(self.database, lambda: self.now_ms)

    def monotonic_s(self):
        self.looked += 1
        return self.now_ms / 1000 + self.looked * self.clock_step_s

    def later(self, seconds):
        self.now_ms += int(seconds * 1000)

    @asynccontextmanager
    async def open_services(self, settings) -> AsyncIterator[Services]:
        database = self.database
        self.key_use = KeyUse(FakeKeys(database).note_used, lambda: self.now_ms)
        limiter = open_limiter(settings, lambda: self.now_ms / 1000)
        try:
            yield self.services(settings, database, limiter)
        finally:
            self.people.passwords.close()
            await limiter.close()

    def services(self, settings, database, limiter):
        return Services(
            settings=settings,
            preset_rules=PresetRules.from_settings(settings),
            producer=self.producer,
            database=database,
            keys=FakeKeys(database),
            key_use=self.key_use,
            tokens=self.tokens.open(settings),
            partners=FakePartners(database),
            deliveries=FakeDeliveries(database),
            refusals=FakeRefusals(database),
            partner_deliveries=FakePartnerDeliveries(database),
            dead_letters=FakeDeadLetters(database),
            redrives=FakeRedrives(database),
            contents=FakeContents(database),
            slates=FakeSlates(database),
            viewers=FakeViewers(database),
            watch_states=FakeWatchStates(database),
            trending=FakeTrending(database),
            neighbours=FakeNeighbours(database),
            ranking_rules=FakeRankingRules(database),
            attributes=FakeAttributes(database),
            embeddings=FakeEmbeddings(database),
            models=FakeModels(database),
            operators=self.people,
            logins=self.people,
            sessions=self.people,
            audit=self.people,
            passwords=self.people.passwords,
            pause=self.people.pause,
            erasures=FakeErasures(database, self.people, self.tokens),
            pseudonyms=Pseudonyms(settings.erasure_key),
            clock_ms=lambda: self.now_ms,
            monotonic_s=self.monotonic_s,
            limiter=limiter,
        )


def a_partner(secret, *, secrets=(), public_keys=(), schemes=(Scheme.V1,), ends=(), **changes):
    keyring = Keyring(frozenset(schemes), tuple(secrets) or (secret,), tuple(public_keys), ends)
    fields = {"partner": "acme", "mapper": "generic", "enabled": True, "tier": "pro"}
    fields["deliveries_per_s"] = 10_000
    return Partner(keyring=keyring, **{**fields, **changes})


def a_letter(letter_id=1, value=b"{}", **changes):
    fields = dict.fromkeys(DeadLetter._fields) | {
        "letter_id": letter_id, "source_topic": WEBHOOKS.name, "source_partition": 0,
        "source_offset": letter_id, "version": letter_id, "agent": "catalogue", "reason": "rule",
        "detail": "title: expected a text", "failed_at_ms": NOW_MS + letter_id, "partner": "acme",
        "event_id": f"e-{letter_id}", "webhook_id": f"msg_{letter_id}", "attempts": 1,
        "state": "open",
    }  # fmt: skip
    return WholeLetter(DeadLetter(**fields | changes), b"acme|msg", value, b"[]")


def a_content(content_id="film-1", **changes):
    fields = {"type": "movie", "title": f"Title of {content_id}", "updated_at_ms": 1}
    return Content(content_id=content_id, **{**fields, **changes})


def a_state(content_id="film-1", **changes):
    fields = {
        "user_id": "user-1", "epoch": 0, "completions": 0, "completed": False, "watched_s": 60,
        "position_s": 600, "duration_s": 6000, "progress": 0.1, "resumable": True,
        "started_at_ms": NOW_MS - 1000, "updated_at_ms": NOW_MS - 1000, "source_offset": 7,
    }  # fmt: skip
    return WatchState(content_id=content_id, **{**fields, **changes})


def ids(response):
    assert response.status_code == 200, response.text
    return [entry["content_id"] for entry in response.json()["entries"]]
