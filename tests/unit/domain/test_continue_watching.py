from domain.continue_watching import Card, RowRules, cards, root_of
from schemas.content import Availability, Content
from schemas.watch_state import WatchState

NOW = 1_700_000_000_000
DAY_MS = 86_400_000
RULES = RowRules()


def state(content_id, days_ago=1.0, **fields):
    updated = int(NOW - days_ago * DAY_MS)
    values = {
        "user_id": "u1", "content_id": content_id, "epoch": 0, "completions": 0,
        "completed": False, "watched_s": 600, "position_s": 600, "duration_s": 3600,
        "progress": 0.25, "resumable": True, "started_at_ms": updated, "updated_at_ms": updated,
        "source_offset": 1,
    }  # fmt: skip
    return WatchState(**(values | fields))


def done(content_id, days_ago=1.0, **fields):
    finished = {"completed": True, "completions": 1, "resumable": False, "position_s": 0}
    return state(content_id, days_ago, **(finished | {"progress": 1.0} | fields))


def decided(content_id, days_ago=1.0, **fields):
    never_played = {"started_at_ms": None, "resumable": False, "position_s": 0, "progress": 0}
    if fields.get("dismissed"):
        never_played["dismissed_at_ms"] = NOW - round(days_ago * DAY_MS)
    return state(content_id, days_ago, **(never_played | fields))


def film(content_id, **fields):
    return Content(content_id=content_id, type="movie", title="T", updated_at_ms=0, **fields)


def episode(season, number, **fields):
    return Content(
        content_id=f"s{season}e{number}", type="episode", title="T", series_id="show",
        season_number=season, episode_number=number, runtime_s=1500, updated_at_ms=0, **fields,
    )  # fmt: skip


SHOW = [episode(1, 1), episode(1, 2), episode(1, 10), episode(2, 1)]


def row(states, contents=SHOW, rules=RULES, now=NOW):
    return cards(states, {content.content_id: content for content in contents}, now, rules)


def ids(*args, **kwargs):
    return [(card.content_id, card.kind) for card in row(*args, **kwargs)]


def test_newest_first_and_ties_by_id():
    states = [
        state("m2", 2),
        state("m9", 1),
        state("m1", 2),
        done("m3"),
        state("m4", resumable=False),
    ]
    assert ids(states) == [("m9", "resume"), ("m1", "resume"), ("m2", "resume")]
    assert len(row(states, rules=RowRules(limit=2))) == 2


def test_a_card_says_where_to_resume():
    assert row([state("m1", 3)]) == [
        Card("m1", "resume", None, 600, 3600, 0.25, NOW - 3 * DAY_MS)
    ]  # fmt: skip


def test_hidden_and_dismissed_titles_are_left_out():
    assert ids([state("m1", hidden=True), state("m2", dismissed=True)]) == []


def test_untouched_titles_leave_after_the_abandoned_time():
    assert ids([state("m1", 180)]) == [("m1", "resume")]
    assert ids([state("m1", 180.001)]) == []
    assert ids([state("m1", 5)], rules=RowRules(abandoned_row_days=4)) == []


def test_one_card_a_series_its_newest_episode():
    states = [state("s1e1", 3), state("s1e10", 1), state("s1e2", 2)]
    assert ids(states) == [("s1e10", "resume")]
    assert row(states)[0].series_id == "show"


def test_the_next_episode_follows_a_finished_one():
    assert ids([done("s1e1")]) == [("s1e2", "next")]
    assert ids([done("s1e2")]) == [("s1e10", "next")], "numbers, not text"
    assert ids([done("s1e10")]) == [("s2e1", "next")], "across seasons"
    assert row([done("s1e1")])[0].duration_s == 1500


def test_finished_and_hidden_episodes_are_stepped_over():
    assert ids([done("s1e1", 1), done("s1e2", 5)]) == [("s1e10", "next")]
    assert ids([done("s1e1"), decided("s1e2", hidden=True)]) == [("s1e10", "next")]


