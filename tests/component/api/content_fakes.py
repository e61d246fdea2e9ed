"""Doubles of the stores of titles and of what is learned about them."""

from domain.sources.attributes import AttributeIndex
from domain.title_attributes import attributes_of, wholes_of
from infra.postgres.attributes import SHARED_MAX, SimilarRow
from infra.postgres.contents import ContentFacts
from infra.postgres.embeddings import Embedded
from schemas.codec import encode
from tests.component.api.store import Store


class FakeContents(Store):
    async def fetch(self, content_ids):
        self.database.touch()
        known = self.database.contents
        return {key: encode(known[key]) for key in content_ids if key in known}

    async def fetch_removed(self, content_ids):
        self.database.touch()
        return self.database.removed & set(content_ids)

    async def fetch_episodes(self, series_ids):
        self.database.touch()
        known = self.database.contents.values()
        return [encode(item) for item in known if item.series_id in series_ids]

    async def fetch_newest(self, limit):
        self.database.touch()
        whole = [item for item in self.database.contents.values() if not wholes_of(item)]
        return [encode(item) for item in reversed(whole)][:limit]

    async def fetch_facts(self, content_ids):
        self.database.touch()
        known = self.database.contents
        return {
            key: ContentFacts(known[key].type, known[key].version_of, tuple(known[key].partner_ids))
            for key in content_ids
            if key in known
        }


class FakeAttributes(Store):
    async def fetch_similar(self, kind, content_id, values, limit):
        self.database.touch()
        known = self.database.contents
        ids = list(known)
        index = AttributeIndex(ids)
        for title, content in enumerate(known.values()):
            index.put(title, attributes_of(content).get(kind, ()))
        asked = ids.index(content_id)
        assert set(values) == set(attributes_of(known[content_id]).get(kind, ()))
        return [
            SimilarRow(
                ids[row.title], known[ids[row.title]].title, row.score,
                index.shared(asked, row.title)[:SHARED_MAX],
            )
            for row in index.similar(asked, limit)
        ]  # fmt: skip


class FakeEmbeddings(Store):
    async def nearest(self, content_id, limit):
        self.database.touch()
        found = self.database.nearest.get(content_id)
        return found and found._replace(titles=found.titles[:limit])

    async def fetch(self, content_ids):
        self.database.touch()
        known = self.database.vectors
        return [Embedded(name, *known[name]) for name in content_ids if name in known]

    async def nearest_to(self, vector, encoder, left_out, limit):
        self.database.touch()
        found = [
            (-float(other @ vector), name)
            for name, (of, other) in self.database.vectors.items()
            if of == encoder and name not in left_out and name in self.database.contents
        ]
        return [(name, -cosine) for cosine, name in sorted(found)[:limit]]


class FakeModels(Store):
    async def fetch_models(self):
        self.database.touch()
        return [body for _, body in sorted(self.database.models.items())]

    async def fetch_features(self, content_id):
        self.database.touch()
        return self.database.features.get(content_id)


class FakeNeighbours(Store):
    async def fetch(self, content_id):
        self.database.touch()
        return self.database.neighbours.get(content_id)


class FakeTrending(Store):
    async def fetch_partials(self):
        self.database.touch()
        return [encode(partial) for partial in self.database.partials]


class FakeRankingRules(Store):
    async def fetch(self, rule_ids):
        self.database.touch()
        known = self.database.ranking_rules
        return [encode(known[each]) for each in sorted(rule_ids) if each in known]

    async def fetch_all(self):
        return await self.fetch(self.database.ranking_rules)
