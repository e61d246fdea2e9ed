"""The catalogue agent makes titles of records: merges, splits, other names, any order of events."""

from itertools import pairwise, product

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from agents.catalogue import NAME, RECORD, SPEC
from schemas.codec import decode
from schemas.content import Content
from schemas.webhook import WebhookReceived
from tests.support.driving import Driver
from tests.unit.agents.test_catalogue import ADD, UPDATE, webhook

MATRIX = {"id": "1", "type": "movie", "title": "The Matrix", "release_year": 1999}


def contents(driver: Driver) -> dict[str, Content]:
    """What a reader of the topic holds."""
    found = {key: value for key, value in driver.latest().items() if value is not None}
    return {key: decode(Content, value) for key, value in found.items()}


def test_titles_of_two_partners_become_one_content_with_both_names() -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, MATRIX | {"availability": [{"region": "DE"}]})])
    theirs = MATRIX | {"id": "x", "title": "Matrix, The", "availability": [{"region": "FR"}]}
    driver.feed([webhook(2, ADD, theirs, partner="other")], offset=1)
    found = contents(driver)
    assert found.keys() == {"acme:1", "other:x"}
    title = found["acme:1"]
    assert title.partner_ids == {"acme": "1", "other": "x"}
    assert [(each.partner, each.region) for each in title.availability] == [
        ("acme", "DE"), ("other", "FR"),
    ]  # fmt: skip
    assert [each.model_dump(exclude_none=True) for each in title.records] == [
        {"partner": "acme", "partner_id": "1", "content_id": "acme:1"},
        {"partner": "other", "partner_id": "x", "content_id": "other:x", "method": "title",
         "confidence": 0.98, "matched": "acme:1"},
    ]  # fmt: skip
    alias = found["other:x"]
    assert (alias.same_as, alias.version_of, alias.title) == ("acme:1", "acme:1", "Matrix, The")


def test_a_split_gives_each_part_its_own_name_back_and_a_merge_takes_it_again() -> None:
    driver = Driver(SPEC)
    theirs = MATRIX | {"id": "x"}
    driver.feed([webhook(1, ADD, MATRIX), webhook(2, ADD, theirs, partner="other")])
    assert contents(driver)["other:x"].same_as == "acme:1"
    driver.restart()
    ours, others = {"imdb": "tt0133093"}, {"imdb": "tt0106062"}
    driver.feed([webhook(3, UPDATE, {"id": "1", "external_ids": ours})], offset=2)
    assert contents(driver)["other:x"].same_as == "acme:1"
    driver.feed(
        [webhook(4, UPDATE, {"id": "x", "external_ids": others}, partner="other")], offset=3
    )
    found = contents(driver)
    assert (found["other:x"].same_as, found["other:x"].partner_ids) == (None, {"other": "x"})
    assert (found["acme:1"].records, found["acme:1"].partner_ids) == ((), {"acme": "1"})
    driver.feed([webhook(5, UPDATE, {"id": "x", "external_ids": ours}, partner="other")], offset=4)
    assert contents(driver)["other:x"].same_as == "acme:1"


def test_a_wrong_identifier_can_be_taken_back() -> None:
    driver = Driver(SPEC)
    known = {"external_ids": {"imdb": "tt0133093", "tmdb": None}}
    other = MATRIX | {"id": "x", "title": "Dark City"}
    driver.feed([webhook(1, ADD, MATRIX | known), webhook(2, ADD, other | known, partner="other")])
    assert contents(driver)["other:x"].same_as == "imdb:tt0133093"
    driver.feed(
        [webhook(3, UPDATE, {"id": "x", "external_ids": {"imdb": None}}, partner="other")], offset=2
    )
    assert contents(driver)["other:x"].same_as is None
    assert contents(driver)["other:x"].external_ids == {}


def test_the_name_stays_when_the_partner_that_gave_it_removes_the_title() -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, MATRIX), webhook(2, ADD, MATRIX | {"id": "x"}, partner="other")])
    driver.feed([webhook(3, "content_removed", {"id": "1"})], offset=2)
    found = contents(driver)
    assert found["acme:1"].partner_ids == {"other": "x"}
    assert found["other:x"].same_as == "acme:1"
    driver.feed([webhook(4, "content_removed", {"id": "x"}, partner="other")], offset=3)
    assert driver.latest() == {"acme:1": None, "other:x": None}


