"""Doubles of what operators administer: the product's own rules over dictionaries, and entries."""

from infra.postgres.api_keys import NoSuchPartner
from infra.postgres.dead_letters import DISCARDED, OPEN, REDRIVEN
from infra.postgres.erasures import ErasureRecord, ErasureRow, Noted
from infra.postgres.partner_views import PartnerView, StoredKey
from infra.postgres.partners import (
    KEYS_MAX,
    PUBLIC_KEY,
    SECRET,
    LiveKey,
    Partner,
    PartnerExists,
    TooManyKeys,
    UnknownPartner,
    _action_of,
)
from infra.postgres.token_revocations import TokenRevocation
from infra.redrive import Outcome, Refused
from infra.security.partner_keys import check_kind, check_schemes
from infra.security.webhook_keys import Keyring, fingerprint
from tests.component.api.store import Store

CREATED_MS = 1_767_200_000_000


def keys_of(partner):
    """Return (kind, bytes) of a partner's keys, newest first."""
    ring = partner.keyring
    return [(SECRET, value) for value in ring.secrets] + [
        (PUBLIC_KEY, value) for value in ring.public_keys
    ]


class PartnerAdmin:
    """What operators do with partners; mixed into the double of the store."""

    async def view(self, partner):
        self.database.touch()
        found = self.database.partners.get(partner)
        return found and self.seen(found)

    def seen(self, found):
        keys = tuple(
            StoredKey(number, kind, CREATED_MS, None)
            for number, (kind, _) in enumerate(keys_of(found))
        )
        return PartnerView(
            found.partner, found.display_name, found.mapper, found.enabled,
            tuple(found.keyring.schemes), found.tier, found.body_bytes_max, found.deliveries_per_s,
            CREATED_MS, keys,
        )  # fmt: skip

    async def page(self, limit, after):
        self.database.touch()
        names = sorted(name for name in self.database.partners if after is None or name > after)
        return [self.seen(self.database.partners[name]) for name in names[:limit]]

    async def live_keys(self, partner):
        self.database.touch()
        return [
            LiveKey(kind, fingerprint(value), CREATED_MS, None)
            for kind, value in keys_of(self.database.partners[partner])
        ]

    async def create(self, actor, new, keys):
        self.database.people.hold_session(actor)
        self.database.touch()
        if new.partner in self.database.partners:
            raise PartnerExists(f"partner {new.partner!r} exists already")
        fields = new._asdict()
        ring = Keyring(
            frozenset(fields.pop("schemes")),
            tuple(key.value for key in keys if key.kind == SECRET),
            tuple(key.value for key in keys if key.kind == PUBLIC_KEY),
        )
        made = Partner(enabled=True, keyring=ring, **fields)
        self.database.partners[new.partner] = made
        self.database.people.enter(actor, "partner.create", new.partner)

    def known(self, partner):
        self.database.touch()
        if partner not in self.database.partners:
            raise UnknownPartner(f"there is no partner {partner!r}")
        return self.database.partners[partner]

    async def change(self, actor, partner, changes):
        self.database.people.hold_session(actor)
        found, fields = self.known(partner), dict(changes)
        if "schemes" in fields:
            check_schemes(partner, fields["schemes"], {kind for kind, _ in keys_of(found)})
            fields["keyring"] = found.keyring._replace(schemes=frozenset(fields.pop("schemes")))
        self.database.partners[partner] = found._replace(**fields)
        self.database.people.enter(actor, _action_of(changes), partner)

    async def rotate(self, actor, partner, key, overlap_ms):
        self.database.people.hold_session(actor)
        found = self.known(partner)
        check_kind(partner, found.keyring.schemes, key.kind)
        kept = keys_of(found) if overlap_ms else []
        if len(kept) >= KEYS_MAX:
            raise TooManyKeys(CREATED_MS + overlap_ms)
        keys = [(key.kind, key.value), *kept]
        ring = found.keyring._replace(
            secrets=tuple(value for kind, value in keys if kind == SECRET),
            public_keys=tuple(value for kind, value in keys if kind == PUBLIC_KEY),
        )
        self.database.partners[partner] = found._replace(keyring=ring)
        self.database.people.enter(actor, "partner.rotate-secret", partner)


class KeyAdmin:
    """What operators do with API keys; mixed into the double of the store."""

    async def page(self, limit, after):
        self.database.touch()
        found = sorted(
            self.database.keys.values(),
            key=lambda key: (key.created_at_ms, key.key_id), reverse=True,
        )  # fmt: skip
        return [
            key for key in found if after is None or (key.created_at_ms, key.key_id) < tuple(after)
        ][:limit]

    async def create(self, actor, key):
        self.database.people.hold_session(actor)
        self.database.touch()
        if key.partner is not None and key.partner not in self.database.partners:
            raise NoSuchPartner(f"no partner {key.partner!r}")
        self.database.keys[key.key_id] = key
        self.database.people.enter(actor, "key.create", key.key_id)

    async def revoke(self, actor, key_id, now_ms):
        self.database.people.hold_session(actor)
        self.database.touch()
        found = self.database.keys.get(key_id)
        if found is None or found.revoked_at_ms is not None:
            return False
        self.database.keys[key_id] = found._replace(revoked_at_ms=now_ms)
        self.database.people.enter(actor, "key.revoke", key_id)
        return True


