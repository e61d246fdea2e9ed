from hypothesis import given
from hypothesis import strategies as st

from domain.watch import intervals
from domain.watch.lines import GAP_MS, TOLERANCE_MS, join, report


def watched(*points, rate=1000):
    runs = []
    for at, position in points:
        runs = join(runs, report(at, position, rate))
    flat = []
    for run in runs:
        flat = intervals.add(flat, *run.claim())
    return flat


def test_two_reports_on_one_line_attest_what_lies_between():
    assert watched((0, 5_000), (60_000, 65_000)) == [5_000, 65_000]


def test_reports_ninety_seconds_apart_are_joined_and_later_ones_are_not():
    assert watched((0, 0), (GAP_MS, GAP_MS)) == [0, GAP_MS]
    assert watched((0, 0), (GAP_MS + 1, GAP_MS + 1)) == []


def test_a_late_report_joins_two_stretches():
    assert watched((0, 0), (120_000, 120_000), (60_000, 60_000)) == [0, 120_000]


def test_a_jump_of_two_tolerances_or_more_attests_nothing():
    for jump in (2 * TOLERANCE_MS, 600_000, -2 * TOLERANCE_MS, -600_000):
        assert watched((0, 700_000), (10_000, 710_000 + jump)) == []


def test_jitter_within_the_tolerance_attests_at_most_the_wall_time():
    for jitter in range(-TOLERANCE_MS, TOLERANCE_MS + 1, 500):
        flat = watched((0, 100_000), (60_000, 160_000 + jitter))
        assert flat == [100_000, min(160_000, 160_000 + jitter)]


def test_a_pause_leaves_the_line_and_adds_nothing():
    played = watched((0, 0), (30_000, 30_000))
    assert watched((0, 0), (30_000, 30_000), (90_000, 30_000)) == played
    assert watched((0, 0), (30_000, 30_000), (90_000, 30_000), (100_000, 40_000)) == [0, 40_000]


def test_double_speed_has_its_own_lines():
    assert watched((0, 0), (30_000, 60_000), rate=2000) == [0, 60_000]
    assert watched((0, 0), (30_000, 60_000), rate=1000) == []


STEPS = st.integers(0, 50).map(lambda n: n * 20_000)
POINTS = st.lists(st.tuples(STEPS, STEPS), max_size=20)


@given(POINTS, st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(points, random):
    def runs_of(sequence):
        runs = []
        for at, position in sequence:
            runs = join(runs, report(at, position, 1000))
        return sorted(runs)

    shuffled = [*points, *points]
    random.shuffle(shuffled)
    assert runs_of(points) == runs_of(shuffled)


@given(POINTS)
def test_never_more_than_wall_time(points):
    times = [at for at, _ in points]
    jitter = 2 * TOLERANCE_MS * len(points)
    assert (
        intervals.length(watched(*points)) <= max(times, default=0) - min(times, default=0) + jitter
    )