def test_episodes_follow_their_series_wherever_it_goes() -> None:
    driver = Driver(SPEC)
    series = {"id": "s", "type": "series", "title": "Dark", "release_year": 2017}
    episode = {
        "id": "e", "type": "episode", "title": "Secrets", "series_id": "s", "season_number": 1,
        "episode_number": 1,
    }  # fmt: skip
    driver.feed([webhook(1, ADD, episode)])
    assert contents(driver)["acme:e"].series_id == "acme:s"
    driver.feed([webhook(2, ADD, series), webhook(3, ADD, series, partner="other")], offset=1)
    theirs = episode | {"title": "Geheimnisse"}
    driver.feed([webhook(4, ADD, theirs, partner="other")], offset=3)
    found = contents(driver)
    assert found["other:e"].same_as == "acme:e"
    assert found["acme:e"].records[1].method == "part"
    assert found["acme:e"].series_id == "acme:s"
    # The other partner meant another series: its episode is one of that.
    year = webhook(5, UPDATE, {"id": "s", "release_year": 1990}, partner="other")
    driver.feed([year], offset=4)
    found = contents(driver)
    assert (found["other:e"].same_as, found["other:e"].series_id) == (None, "other:s")


def test_another_cut_shares_the_progress_of_the_title_it_is_a_cut_of() -> None:
    driver = Driver(SPEC)
    cut = {"id": "cut", "type": "movie", "title": "The Matrix", "version_of": "1"}
    known = {"external_ids": {"imdb": "tt0000001"}}
    driver.feed([webhook(1, ADD, MATRIX), webhook(2, ADD, cut | known)])
    driver.feed([webhook(3, ADD, MATRIX | known | {"id": "c"}, partner="other")], offset=2)
    found = contents(driver)
    assert found["imdb:tt0000001"].version_of == "acme:1"
    assert (found["other:c"].same_as, found["other:c"].version_of) == ("imdb:tt0000001", "acme:1")


def test_a_link_that_was_a_mistake_is_taken_back() -> None:
    driver = Driver(SPEC)
    cut = {"id": "cut", "type": "movie", "title": "Dark City", "version_of": "1"}
    driver.feed([webhook(1, ADD, MATRIX), webhook(2, ADD, cut)])
    assert contents(driver)["acme:cut"].version_of == "acme:1"
    driver.feed([webhook(3, UPDATE, {"id": "cut", "title": "Dark Town"})], offset=2)
    assert contents(driver)["acme:cut"].version_of == "acme:1"
    driver.feed([webhook(4, UPDATE, {"id": "cut", "version_of": None})], offset=3)
    assert contents(driver)["acme:cut"].version_of is None
    driver.feed([webhook(5, UPDATE, MATRIX)], offset=4)
    assert contents(driver)["acme:cut"].version_of is None


def test_two_records_of_one_partner_with_one_identifier_have_two_names() -> None:
    driver = Driver(SPEC)
    known = MATRIX | {"external_ids": {"imdb": "tt0133093"}}
    driver.feed([webhook(1, ADD, known), webhook(2, ADD, known | {"id": "2"})])
    found = contents(driver)
    assert found.keys() == {"imdb:tt0133093", "acme:2"}
    assert found["imdb:tt0133093"].partner_ids == {"acme": "1"}


def test_a_partner_called_like_an_identifier_takes_no_name_from_another() -> None:
    driver = Driver(SPEC)
    known = MATRIX | {"external_ids": {"imdb": "tt0133093"}}
    mine = {"id": "tt0133093", "type": "movie", "title": "Mine"}
    driver.feed([webhook(1, ADD, known), webhook(2, ADD, mine, partner="imdb")])
    names = set(contents(driver))
    assert "imdb:tt0133093" in names
    assert len(names) == 2
    assert contents(driver)["imdb:tt0133093"].title == "The Matrix"


def test_quality_is_published_and_averaged_by_partner() -> None:
    driver = Driver(SPEC)
    driver.feed([webhook(1, ADD, MATRIX, partner="quality-a")])
    content = contents(driver)["quality-a:1"]
    assert content.quality == 0.2  # title and year: 10 + 10 of 100
    assert content.missing[:2] == ("genres", "overview")
    more = {"id": "2", "type": "movie", "title": "T", "overview": "o", "genres": ["Drama"]}
    driver.feed([webhook(2, ADD, more, partner="quality-a")], offset=1)
    labels = {"partner": "quality-a"}
    assert REGISTRY.get_sample_value("mg_catalogue_quality_ratio", labels) == 0.3
    driver.feed([webhook(3, "content_removed", {"id": "2"}, partner="quality-a")], offset=2)
    assert REGISTRY.get_sample_value("mg_catalogue_quality_ratio", labels) == 0.2


def test_refusals_are_counted_by_partner_and_field() -> None:
    driver = Driver(SPEC)
    bad = {**MATRIX, "availability": [{}, {"offer": "gift"}]}
    driver.feed([webhook(1, ADD, bad, partner="refused-a")])
    labels = {"partner": "refused-a", "field": "availability"}
    assert REGISTRY.get_sample_value("mg_catalogue_refused_webhooks_total", labels) == 1


