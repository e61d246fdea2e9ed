"""Doubles of what the webhooks of partners are kept in."""

import datetime
from collections import Counter
from dataclasses import dataclass

from infra.postgres.partner_deliveries import ArrivedDelivery, DeliveryLetter, Lag, PartnerQuality
from infra.postgres.webhook_deliveries import RETENTION, Delivery, KnownDelivery
from infra.postgres.webhook_refusals import ListedRefusal


class PartnerTable:
    def __init__(self, database):
        self.database = database


@dataclass
class SeenDelivery:
    """One row of the fake table of deliveries."""

    first: Delivery
    accepted: bool = False
    claimed: bool = True
    repeats: int = 0
    repeated_at: datetime.datetime | None = None

    def known(self, *, claimed):
        return KnownDelivery(self.first.body_sha256, self.accepted, claimed)


class FakeDeliveries(PartnerTable):
    async def reserve(self, delivery):
        self.database.touch()
        key = (delivery.partner, delivery.webhook_id)
        seen = self.database.deliveries.get(key)
        if seen is None or seen.first.received_at < delivery.received_at - RETENTION:
            seen = self.database.deliveries[key] = SeenDelivery(delivery)
            return seen.known(claimed=True)
        if seen.first.body_sha256 == delivery.body_sha256:
            seen.repeats += 1
            seen.repeated_at = delivery.received_at
        return seen.known(claimed=self.take_claim(seen))

    def take_claim(self, seen):
        free = not seen.claimed and not seen.accepted
        seen.claimed = seen.claimed or free
        return free

    async def claim(self, partner, webhook_id):
        self.database.touch()
        seen = self.database.deliveries[partner, webhook_id]
        return seen.known(claimed=self.take_claim(seen))

    async def release(self, partner, webhook_id):
        self.database.touch()
        self.database.deliveries[partner, webhook_id].claimed = False

    def accept(self, partner, webhook_id):
        self.database.touch()
        self.database.deliveries[partner, webhook_id].accepted = True

    async def find(self, partner, webhook_id, at):
        self.database.touch()
        seen = self.database.deliveries.get((partner, webhook_id))
        if seen is None or seen.first.received_at < at - RETENTION:
            return None
        return seen.known(claimed=False)


class FakeRefusals(PartnerTable):
    async def write(self, refusals, counts):
        self.database.touch()
        partners = self.database.partners
        self.database.refusals += [item for item in refusals if item.partner in partners]
        self.database.refusal_counts += [item for item in counts if item.partner in partners]

    async def fetch(self, partner, limit, before):
        self.database.touch()
        rows = [
            ListedRefusal(number, *item[1:])
            for number, item in enumerate(self.database.refusals, 1)
            if item.partner == partner and (item.refused_at, number) < tuple(before)
        ]
        rows.sort(key=lambda row: (row.refused_at, row.refusal_id), reverse=True)
        return rows[:limit]

    async def fetch_by_day(self, partner, since):
        self.database.touch()
        days = {}
        for item in self.database.refusal_counts:
            if item.partner == partner and item.hour >= since:
                key = (item.hour.replace(hour=0), item.reason)
                before = days.get(key)
                total = item.refused + (before.refused if before else 0)
                days[key] = item._replace(hour=key[0], refused=total)
        return sorted(days.values(), key=lambda item: (-item.hour.timestamp(), item.reason))


class FakePartnerDeliveries(PartnerTable):
    def rows(self, partner, since):
        found = [
            ArrivedDelivery(
                seen.first.webhook_id, seen.first.event_id, seen.first.event_type,
                seen.first.occurred_at, seen.first.received_at, seen.accepted, seen.repeats,
                seen.repeated_at, self.letter(partner, seen.first.event_id),
            )
            for (owner, _), seen in self.database.deliveries.items()
            if owner == partner and seen.first.received_at >= since
        ]  # fmt: skip
        return sorted(found, key=lambda row: (row.received_at, row.webhook_id), reverse=True)

    def letter(self, partner, event_id):
        letters = [each.letter for each in self.database.dead_letters]
        own = [each for each in letters if (each.partner, each.event_id) == (partner, event_id)]
        if not own:
            return None
        newest = max(own, key=lambda each: each.letter_id)
        return DeliveryLetter(*(getattr(newest, name) for name in DeliveryLetter._fields))

    async def fetch_quality(self, partner):
        self.database.touch()
        found = [
            content for content in self.database.contents.values()
            if content.quality is not None and partner in content.partner_ids
        ]  # fmt: skip
        missing = Counter(name for content in found for name in content.missing)
        mean = sum(content.quality for content in found) / max(len(found), 1)
        return PartnerQuality(len(found), mean, tuple(missing.most_common())) if found else None

    async def fetch(self, partner, since, limit, before):
        self.database.touch()
        rows = self.rows(partner, since)
        return [row for row in rows if (row.received_at, row.webhook_id) < tuple(before)][:limit]

    async def fetch_lag(self, partner, since):
        self.database.touch()
        lags = sorted(
            (row.received_at - row.occurred_at).total_seconds() for row in self.rows(partner, since)
        )
        return Lag(len(lags), lags[len(lags) // 2], lags[-1], lags[-1], lags[-1]) if lags else None
