"""Groups of records: a function of their set, however it came about; merges and splits by hand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalogue.crowds import CROWD_MAX
from domain.catalogue.facts import EXTERNAL, Facts, facts_of
from domain.catalogue.resolution import SHARED_MAX, Resolver
from domain.catalogue.texts import Vector
from tests.support.vectors import OVERVIEWS, vector_at


def facts(key: str, arrived: int = 0, **values) -> Facts:
    """Facts of a record; a film of 1999 unless something else is said."""
    kinds = [kind for kind in ("imdb", "tmdb", "eidr") if kind in values]
    external = {EXTERNAL + kind: values.pop(kind) for kind in kinds}
    whole = {"type": "movie", "title": "The Matrix", "release_year": 1999}
    return facts_of(
        key.partition("|")[0], key.replace("|", ":"), arrived, whole | external | values
    )


def resolver(**records: Facts) -> Resolver:
    found = Resolver()
    found.update({key.replace("_", "|"): value for key, value in records.items()})
    return found


def links(found: Resolver, key: str) -> list[tuple[str, float]]:
    return [(link.method, link.confidence) for link in found.group(key).links]


def test_identifiers_join_whatever_the_title_says() -> None:
    for kind, value, confidence in (
        ("eidr", "10.5240/7791-8534-2C23-9030-8610-5", 1.0), ("imdb", "tt0133093", 0.99),
        ("tmdb", "movie-603", 0.99),
    ):  # fmt: skip
        found = resolver(
            a_1=facts("a|1", 2, **{kind: value}),
            b_1=facts("b|1", 1, title="Matrica", release_year=None, **{kind: value}),
        )
        assert found.group("a|1").members == ("a|1", "b|1")
        assert links(found, "a|1") == [(kind, confidence)]
        assert found.name("a|1") == found.name("b|1") == "b:1"  # the oldest


def test_an_identifier_is_not_believed_against_everything_else() -> None:
    own = facts("a|1", imdb="tt0133093", directors=("Lana Wachowski",))
    for taken, joined in (
        ({"title": "Totally Different", "release_year": 1950}, False),
        ({"title": "Totally Different", "release_year": 2002, "cast": ("Nobody",)}, False),
        ({"title": "Totally Different", "release_year": 2001}, True),
        ({"title": "Matrix, The", "release_year": 1950}, True),
        ({"title": "Matrica", "release_year": 1950, "cast": ("Lana Wachowski",)}, True),
        ({"title": "Totally Different", "release_year": None}, True),
    ):
        found = resolver(a_1=own, b_1=facts("b|1", imdb="tt0133093", **taken))
        assert (len(found.group("a|1").members) == 2) is joined, taken
    # Nor over a record that contradicts neither.
    bridge = facts("b|2", imdb="tt0133093", title=None, release_year=None)
    evil = facts("b|1", imdb="tt0133093", title="Totally Different", release_year=1950)
    found = resolver(a_1=own, b_1=evil, b_2=bridge)
    assert not {"a|1", "b|1"} <= set(found.group("a|1").members)


def test_titles_join_with_a_year_at_most_one_away() -> None:
    for year, joined in ((1998, True), (1999, True), (2000, True), (2001, False), (None, False)):
        found = resolver(a_1=facts("a|1"), b_1=facts("b|1", title="Matrix, The", release_year=year))
        assert (len(found.group("a|1").members) == 2) is joined
        assert links(found, "a|1") == ([("title", 0.98)] if joined else [])


def test_what_keeps_equal_titles_apart() -> None:
    for different in (
        {"type": "series"}, {"type": None}, {"title": "The Matrix 2"}, {"version_of": "b|0"},
    ):  # fmt: skip
        found = resolver(a_1=facts("a|1"), b_1=facts("b|1", **different))
        assert found.group("a|1").members == ("a|1",), different
    crews = resolver(
        a_1=facts("a|1", directors=("Lana Wachowski",), cast=("Keanu Reeves",)),
        b_1=facts("b|1", directors=("Someone Else",), cast=("Nobody",)),
        c_1=facts("c|1", cast=("KEANU REEVES",)),
    )
    assert crews.group("a|1").members == ("a|1", "c|1")
    ids = resolver(a_1=facts("a|1", imdb="tt0133093"), b_1=facts("b|1", imdb="tt0234215"))
    assert ids.group("a|1").members == ("a|1",)


def test_a_documentary_may_be_a_film_elsewhere() -> None:
    found = resolver(a_1=facts("a|1"), b_1=facts("b|1", type="documentary"))
    assert found.group("a|1").members == ("a|1", "b|1")


def test_two_records_of_one_partner_are_two_titles_unless_they_share_an_identifier() -> None:
    alone = resolver(a_1=facts("a|1"), a_2=facts("a|2"))
    assert alone.group("a|1").members == ("a|1",)
    shared = resolver(a_1=facts("a|1", imdb="tt0133093"), a_2=facts("a|2", imdb="tt0133093"))
    assert shared.group("a|1").members == ("a|1", "a|2")


def test_an_ambiguous_title_joins_nothing_until_something_tells_them_apart() -> None:
    records = {"a|1": facts("a|1"), "a|2": facts("a|2"), "b|1": facts("b|1")}
    found = Resolver()
    found.update(records)
    assert found.group("b|1").members == ("b|1",)
    assert found.update({"a|2": facts("a|2", release_year=1998)}) == {"a|1", "b|1"}
    assert found.group("b|1").members == ("a|1", "b|1")
    found.update({"a|2": facts("a|2", cast=("Keanu",)), "b|1": facts("b|1", cast=("Keanu",))})
    assert found.group("b|1").members == ("a|2", "b|1")


def test_an_identifier_that_comes_later_splits_and_merges() -> None:
    found = resolver(a_1=facts("a|1", 1), b_1=facts("b|1", 2), c_1=facts("c|1", 3, title="Other"))
    assert found.name("b|1") == "a:1"
    changed = found.update({"a|1": facts("a|1", 1, imdb="tt0000001")})
    assert changed == set()
    changed = found.update({"b|1": facts("b|1", 2, imdb="tt0000002")})
    assert changed == {"a|1", "b|1"}
    assert [found.name(key) for key in ("a|1", "b|1")] == ["a:1", "b:1"]
    found.update({"c|1": facts("c|1", 3, title="Other", imdb="tt0000002")})
    assert found.name("c|1") == "b:1"


def test_the_weakest_link_goes_where_a_group_would_contradict_itself() -> None:
    # b is like a and like c, but a and c are two titles: the more alike wins.
    found = resolver(
        a_1=facts("a|1", imdb="tt0000001"),
        b_1=facts("b|1"),
        c_1=facts("c|1", imdb="tt0000002", release_year=2000),
    )
    assert found.group("a|1").members == ("a|1", "b|1")
    assert found.group("c|1").members == ("c|1",)


def test_a_weaker_identifier_does_not_join_what_a_stronger_one_keeps_apart() -> None:
    found = resolver(
        a_1=facts("a|1", imdb="tt0000001", tmdb="movie-1"),
        b_1=facts("b|1", imdb="tt0000002", tmdb="movie-1"),
    )
    assert found.group("a|1").members == ("a|1",)


def test_an_identifier_of_too_many_records_identifies_nothing() -> None:
    found = Resolver()
    keys = [f"p{n}|1" for n in range(SHARED_MAX)]
    found.update({key: facts(key, 1, title=f"T {key}", imdb="tt0000001") for key in keys})
    assert len(found.group("p0|1").members) == SHARED_MAX
    found.update({"q|1": facts("q|1", 99, title="Q", imdb="tt0000001")})
    assert len(found.group("p0|1").members) == 1
    found.update({"q|1": facts("q|1", 99, title="Q")})
    assert len(found.group("p0|1").members) == SHARED_MAX


def test_a_title_of_too_many_records_of_one_partner_says_nothing() -> None:
    found = Resolver()
    crowd = {f"a|{n}": facts(f"a|{n}", n, runtime_s=6000 + n) for n in range(CROWD_MAX)}
    found.update(crowd | {"b|1": facts("b|1", cast=("Ann",))})
    assert len(found.alike("b|1")) == CROWD_MAX
    found.update({"a|7": facts("a|7", 7, cast=("Ann",))})
    assert found.group("b|1").members == ("a|7", "b|1")
    assert found.update({"a|x": facts("a|x", 99)}) >= {"a|7", "b|1"}  # one too many
    assert found.alike("b|1") == {}
    assert found.group("b|1").members == ("b|1",)
    # Another name that the record has still says something, and so does another partner.
    found.update({"a|7": facts("a|7", 7, title="The Matrix (Matrica)", cast=("Ann",))})
    found.update({"b|1": facts("b|1", title="Matrica"), "c|1": facts("c|1")})
    assert found.group("b|1").members == ("a|7", "b|1")
    assert found.update({"b|1": facts("b|1")}) >= {"a|7", "b|1"}
    assert found.group("b|1").members == ("b|1", "c|1")
    found.update({"a|9": facts("a|9", 9, release_year=2001)})
    assert set(found.alike("b|1")) == (crowd.keys() | {"a|x", "c|1"}) - {"a|9"}


def test_of_too_many_titles_that_are_alike_none_is_the_best() -> None:
    found = Resolver()
    letters = [chr(ord("a") + n // 8) + chr(ord("a") + n % 8) for n in range(CROWD_MAX + 1)]
    titles = {f"a|{two}": facts(f"a|{two}", title=f"abcdefghij klmnopqrs{two}") for two in letters}
    found.update(titles | {"b|1": facts("b|1", title="abcdefghij klmnopqrsaa")})
    assert len(found.alike("b|1")) == CROWD_MAX + 1
    assert found.group("b|1").members == ("b|1",)
    gone = "a|" + letters[-1]
    assert found.update({gone: facts(gone, title="Other")}) >= {"a|aa", "b|1"}
    assert found.group("b|1").members == ("a|aa", "b|1")
    found.update({gone: titles[gone]})
    assert found.group("b|1").members == ("b|1",)


def test_an_identifier_is_not_disbelieved_for_a_title_that_a_crowd_has() -> None:
    found = Resolver()
    found.update({f"a|{n}": facts(f"a|{n}") for n in range(CROWD_MAX + 1)})
    found.update(
        {"a|1": facts("a|1", imdb="tt1"), "b|1": facts("b|1", release_year=1950, imdb="tt1")}
    )
    assert found.group("b|1").members == ("a|1", "b|1")


def part(key: str, series: str | None, season: int, episode: int | None = None, **values) -> Facts:
    kind = "season" if episode is None else "episode"
    numbers = {"season_number": season, "episode_number": episode, "series_id": series}
    return facts(key, type=kind, title="Pilot", **numbers, **values)


def test_parts_join_by_their_numbers_within_one_series() -> None:
    show = {"type": "series", "title": "Dark"}
    found = resolver(
        a_s=facts("a|s", **show), a_1=part("a|1", "a|s", 1, 1), a_2=part("a|2", "a|s", 1, 2),
        a_3=part("a|3", "a|s", 1),
        b_s=facts("b|s", **show), b_1=part("b|1", "b|s", 1, 1), b_3=part("b|3", "b|s", 1),
        c_1=part("c|1", "c|s", 1, 1),
    )  # fmt: skip
    assert found.group("a|1").members == ("a|1", "b|1")
    assert links(found, "a|1") == [("part", 0.98)]
    assert found.group("a|2").members == ("a|2",)
    assert found.group("a|3").members == ("a|3", "b|3")
    assert found.group("c|1").members == ("c|1",)
    # The series turn out to be two: so are their parts, and what links to them is told.
    changed = found.update(
        {"b|s": facts("b|s", **show, imdb="tt1"), "a|s": facts("a|s", **show, imdb="tt2")}
    )
    assert changed >= {"a|1", "a|2", "a|3", "b|1", "b|3"}
    assert found.group("a|1").members == ("a|1",)
    assert found.group("a|3").members == ("a|3",)


def test_a_number_that_too_many_parts_of_a_series_have_says_nothing() -> None:
    show = {"type": "series", "title": "Dark"}
    found = resolver(a_s=facts("a|s", **show), b_s=facts("b|s", **show))
    found.update({f"a|{n}": part(f"a|{n}", "a|s", 1, 1, cast=(f"P{n}",)) for n in range(CROWD_MAX)})
    found.update({"b|1": part("b|1", "b|s", 1, 1), "b|2": part("b|2", "b|s", 1, 2)})
    assert len(found.alike("b|1")) == CROWD_MAX
    found.update({"a|x": part("a|x", "a|s", 1, 1), "a|y": part("a|y", "a|s", 1, 2)})
    assert found.alike("b|1") == {}
    assert found.group("b|2").members == ("a|y", "b|2")
    found.update({"a|x": part("a|x", "a|s", 1, 3)})
    assert len(found.alike("b|1")) == CROWD_MAX


def test_parts_of_what_is_no_known_series_join_nothing() -> None:
    found = resolver(a_1=part("a|1", "a|s", 1, 1), b_1=part("b|1", "a|s", 1, 1))
    assert found.group("a|1").members == ("a|1",)
    found.update({"a|s": part("a|s", None, 1)})
    assert found.group("a|1").members == ("a|1",)
    found.update({"a|s": facts("a|s", type="series")})
    assert found.group("a|1").members == ("a|1", "b|1")


def test_a_part_that_becomes_a_film_and_back() -> None:
    show = facts("a|s", type="series")
    found = resolver(a_s=show, a_1=part("a|1", "a|s", 1, 1), b_1=facts("b|1"))
    found.update({"a|1": facts("a|1")})
    assert found.group("b|1").members == ("a|1", "b|1")
    changed = found.update({"a|1": part("a|1", "a|s", 1, 1)})
    assert changed >= {"b|1"}
    assert found.group("b|1").members == ("b|1",)


KEYS = ["a|1", "a|2", "a|3", "b|1", "b|2", "c|1", "c|2"]
SERIES = ["a|3", "b|2", "c|2"]
FEW = ["a|1", "a|2", "b|1", "c|1"]


@st.composite
def records(draw) -> tuple[str, Facts]:
    key = draw(st.sampled_from(KEYS))
    values: dict = {
        "title": draw(st.sampled_from(["The Matrix", "Matrix Reloaded", "Matrix Reloadet"])),
        "release_year": draw(st.sampled_from([None, 1999, 2000, 2001])),
        "cast": draw(st.sampled_from([(), ("Ann",), ("Bob",), ("Ann", "Bob")])),
        "type": draw(st.sampled_from(["movie", "series", "documentary"])),
        "overview": draw(st.sampled_from([None, OVERVIEWS[0]])),
    }
    for kind in ("imdb", "tmdb", "eidr"):
        if draw(st.integers(0, 3)) == 0:
            values[kind] = draw(st.sampled_from(["1", "2"]))
    if draw(st.integers(0, 2)) == 0:
        values |= {
            "type": "episode", "season_number": 1, "episode_number": draw(st.integers(1, 2)),
            "series_id": draw(st.sampled_from(SERIES)),
        }  # fmt: skip
    return key, facts(key, KEYS.index(key), **values)


@st.composite
def described(draw) -> tuple[str, Facts]:
    """A record whose title says nothing, and whose overview may."""
    key = draw(st.sampled_from(FEW))
    values: dict = {
        "title": draw(st.sampled_from([key, key, key, "The Matrix"])),
        "release_year": draw(st.sampled_from([1999, 1999, 2000])),
        "cast": draw(st.sampled_from([("Ann",), ("Ann", "Bob"), ("Bob",)])),
        "overview": draw(st.sampled_from([OVERVIEWS[0]] * 4 + [OVERVIEWS[1], None])),
    }
    if draw(st.integers(0, 5)) == 0:
        values["imdb"] = draw(st.sampled_from(["1", "2"]))
    return key, facts(key, KEYS.index(key), **values)


@st.composite
def vectors(draw) -> tuple[str, Vector | None]:
    key = draw(st.sampled_from(FEW))
    text = draw(st.sampled_from([OVERVIEWS[0]] * 4 + [OVERVIEWS[1], None]))
    if text is None:
        return key, None
    angle = draw(st.sampled_from([0, 0, 5, 12]))
    return key, vector_at(text, angle, encoder=draw(st.sampled_from(["new", "new", "new", "old"])))


histories = st.one_of(
    st.lists(records(), max_size=25),
    st.lists(st.one_of(records(), vectors()), max_size=40),
    st.lists(st.one_of(described(), vectors()), max_size=40),
)


def groups(found: Resolver) -> dict:
    return {key: (found.group(key), found.name(key)) for key in KEYS}


def lived_through(history, batch: int, crowd_max: int) -> tuple[Resolver, dict[str, str]]:
    """Return a resolver after a history, and the texts it wanted encoded, as told step by step."""
    found = Resolver(crowd_max)
    wanted: dict[str, str] = {}
    for start in range(0, len(history), batch):
        some = history[start : start + batch]
        before = groups(found)
        facts_changed = {key: each for key, each in some if isinstance(each, Facts)}
        told = found.update(facts_changed) | facts_changed.keys()
        told |= found.hear({key: each for key, each in some if not isinstance(each, Facts)})
        after = groups(found)
        assert {key for key in KEYS if before[key] != after[key]} <= told
        for key in found.to_review():
            wanted[key] = found.wants_vector(key)
            found.reviewed(key)
    return found, {key: text for key, text in wanted.items() if text}


@settings(max_examples=600)
@given(histories, st.integers(1, 5), st.sampled_from([1, 2, CROWD_MAX]))
def test_any_history_of_one_set_of_records_and_vectors_gives_the_same_groups(
    history, batch, crowd_max
):
    lived, wanted = lived_through(history, batch, crowd_max)
    facts_then = {key: each for key, each in history if isinstance(each, Facts)}
    vectors_then = {key: each for key, each in history if not isinstance(each, Facts)}
    made_at_once = Resolver(crowd_max)
    made_at_once.hear(vectors_then)
    made_at_once.update(dict(reversed(facts_then.items())))
    assert groups(lived) == groups(made_at_once)
    one_by_one = Resolver(crowd_max)
    for key, each in sorted(facts_then.items()):
        one_by_one.update({key: each})
    without_vectors = {key: text for key in KEYS if (text := one_by_one.wants_vector(key))}
    assert wanted == without_vectors
    for key, vector in vectors_then.items():
        one_by_one.hear({key: vector})
    assert groups(one_by_one) == groups(made_at_once)


@given(histories, st.sampled_from([1, 2, CROWD_MAX]))
def test_no_group_contradicts_itself(history, crowd_max) -> None:
    known = {key: each for key, each in history if isinstance(each, Facts)}
    found = Resolver(crowd_max)
    found.update(known)
    found.hear({key: each for key, each in history if not isinstance(each, Facts)})
    for key in known:
        group = found.group(key)
        eidrs = {dict(known[each].external_ids).get("eidr") for each in group.members}
        assert len(eidrs - {None}) <= 1
        assert len(group.links) == len(group.members) - 1
        exact = {link.method for link in group.links} & {"imdb", "tmdb", "eidr"}
        if not exact:
            assert len({known[each].partner for each in group.members}) == len(group.members)
