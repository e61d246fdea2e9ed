"""Both protocols on a made set: what is counted, no peeking, and what the command prints."""

import json
import random
from dataclasses import replace

import pytest
from click.testing import CliRunner

from cli.evaluate.cadence import Cadence, cadence
from cli.evaluate.methods import OURS, SHOWN
from cli.evaluate.prequential import HISTORY_MIN, Prequential
from cli.evaluate.ratings import RatingSet, load
from cli.evaluate.static import split
from cli.evaluate.themes import Tag
from cli.main import main
from infra.settings import Settings
from tests.unit.cli.evaluate.made import write_csv, write_ratings

WHEN = Cadence(refit_every=60, renew_every=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_ratings(tmp_path_factory.mktemp("ratings"))


def run(ratings: RatingSet) -> Prequential:
    found = Prequential(ratings, Settings(), WHEN, ablations=False)
    steps = []
    found.run(steps.append)
    assert sum(steps) == found.steps == len(ratings.ratings)
    return found


def counted(ratings: RatingSet, until: int) -> int:
    """How many of the first ratings the protocol counts, by its words."""
    known: dict[str, int] = {}
    seen: set[str] = set()
    found = 0
    for number, each in enumerate(ratings.ratings[:until]):
        late = number >= int(len(ratings.ratings) * 0.2)
        if late and each.liked and known.get(each.user, 0) >= HISTORY_MIN:
            found += each.content_id in seen
        known[each.user] = known.get(each.user, 0) + 1
        seen.add(each.content_id)
    return found


def test_what_is_predicted_is_what_the_protocol_says(folder) -> None:
    ratings = load(folder)
    expected = counted(ratings, len(ratings.ratings))
    tally = run(ratings).bench.tally
    assert len(tally.users) == expected > 50
    for name, method in tally.methods.items():
        if name != SHOWN:
            assert len(method.ndcg) == expected, name
    assert len(tally.methods[SHOWN].ndcg) == len(tally.shown_at) > 0


def test_a_changed_future_leaves_every_earlier_prediction_as_it_was(folder) -> None:
    ratings = load(folder)
    cut = len(ratings.ratings) * 2 // 3
    past, future = list(ratings.ratings[:cut]), list(ratings.ratings[cut:])
    random.Random(3).shuffle(future)
    whole = run(ratings).bench.tally
    changed = run(RatingSet(ratings.name, past + future, ratings.contents)).bench.tally
    before = counted(ratings, cut)
    assert before > 30
    for name, method in whole.methods.items():
        if name != SHOWN:
            assert method.ndcg[:before] == changed.methods[name].ndcg[:before], name
            assert method.hits[20][:before] == changed.methods[name].hits[20][:before], name
    assert whole.methods[OURS].ndcg[before:] != changed.methods[OURS].ndcg[before:]


def test_tags_count_from_their_time_on_and_never_before(folder) -> None:
    ratings = load(folder)
    cut = len(ratings.ratings) * 2 // 3
    since_ms = ratings.ratings[cut].at_ms
    titles = sorted({each.content_id for each in ratings.ratings})
    tags = [
        Tag(user, title, f"word {number % 5}", since_ms)
        for user in ("a", "b") for number, title in enumerate(titles)
    ]  # fmt: skip
    plain = run(ratings).bench.tally.methods
    tagged = run(replace(ratings, tags=tags)).bench.tally.methods
    before = counted(ratings, cut)
    assert plain[OURS].ndcg[:before] == tagged[OURS].ndcg[:before]
    assert set(plain["source_themes"].ndcg[before:]) != set(tagged["source_themes"].ndcg[before:])


def test_static_splits_each_user_by_time(folder) -> None:
    ratings = load(folder)
    train, test = split(ratings.ratings)
    assert len(train) == 24 * 16
    assert [each.at_ms for each in train] == sorted(each.at_ms for each in train)
    latest = {each.user: each.at_ms for each in train}
    for each in ratings.ratings:
        if each.content_id in test[each.user]:
            assert each.liked
            assert each.at_ms > latest[each.user]


@pytest.mark.parametrize("protocol", ["static", "prequential"])
def test_the_command_prints_a_table_json_and_a_report(folder, tmp_path, protocol) -> None:
    report = tmp_path / "report.html"
    arguments = ["--data", str(folder), "--protocol", protocol, "--refit-every", "80"]
    done = CliRunner().invoke(main, ["evaluate", *arguments, "--json", "--report", str(report)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["protocol"] == protocol
    names = set(found["methods"])
    assert {OURS, SHOWN, "popularity", "item_knn", "ease", "source_genre"} <= names
    assert {f"without_{name[7:]}" for name in names if name.startswith("source_")} <= names
    ours = found["methods"][OURS]
    ease = found["methods"]["ease"]["ndcg10"]
    assert found["ratio_to_ease"] == pytest.approx(ours["ndcg10"] / ease)
    assert ease == max(found["ease_grid"].values())
    assert found["ratio_interval"][0] <= found["ratio_to_ease"] <= found["ratio_interval"][1]
    assert ours["ndcg10"] > found["methods"]["popularity"]["ndcg10"]  # tastes are there to be found
    page = report.read_text()
    assert page.count("<svg") == 3
    assert "media_gateway_as_shown" in page


def test_the_table_says_what_was_found(folder) -> None:
    done = CliRunner().invoke(
        main, ["evaluate", "--data", str(folder), "--no-ablations", "--sample", "12"]
    )
    assert done.exit_code == 0, done.output
    for text in ("12 users", "media_gateway", "times the NDCG@10 of EASE", "95 % interval"):
        assert text in done.stdout
    assert "without_" not in done.stdout


def test_what_cannot_be_evaluated_is_one_sentence_and_exit_2(tmp_path) -> None:
    done = CliRunner().invoke(main, ["evaluate", "--data", str(tmp_path / "nowhere")])
    assert done.exit_code == 2
    assert "ratings.csv: No such file" in done.stderr
    header = ("userId", "movieId", "rating", "timestamp")
    write_csv(tmp_path / "ratings.csv", header, [(1, 2, 5.0, 3)])
    done = CliRunner().invoke(main, ["evaluate", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "nothing to rank" in done.stderr


def test_few_predictions_are_valid_json_and_a_whole_table(tmp_path) -> None:
    """One user with one prediction: no slate was built, and no quantile has a width."""
    header = ("userId", "movieId", "rating", "timestamp")
    rows = [(1, title, 5.0, title) for title in range(8)] + [(2, 7, 5.0, 0), (2, 9, 5.0, 99)]
    write_csv(tmp_path / "ratings.csv", header, rows)
    arguments = ["evaluate", "--data", str(tmp_path), "--no-ablations"]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    found = json.loads(done.stdout, parse_constant=refuse)
    assert found["predictions"] == 1
    assert found["undiversified_ndcg10"] is None
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert "too few predictions" in done.stdout


def test_a_report_that_could_not_be_written_is_refused_before_the_work(folder, tmp_path) -> None:
    target = tmp_path / "missing" / "report.html"
    done = CliRunner().invoke(main, ["evaluate", "--data", str(folder), "--report", str(target)])
    assert done.exit_code == 2
    assert f"--report {target}: No such file or directory" in done.stderr
    kept = tmp_path / "report.html"
    done = CliRunner().invoke(main, ["evaluate", "--data", "nowhere", "--report", str(kept)])
    assert done.exit_code == 2
    assert not kept.exists()


def test_small_sets_are_refit_more_often() -> None:
    assert cadence(100_836) == (20_000, 1_008)
    assert cadence(1_000) == (200, 10)
    assert cadence(3) == (1, 1)
    assert cadence(1_000, refit_every=7, renew_every=3) == (7, 3)