def test_what_a_mapper_does_not_read_stays_in_the_raw_event_and_out_of_the_content() -> None:
    event = webhook(1, ADD, MATRIX | {"shelf": {"row": 7}})
    assert decode(WebhookReceived, event.model_dump_json().encode()).payload["shelf"] == {"row": 7}
    driver = Driver(SPEC)
    driver.feed([event])
    assert "shelf" not in orjson.loads(driver.latest()["acme:1"] or b"")


@st.composite
def events(draw) -> list[WebhookReceived]:
    """Events about few titles, of three partners: much alike, often of one identifier."""
    found = []
    for number in range(draw(st.integers(1, 12))):
        payload: dict = {"id": draw(st.sampled_from(["1", "2"]))}
        kind = draw(st.sampled_from([ADD, ADD, UPDATE, "content_removed", "availability_changed"]))
        if kind in (ADD, UPDATE):
            payload |= {
                "type": draw(st.sampled_from(["movie", "series"])),
                "title": draw(st.sampled_from(["The Matrix", "Matrix, The", "Dark City"])),
                "release_year": draw(st.sampled_from([1998, 1999])),
            }
            if draw(st.booleans()):
                payload["external_ids"] = {
                    "imdb": draw(st.sampled_from(["tt0000001", "tt0000002"]))
                }
            link = draw(st.sampled_from([None, None, "series_id", "version_of"]))
            if link is not None:
                payload[link] = draw(st.sampled_from(["1", "2", None]))
            if link == "series_id":
                payload |= {"type": "episode", "season_number": 1, "episode_number": 1}
        payload["availability"] = [{"region": draw(st.sampled_from(["DE", "FR"]))}]
        clock = draw(st.integers(1, 5)) * 1000
        partner = draw(st.sampled_from(["a", "b", "c"]))
        found.append(webhook(number, kind, payload, partner=partner, occurred_at_ms=clock))
    return found


def lived(given_events: list[WebhookReceived], cuts: set[int]) -> Driver:
    """An agent that got the events in batches, and lost its memory after each."""
    driver = Driver(SPEC)
    bounds = sorted({0, len(given_events), *(cut for cut in cuts if cut < len(given_events))})
    for start, end in pairwise(bounds):
        driver.feed(given_events[start:end], offset=start)
        driver.restart()
    return driver


def by_record(driver: Driver) -> dict[str, object]:
    """What each record leads to, in words that do not depend on names."""
    table = driver.contents()
    key_of = {
        name.removeprefix(NAME): value.decode()[16:]
        for name, value in table.items()
        if name.startswith(NAME)
    }
    found: dict[str, object] = {}
    shown = contents(driver)
    for name, key in key_of.items():
        content = shown.get(name)
        if content is not None and content.same_as is not None:
            content = shown[content.same_as]
        if content is None:
            found[key] = None
            continue
        records = sorted((each.partner, each.partner_id) for each in content.records)
        body = content.model_dump(exclude={"content_id", "records", "series_id", "version_of"})
        linked = [shown.get(each) for each in (content.series_id, content.version_of) if each]
        targets = [None if each is None else each.partner_ids for each in linked]
        found[key] = (records, targets, orjson.dumps(body, option=orjson.OPT_SORT_KEYS))
    return found


@settings(max_examples=60)
@given(events(), st.data())
def test_any_order_and_repetition_gives_the_same_contents_but_for_names(given_events, data) -> None:
    reference = lived(given_events, set())
    shuffled = data.draw(st.permutations(given_events))
    again = data.draw(st.lists(st.sampled_from(given_events), max_size=5))
    other = lived([*shuffled, *again], data.draw(st.sets(st.integers(1, 15), max_size=4)))
    assert by_record(other) == by_record(reference)


@settings(max_examples=60)
@given(events(), st.data())
def test_once_all_records_have_arrived_the_order_does_not_matter_at_all(given_events, data) -> None:
    first = [
        webhook(100 + number, UPDATE, {"id": own}, partner=partner, occurred_at_ms=0)
        for number, (partner, own) in enumerate(product("abc", "12"))
    ]
    reference = lived([*first, *given_events], set())
    shuffled = data.draw(st.permutations(given_events))
    cuts = data.draw(st.sets(st.integers(1, 20), max_size=4))
    other = lived([*first, *shuffled, *given_events], cuts)
    assert other.contents() == reference.contents()
    assert contents(other) == contents(reference)
    assert all(key.startswith((RECORD, NAME)) for key in other.contents())
