"""The continue-watching row: a user's watch states + what is known of the titles -> cards.

One card a series, versions of one title count as one, newest first. Nothing is stored: titles leave
the row by the clock alone (``now_ms``), and history keeps them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from domain.availability import is_available
from schemas.content import Content
from schemas.times import DAY_MS
from schemas.watch_state import WatchState

VERSION_HOPS_MAX = 4  # a cut of a cut of a cut; also ends a circle made by a partner's mistake

CardKind = Literal["resume", "next", "new"]


@dataclass(frozen=True, kw_only=True, slots=True)
class RowRules:
    """How long titles stay and how many are shown.

    Attributes:
        completed_row_days: the next episode is offered this long after the last one was completed,
            a new one this long after its release.
        abandoned_row_days: an unfinished title stays this long after it was last played.
        limit: most cards returned.
        region: episodes must be available here to be offered; None: anywhere.
    """

    completed_row_days: int = 30
    abandoned_row_days: int = 180
    limit: int = 20
    region: str | None = None


class Card(NamedTuple):
    """One entry of the row; ``kind`` is "next" or "new" for an episode not begun yet."""

    content_id: str
    kind: CardKind
    series_id: str | None
    position_s: float
    duration_s: float
    progress: float
    sorted_at_ms: int


def cards(
    states: Iterable[WatchState],
    contents: Mapping[str, Content],
    now_ms: int,
    rules: RowRules,
) -> list[Card]:
    """Return the row, newest first, ties by content id.

    Args:
        states: all watch states of one user, in any order.
        contents: the titles of ``states`` and every known episode of their series. A title that is
            missing counts as a film.
        now_ms: wall-clock time of the request.
        rules: see ``RowRules``.
    """
    known = list(states)
    watched = _share_versions(known, contents)
    suppressed = {
        root_of(state.content_id, contents): state
        for state in sorted(known, key=lambda state: (state.hidden, state.updated_at_ms))
        if state.hidden or state.dismissed
    }
    films, series = _by_series(watched, contents)
    found = [card for state in films if (card := _resume(state, None, now_ms, rules))]
    for series_id, touched in series.items():
        if not _is_suppressed(suppressed.get(series_id), touched[0]):
            shelf = _Shelf(series_id, watched, contents, now_ms, rules)
            card = shelf.card(touched[0])
            if card is not None:
                found.append(card)
    found.sort(key=lambda card: (-card.sorted_at_ms, card.content_id))
    return found[: rules.limit]


def root_of(content_id: str, contents: Mapping[str, Content]) -> str:
    """Return the title that ``content_id`` is a version of, itself when it is none."""
    for _ in range(VERSION_HOPS_MAX):
        content = contents.get(content_id)
        if content is None or content.version_of is None:
            break
        content_id = content.version_of
    return content_id


def _share_versions(
    states: Iterable[WatchState], contents: Mapping[str, Content]
) -> dict[str, WatchState]:
    """Return by root title the version played last; hidden when any version is hidden."""
    newest: dict[str, WatchState] = {}
    hidden: set[str] = set()
    for state in states:
        root = root_of(state.content_id, contents)
        if state.hidden:
            hidden.add(root)
        if state.started_at_ms is None and not (state.dismissed or state.hidden):
            continue
        other = newest.get(root)
        if other is None or _recency(state) > _recency(other):
            newest[root] = state
    return {
        root: state.model_copy(update={"hidden": True}) if root in hidden else state
        for root, state in newest.items()
    }


def _recency(state: WatchState) -> tuple[bool, int, str]:
    return state.started_at_ms is not None, state.updated_at_ms, state.content_id


def _by_series(
    watched: Mapping[str, WatchState], contents: Mapping[str, Content]
) -> tuple[list[WatchState], dict[str, list[WatchState]]]:
    """Split into single titles and, per series, the episodes that count, newest first."""
    films: list[WatchState] = []
    series: dict[str, list[WatchState]] = {}
    for root, state in watched.items():
        content = contents.get(root)
        series_id = content.series_id if content and content.type == "episode" else None
        if series_id is None:
            films.append(state)
        elif state.resumable or state.completed:
            series.setdefault(series_id, []).append(state)
    for touched in series.values():
        touched.sort(key=_recency, reverse=True)
    return films, series


def _is_suppressed(state: WatchState | None, newest: WatchState) -> bool:
    """Whether the whole series was hidden, or dismissed since its newest episode was played."""
    if state is None:
        return False
    dismissed_at_ms = state.dismissed_at_ms
    return state.hidden or (dismissed_at_ms is not None and dismissed_at_ms >= newest.updated_at_ms)


def _resume(state: WatchState, series_id: str | None, now_ms: int, rules: RowRules) -> Card | None:
    if state.completed or not state.resumable or state.hidden or state.dismissed:
        return None
    if now_ms - state.updated_at_ms > rules.abandoned_row_days * DAY_MS:
        return None
    return Card(
        state.content_id, "resume", series_id, state.position_s, state.duration_s, state.progress,
        state.updated_at_ms,
    )  # fmt: skip


class _Shelf:
    """One series: its episodes in order, and which of them comes next."""

    def __init__(
        self,
        series_id: str,
        watched: Mapping[str, WatchState],
        contents: Mapping[str, Content],
        now_ms: int,
        rules: RowRules,
    ) -> None:
        self._series_id = series_id
        self._watched = watched
        self._contents = contents
        self._now_ms = now_ms
        self._rules = rules

    def card(self, newest: WatchState) -> Card | None:
        """Return the one card of the series, given its newest episode that counts."""
        if not newest.completed:
            return _resume(newest, self._series_id, self._now_ms, self._rules)
        for episode in self._following(root_of(newest.content_id, self._contents)):
            state = self._watched.get(episode.content_id)
            if state is not None and (state.completed or state.hidden):
                continue
            if state is not None and state.dismissed:
                return None
            if is_available(episode, self._rules.region, self._now_ms):
                return self._promoted(episode, state, newest)
        return None

    def _following(self, content_id: str) -> Iterator[Content]:
        """Yield the episodes after the given one, by season and number."""
        finished = self._contents[content_id]
        episodes = [
            content
            for content in self._contents.values()
            if content.type == "episode"
            and content.series_id == self._series_id
            and content.version_of is None
        ]
        place = _number(finished)
        yield from sorted((e for e in episodes if _number(e) > place), key=_number)

    def _promoted(
        self, episode: Content, state: WatchState | None, finished: WatchState
    ) -> Card | None:
        released_at = _released_at(episode, self._rules.region)
        is_new = released_at > finished.updated_at_ms
        since = max(released_at, finished.updated_at_ms)
        if self._now_ms - since > self._rules.completed_row_days * DAY_MS:
            return None
        begun = state is not None and state.resumable
        return Card(
            content_id=state.content_id if begun and state else episode.content_id,
            kind="new" if is_new else "next",
            series_id=self._series_id,
            position_s=state.position_s if begun and state else 0.0,
            duration_s=state.duration_s if begun and state else float(episode.runtime_s or 0),
            progress=state.progress if begun and state else 0.0,
            sorted_at_ms=since,
        )


def _number(content: Content) -> tuple[int, int, str]:
    return content.season_number or 0, content.episode_number or 0, content.content_id


def _released_at(content: Content, region: str | None) -> int:
    """Return when the title first became available, 0 when that is not known."""
    return min(
        (
            row.from_at_ms or 0
            for row in content.availability
            if region is None or row.region is None or row.region == region
        ),
        default=0,
    )
