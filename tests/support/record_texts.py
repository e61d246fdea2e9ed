"""The catalogue and the agent that encodes its records' texts, on the topics between them."""

from agents.catalogue import SPEC as CATALOGUE
from agents.catalogue_texts import TEXT
from agents.record_vectors import RecordVectorFitter
from agents.spec import Emit, Record
from infra.settings import Settings
from schemas.webhook import WebhookReceived
from tests.support.driving import Driver
from tests.support.encoding import fake_encoding
from topics.catalog import CONTENTS, RECORD_TEXTS, RECORD_VECTORS
from topics.spec import TopicSpec

ABOUT = "A hacker learns that the world he lives in is made by machines, which feed on people, at "


def overview(angle: int) -> str:
    """Return a text whose vector, made by the stand-in for the model, has this angle in degrees."""
    return f"{ABOUT}{angle}."


def records_of(topic: TopicSpec, emits: list[Emit]) -> list[Record]:
    """Return what was emitted to a topic, as its readers get it."""
    return [Record(topic.name, 0, 0, 0, each.key, each.value)
            for each in emits if each.topic == topic]  # fmt: skip


class Pair:
    """Both agents; what one emits the other gets when ``deliver_*`` is called, and in order."""

    def __init__(self) -> None:
        self.catalogue = Driver(CATALOGUE)
        self.texts: list[Record] = []
        self.vectors: list[Record] = []
        self._texts_read = self._vectors_read = self._taken = 0
        self.start_fitter()

    def start_fitter(self) -> None:
        """Start the agent that encodes afresh; it reads both topics whole."""
        self.fitter = RecordVectorFitter(Settings())
        self.fitter.on_replica(RECORD_TEXTS, self.texts)
        self.fitter.on_replica(RECORD_VECTORS, self.vectors)
        self._texts_read = len(self.texts)

    def restart_catalogue(self) -> None:
        """Lose everything but table and topics."""
        self.catalogue.restart()
        self.catalogue.step.on_replica(RECORD_VECTORS, self.vectors)
        self._vectors_read = len(self.vectors)

    def feed(self, webhooks: list[WebhookReceived], offset: int) -> None:
        self.catalogue.feed(webhooks, offset=offset)

    def tick(self) -> None:
        """Run one tick of the catalogue with the vectors that were delivered."""
        self.catalogue.tick(0)
        self.texts += records_of(RECORD_TEXTS, self.catalogue.emits[self._taken :])
        self._taken = len(self.catalogue.emits)

    def deliver_texts(self) -> None:
        self.fitter.on_replica(RECORD_TEXTS, self.texts[self._texts_read :])
        self._texts_read = len(self.texts)

    def encode(self) -> bool:
        """Run one job, if there is work."""
        if not self.fitter.changed():
            return False
        emits = self.fitter.on_fitted(fake_encoding(*self.fitter.job()))
        records = records_of(RECORD_VECTORS, emits)
        self.vectors += records
        self.fitter.on_replica(RECORD_VECTORS, records)  # the runtime reads them back
        return True

    def deliver_vectors(self) -> None:
        self.catalogue.step.on_replica(RECORD_VECTORS, self.vectors[self._vectors_read :])
        self._vectors_read = len(self.vectors)

    def settle(self) -> None:
        """Go on until nothing changes any more; it must end soon."""
        for _ in range(10):
            before = len(self.texts), len(self.vectors), len(self.catalogue.emits)
            self.tick()
            self.deliver_texts()
            while self.encode():
                pass
            self.deliver_vectors()
            if before == (len(self.texts), len(self.vectors), len(self.catalogue.emits)):
                return
        raise AssertionError("the agents keep each other busy")

    def contents(self) -> dict[str, bytes]:
        """What a reader of the contents holds."""
        rows = {each.key.decode(): each.value for each in self.catalogue.emits
                if each.topic == CONTENTS}  # fmt: skip
        return {key: value for key, value in rows.items() if value is not None}

    def wanted(self) -> set[str]:
        """The records whose texts are in the topic; the table says the same."""
        rows = {each.key.decode(): each.value for each in self.texts if each.key}
        found = {key for key, value in rows.items() if value is not None}
        table = self.catalogue.contents()
        assert {TEXT + key for key in found} == {key for key in table if key.startswith(TEXT)}
        return found

    def encoded(self) -> set[str]:
        """The records that have a vector."""
        rows = {each.key.decode(): each.value for each in self.vectors if each.key}
        return {key for key, value in rows.items() if value is not None}
