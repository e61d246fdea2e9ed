"""Tags become themes when a second user has used them, and not before."""

from cli.evaluate.themes import Tag, Themes

TAGS = [
    Tag("ann", "m1", "heist", 10),
    Tag("ann", "m2", "heist", 20),
    Tag("ben", "m3", "heist", 30),
    Tag("cid", "m1", "mine alone", 35),
    Tag("cid", "m1", "heist", 40),
]


def test_a_tag_is_a_theme_of_all_its_titles_once_two_users_used_it() -> None:
    themes = Themes(TAGS)
    assert themes.advance(before_ms=30) == []
    assert themes.of("m1") == themes.of("m2") == ()
    assert themes.advance(before_ms=31) == ["m1", "m2", "m3"]
    assert {themes.of(each) for each in ("m1", "m2", "m3")} == {("heist",)}
    assert themes.of("m4") == ()


def test_what_only_one_user_calls_a_title_stays_out() -> None:
    themes = Themes(TAGS)
    assert themes.advance(before_ms=41) == ["m1", "m2", "m3"]
    assert themes.of("m1") == ("heist",)
    assert themes.advance(before_ms=100) == []


def test_the_order_of_the_file_does_not_matter() -> None:
    themes = Themes(TAGS[::-1])
    assert themes.advance(before_ms=30) == []
    assert themes.advance(before_ms=31) == ["m1", "m2", "m3"]