def place_of(whole):
    return whole.letter.failed_at_ms, whole.letter.letter_id


class FakeDeadLetters:
    def __init__(self, database):
        self.database = database

    def newest_first(self, after, limit, keep):
        self.database.touch()
        found = sorted(filter(keep, self.database.dead_letters), key=place_of, reverse=True)
        return [each for each in found if after is None or place_of(each) < tuple(after)][:limit]

    async def fetch_of_partner(self, partner, limit, after):
        return self.newest_first(after, limit, lambda each: each.letter.partner == partner)

    async def fetch_page(self, wanted, limit, after):
        def keep(whole):
            letter = whole.letter
            return (
                wanted.topic in (None, letter.source_topic)
                and wanted.partner in (None, letter.partner)
                and wanted.reason in (None, letter.reason)
                and wanted.state in (None, letter.state)
                and (wanted.since_ms is None or letter.failed_at_ms >= wanted.since_ms)
                and (wanted.until_ms is None or letter.failed_at_ms < wanted.until_ms)
            )

        return [each.letter for each in self.newest_first(after, limit, keep)]

    async def find(self, letter_id):
        self.database.touch()
        found = [each for each in self.database.dead_letters if each.letter.letter_id == letter_id]
        return found[0] if found else None

    async def discard(self, actor, letter_ids, *, at_ms, note):
        self.database.touch()
        return self.mark(actor, letter_ids, "dead-letter.discard", (DISCARDED, at_ms, note))

    def mark(self, actor, letter_ids, action, change):
        self.database.people.hold_session(actor)
        state, at_ms, note = change
        done = []
        for place, whole in enumerate(self.database.dead_letters):
            letter = whole.letter
            if letter.letter_id in letter_ids and letter.state == OPEN:
                changed = letter._replace(
                    state=state, changed_at_ms=at_ms, changed_by=actor.name, note=note
                )
                self.database.dead_letters[place] = whole._replace(letter=changed)
                done.append(letter.letter_id)
        if done:
            self.database.people.enter(actor, action, ",".join(map(str, sorted(done))))
        return sorted(done)


class FakeRedrives:
    """Redrives at once; letters in ``database.unfit`` are refused, ``failing`` is raised."""

    def __init__(self, database):
        self.letters = FakeDeadLetters(database)
        self.database = database

    async def redrive(self, actor, letter_ids, *, mapper):
        self.database.touch()
        if self.database.redrive_failing:
            raise self.database.redrive_failing
        known = {each.letter.letter_id: each.letter for each in self.database.dead_letters}
        refused = [
            Refused(known[each], self.database.unfit[each])
            for each in letter_ids
            if each in known and each in self.database.unfit
        ]
        fit = [each for each in letter_ids if each not in self.database.unfit]
        note = None if mapper is None else f"mapper {mapper}"
        done = self.letters.mark(actor, fit, "dead-letter.replay", (REDRIVEN, CREATED_MS, note))
        return Outcome([known[each] for each in done], refused)


class FakeErasures(Store):
    """Erasures by pseudonym; the newest time wins, and a repetition is later."""

    def __init__(self, database, people, tokens):
        super().__init__(database)
        self.people = people
        self.tokens = tokens

    async def fetch_since(self, erased_at_ms):
        await self.answer()
        self.database.touch()
        return [row for row in self.database.erasures if row.erased_at_ms >= erased_at_ms]

    async def record(self, actor, pseudonym, now_ms):
        self.people.hold_session(actor)
        self.database.touch()
        earlier = [each for each in self.database.erasures if each.pseudonym == pseudonym]
        at_ms = max([now_ms, *(each.erased_at_ms + 1 for each in earlier)])
        self.database.erasures.append(ErasureRow(pseudonym, at_ms))
        self.people.enter(actor, "user.erase", pseudonym, {"erased_at_ms": at_ms})
        self.tokens.revocations.append(TokenRevocation("erased", pseudonym, at_ms // 1000))
        before = max((each.erased_at_ms for each in earlier), default=None)
        return Noted(at_ms, len(self.people.entries), at_ms, before)

    async def delete_rows(self, user_id, pseudonym, until_ms):
        self.database.touch()
        self.database.keys = {
            name: key for name, key in self.database.keys.items() if key.user_id != user_id
        }

    async def find(self, pseudonyms):
        self.database.touch()
        found = [each for each in self.database.erasures if each.pseudonym in pseudonyms]
        if not found:
            return None
        return ErasureRecord(*max(found, key=lambda each: each[1]), len(found), None, None, None)
