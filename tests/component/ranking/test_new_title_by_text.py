"""A title that nobody has watched is in the next slate of who watched something like it.

The real encoder, and every agent between contents and slates, joined by records.
"""

import orjson

from agents import embeddings, slates
from agents.embeddings import EmbeddingFitter
from agents.spec import Record
from agents.weights import record_of as weights_record
from infra.settings import Settings
from schemas.content import Content
from tests.support.driving import Driver, record_of
from tests.support.ranking import interaction, model_of, title
from topics.catalog import CONTENTS, VALUE_MODELS

SETTINGS = Settings(slate_size=5, slate_refresh_ms=0)
HEIST = title(
    "heist", title="The Last Vault", genres=("Crime",),
    overview="A crew of thieves plans one last bank robbery while a detective closes in on them.",
)  # fmt: skip
BAKERY = title(
    "bakery", title="Sweet Season", genres=("Comedy",),
    overview="Two sisters inherit a bakery in a small village and find love among the cakes.",
)  # fmt: skip
NEW_HEIST = title(
    "new-heist", title="Getaway", genres=("Thriller",),
    overview="Bank robbers prepare their final heist, hunted by a stubborn police detective.",
)  # fmt: skip
NEW_LOVE = title(
    "new-love", title="Flour and Roses", genres=("Romance",),
    overview="A baker falls in love with the new florist of her little village.",
)  # fmt: skip


class Stream:
    """The embeddings agent and the slates agent on the same topics."""

    def __init__(self) -> None:
        self.fitter = EmbeddingFitter(SETTINGS)
        self.slates = Driver(slates.SPEC, SETTINGS)
        by_text = weights_record(model_of({"embedding": 1.0}))
        self.deliver(record_of(VALUE_MODELS, by_text))
        self.now_ms = 5000

    def deliver(self, record: Record) -> None:
        """Hand a record to each of the two that reads its topic."""
        for agent, topics in (
            (self.fitter, embeddings.SPEC.sources),
            (self.slates.step, slates.SPEC.replicas),
        ):
            for topic in topics:
                if topic.name == record.topic:
                    agent.on_replica(topic, [record])

    def post(self, *contents: Content) -> None:
        """Post titles, encode them, and let the slates agent tick once."""
        for content in contents:
            self.deliver(record_of(CONTENTS, content))
        while self.fitter.changed():
            function, arguments = self.fitter.job()
            for emit in self.fitter.on_fitted(function(*arguments)):
                self.deliver(Record(emit.topic.name, 0, 0, 0, emit.key, emit.value))
        self.now_ms += 20
        self.slates.tick(self.now_ms)

    def slate(self, number: int, watched: str) -> list[dict]:
        """The slate after a viewer's next event."""
        self.now_ms += 20
        done = interaction(number, user_id=watched, content_id=watched)
        (emit,) = self.slates.feed([done], offset=number, now_ms=self.now_ms).emits
        entries: list[dict] = orjson.loads(emit.value or b"")["entries"]
        return entries


def test_a_new_title_is_shown_at_once_to_who_watched_one_like_it() -> None:
    stream = Stream()
    stream.post(HEIST, BAKERY)
    assert stream.slate(1, "heist") == []
    assert stream.slate(2, "bakery") == []
    stream.post(NEW_HEIST, NEW_LOVE)
    for number, (watched, new, name) in enumerate(
        [("heist", "new-heist", "The Last Vault"), ("bakery", "new-love", "Sweet Season")], 3
    ):
        (entry,) = stream.slate(number, watched)
        assert entry["content_id"] == new
        assert entry["recommendation_type"] == "content_based"
        assert entry["based_on"] == [watched]
        assert entry["explanation"] == f"Because you watched {name}"


def test_a_removed_title_is_in_no_slate_and_its_text_counts_no_more() -> None:
    stream = Stream()
    stream.post(HEIST, NEW_HEIST)
    assert [entry["content_id"] for entry in stream.slate(1, "heist")] == ["new-heist"]
    stream.deliver(record_of(CONTENTS, None)._replace(key=b"heist"))
    stream.post()
    assert stream.slate(2, "heist") == []