def test_a_next_episode_begun_before_keeps_its_position():
    card = row([done("s1e1", 1), state("s1e2", 5, position_s=77)])[0]
    assert (card.content_id, card.kind, card.position_s) == ("s1e2", "next", 77)


def test_a_short_look_at_another_episode_does_not_count():
    assert ids([done("s1e1", 2), state("s2e1", 1, resumable=False)]) == [("s1e2", "next")]


def test_dismissing_the_card_of_a_series_takes_it_away():
    assert ids([done("s1e1"), decided("s1e2", 0.5, dismissed=True)]) == []
    assert ids([done("s1e1", 2), decided("show", 1, dismissed=True)]) == []
    assert ids([done("s1e1", 1), decided("show", 2, dismissed=True)]) == [("s1e2", "next")]


def test_rating_a_series_later_does_not_renew_its_dismissal():
    dismissed_before = {"dismissed": True, "dismissed_at_ms": NOW - 2 * DAY_MS, "rating": 4.0}
    assert ids([done("s1e1", 1), decided("show", 0.5, **dismissed_before)]) == [("s1e2", "next")]


def test_hiding_a_series_or_dismissing_its_newest_episode_takes_the_card_away():
    assert ids([done("s1e1", 1), decided("show", 2, hidden=True)]) == []
    assert ids([state("s1e2", 1, dismissed=True), state("s1e1", 4)]) == []


def released(season, number, days_ago):
    at = int(NOW - days_ago * DAY_MS)
    return episode(season, number, availability=(Availability(partner="p", from_at_ms=at),))


def test_a_series_watched_to_the_end_returns_with_a_new_episode():
    finished = [done("s2e1", 300)]
    assert ids(finished) == []
    card = row(finished, [*SHOW, released(3, 1, 2)])[0]
    assert (card.content_id, card.kind, card.sorted_at_ms) == ("s3e1", "new", NOW - 2 * DAY_MS)
    assert ids(finished, [*SHOW, released(3, 1, 31)]) == [], "offered for the completed time only"
    assert ids(finished, [*SHOW, released(3, 1, -2)]) == [], "not out yet"


def test_the_next_episode_leaves_after_the_completed_time():
    assert ids([done("s1e1", 30)]) == [("s1e2", "next")]
    assert ids([done("s1e1", 30.001)]) == []


def test_availability_by_region():
    rows = (Availability(partner="p", region="DE"),)
    contents = [episode(1, 1), episode(1, 2, availability=rows), episode(1, 3)]
    assert ids([done("s1e1")], contents, RowRules(region="DE")) == [("s1e2", "next")]
    assert ids([done("s1e1")], contents, RowRules(region="FR")) == [("s1e3", "next")]
    gone = (Availability(partner="p", until_at_ms=NOW),)
    assert ids([done("s1e1")], [episode(1, 1), episode(1, 2, availability=gone)]) == []


def test_versions_of_a_title_share_progress():
    contents = [film("m1"), film("cut", version_of="m1")]
    assert ids([state("m1", 3), state("cut", 1)], contents) == [("cut", "resume")]
    assert ids([state("m1", 3), done("cut", 1)], contents) == []
    assert ids([state("m1", 1), state("cut", 3, hidden=True)], contents) == []


def test_a_circle_of_versions_ends():
    contents = {"a": film("a", version_of="b"), "b": film("b", version_of="a")}
    assert root_of("a", contents) in {"a", "b"}


def test_a_version_of_an_episode_counts_as_the_episode():
    cut = Content(content_id="cut", type="episode", title="T", version_of="s1e1", updated_at_ms=0)
    assert ids([done("cut")], [*SHOW, cut]) == [("s1e2", "next")]


def test_unknown_titles_count_as_films():
    assert ids([state("gone")], []) == [("gone", "resume")]


def test_nothing_watched():
    assert row([]) == []
