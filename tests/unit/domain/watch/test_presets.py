import pytest

from domain.watch.presets import BY_NAME, PRESETS, for_content_type

FILM = 7_200_000  # two hours
SECOND = 1000


def test_codes_and_names_are_unique_and_stable():
    assert [preset.code for preset in PRESETS] == list(range(len(PRESETS)))
    assert [preset.name for preset in PRESETS] == [
        "default", "jellyfin", "trakt", "kodi", "androidtv", "androidtv-episode", "firetv",
        "recombee",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "duration", "last_not_started", "first_started"),
    [
        ("default", FILM, 29_999, 30_000),
        ("default", 0, 29_999, 30_000),
        ("jellyfin", FILM, 359_999, 360_000),
        ("jellyfin", 0, 29_999, 30_000),
        ("trakt", FILM, 71_999, 72_000),
        ("kodi", FILM, 180_000, 180_001),
        ("androidtv", FILM, 120_000, 120_001),  # > 2 min comes before > 3 % (216 s)
        ("androidtv", 1_000_000, 30_000, 30_001),  # > 3 % comes before > 2 min
        ("androidtv", 0, 120_000, 120_001),
        ("androidtv-episode", 1_000_000, 120_000, 120_001),
        ("firetv", FILM, 0, 1),
        ("recombee", FILM, 719_999, 720_000),
    ],
)
def test_start_threshold(name, duration, last_not_started, first_started):
    preset = BY_NAME[name]
    assert not preset.starts(last_not_started, duration)
    assert preset.starts(first_started, duration)
    assert preset.starts(first_started + 1, duration)


@pytest.mark.parametrize(
    ("name", "duration", "last_not_finished", "first_finished"),
    [
        ("default", FILM, 6_839_999, 6_840_000),
        ("jellyfin", FILM, 6_480_000, 6_480_001),  # more than 90 %, not 90 %
        ("jellyfin", 300_000, 270_000, 270_001),  # not shorter than 300 s
        ("jellyfin", 299_999, 14_999, 15_000),  # shorter: played once 5 % is reached
        ("trakt", FILM, 5_759_999, 5_760_000),
        ("kodi", FILM, 6_479_999, 6_480_000),
        ("androidtv", FILM, FILM - 180_000, FILM - 179_999),
        ("androidtv", 100_000, 49_999, 50_000),  # a clip's first half is not its end
        ("androidtv-episode", 1_500_000, 1_320_000, 1_320_001),
        ("firetv", FILM, 6_839_999, 6_840_000),
        ("recombee", FILM, 6_479_999, 6_480_000),
    ],
)
def test_finish_threshold(name, duration, last_not_finished, first_finished):
    preset = BY_NAME[name]
    assert not preset.finishes(last_not_finished, duration, 0, "playing")
    assert preset.finishes(first_finished, duration, 0, "playing")
    assert preset.finishes(duration, duration, 0, "playing")


def test_jellyfin_last_second_is_played():
    # 90 % of 5,000,000 s is before its last second only from 10 s on, so the rule is tried alone.
    jellyfin = BY_NAME["jellyfin"]
    assert jellyfin._little_left(FILM - SECOND, FILM)
    assert not jellyfin._little_left(FILM - SECOND - 1, FILM)


@pytest.mark.parametrize("name", ["default", "androidtv", "androidtv-episode", "firetv"])
def test_credits_finish(name):
    preset = BY_NAME[name]
    assert not preset.finishes(4_999_999, FILM, 5_000_000, "playing")
    assert preset.finishes(5_000_000, FILM, 5_000_000, "playing")
    assert preset.finishes(5_000_001, FILM, 5_000_000, "playing")
    assert preset.finishes(5_000_000, 0, 5_000_000, "playing")
    assert not preset.finishes(0, FILM, 0, "playing"), "0 means that credits are unknown"


@pytest.mark.parametrize("name", ["jellyfin", "trakt", "kodi", "recombee"])
def test_credits_do_not_count_for_the_others(name):
    assert not BY_NAME[name].finishes(3_600_000, FILM, 3_600_000, "playing")


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("default", {"ended"}), ("firetv", {"ended"}), ("androidtv", {"ended"}),
        ("androidtv-episode", {"ended"}), ("jellyfin", {"stopped", "ended"}),
        ("trakt", set()), ("kodi", set()), ("recombee", set()),
    ],
)  # fmt: skip
def test_unknown_duration(name, states):
    found = {
        state
        for state in ("playing", "paused", "stopped", "ended")
        if BY_NAME[name].finishes(10_000_000, 0, 0, state)
    }
    assert found == states


def test_resume_window():
    assert not BY_NAME["default"].resumes(29_999, FILM)
    assert BY_NAME["default"].resumes(30_000, FILM)
    assert BY_NAME["default"].resumes(6_839_999, FILM)
    assert not BY_NAME["default"].resumes(6_840_000, FILM)


def test_kodi_ignores_the_last_eight_percent():
    kodi = BY_NAME["kodi"]
    assert kodi.ignore_end_pct == 8
    assert kodi.resumes(6_479_999, FILM), "just below 90 %"
    assert not kodi.resumes(FILM * 92 // 100 + 1, FILM)


def test_variant_by_content_type():
    assert for_content_type("androidtv", "episode") == "androidtv-episode"
    assert for_content_type("androidtv", "movie") == "androidtv"
    assert for_content_type("kodi", None) == "kodi"
