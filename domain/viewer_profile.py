"""What one viewer did, as the recommender needs it: a small lattice per title, in packed bytes.

Every part is a maximum or a last-writer-wins register over event time, so merging interactions is
commutative and idempotent. At most ``TITLES_MAX`` titles are kept, those touched last; an older one
is forgotten and may then be recommended again.
"""

from dataclasses import dataclass, field
from typing import Any

import orjson

from domain.evidence import LIKED_MIN, LOW_RATING_MAX, PROGRESS_MIN, evidence
from domain.seen import Seen
from schemas.interaction import Interaction

TITLES_MAX = 2000  # of one viewer, also where titles are counted in the order of watching
_ENGAGED = frozenset({"started", "progressed", "completed", "abandoned", "rewatched"})
_DECISIONS = {
    "dismissed": ("dismissed", 1), "restored": ("dismissed", 0),
    "hidden": ("hidden", 1), "unhidden": ("hidden", 0),
}  # fmt: skip

Register = tuple[int, float]  # (event time in ms, value); at equal times the larger value wins
_UNSET: Register = (-1, -1.0)
# [last_at_ms, progress, epoch, completed] and, once one was set, [rated, dismissed, hidden]
Packed = list[Any]


@dataclass(slots=True)
class TitleState:
    """One title of one viewer.

    ``last_at_ms`` is the newest interaction, ``progress`` the furthest of any watch (0-1),
    ``epoch`` the newest watch (-1: never started), ``completed`` whether any watch was completed.
    A rating of -1 says that there is none.
    """

    last_at_ms: int = -1
    progress: float = 0.0
    epoch: int = -1
    completed: bool = False
    rated: Register = _UNSET
    dismissed: Register = _UNSET
    hidden: Register = _UNSET

    def merge(self, interaction: Interaction) -> None:
        """Take one interaction in."""
        at_ms, kind = interaction.occurred_at_ms, interaction.kind
        self.last_at_ms = max(self.last_at_ms, at_ms)
        if kind in _ENGAGED:
            self.epoch = max(self.epoch, interaction.epoch)
            self.progress = max(self.progress, round(interaction.progress, 3))
            self.completed = self.completed or kind == "completed"
        elif kind == "rated":
            rating = -1.0 if interaction.rating is None else interaction.rating
            self.rated = max(self.rated, (at_ms, rating))
        else:
            name, flag = _DECISIONS[kind]
            setattr(self, name, max(getattr(self, name), (at_ms, float(flag))))

    @property
    def watched(self) -> bool:
        """Watched far enough to say something about taste."""
        return self.completed or self.progress >= PROGRESS_MIN

    @property
    def liked(self) -> bool:
        """Rated high."""
        return self.rated[1] >= LIKED_MIN

    @property
    def evidence(self) -> float:
        """How much the title speaks for others like it, 0-1."""
        return evidence(
            progress=self.progress,
            completed=self.completed,
            rating=self.rated[1] if self.rated[1] >= 0.0 else None,
            refused=self.dismissed[1] > 0 or self.hidden[1] > 0,
        )

    @property
    def excluded(self) -> bool:
        """Not to be recommended: watched, begun, rated, dismissed or hidden."""
        return self.engaged or self.dismissed[1] > 0 or self.hidden[1] > 0

    @property
    def engaged(self) -> bool:
        """Watched, however far, or rated."""
        return self.epoch >= 0 or self.completed or self.rated[1] >= 0

    def pack(self) -> Packed:
        """Return the state as a JSON list; registers that were never set are left out."""
        packed: Packed = [self.last_at_ms, self.progress, self.epoch, int(self.completed)]
        if self.rated != _UNSET or self.dismissed != _UNSET or self.hidden != _UNSET:
            packed += [self.rated, self.dismissed, self.hidden]
        return packed


def unpack(packed: Packed) -> TitleState:
    """Return the state that ``TitleState.pack`` packed."""
    last_at_ms, progress, epoch, completed, *registers = packed
    return TitleState(
        last_at_ms, progress, epoch, completed == 1, *((int(at), value) for at, value in registers)
    )


@dataclass(slots=True)
class ViewerProfile:
    """All titles of one viewer (packed: a change touches few), and how far it was taken in.

    ``position`` is the newest (source offset, ordinal); interactions are first emitted in this
    order, so what is not beyond it was taken in before.
    """

    titles: dict[str, Packed] = field(default_factory=dict)
    position: tuple[int, int] = (-1, -1)
    as_of_ms: int = 0
    newest_event_id: str | None = None
    region: tuple[int, str] = (-1, "")

    def is_empty(self) -> bool:
        """Whether nothing was taken in."""
        return self.position < (0, 0)

    def precedes(self, interaction: Interaction) -> bool:
        """Whether an interaction was not taken in before."""
        return (interaction.source_offset, interaction.ordinal) > self.position

    def merge(self, interaction: Interaction) -> bool:
        """Take one interaction in; return False when it was taken in before."""
        if not self.precedes(interaction):
            return False
        self.position = (interaction.source_offset, interaction.ordinal)
        self.newest_event_id = interaction.event_id
        at_ms = interaction.occurred_at_ms
        self.as_of_ms = max(self.as_of_ms, at_ms)
        if interaction.region is not None:
            self.region = max(self.region, (at_ms, interaction.region))
        packed = self.titles.get(interaction.content_id)
        state = TitleState() if packed is None else unpack(packed)
        state.merge(interaction)
        self.titles[interaction.content_id] = state.pack()
        if len(self.titles) > TITLES_MAX:
            del self.titles[min(self.titles, key=lambda title: (self.titles[title][0], title))]
        return True


def encode_profile(profile: ViewerProfile) -> bytes:
    """Return the bytes of a profile: equal profiles are equal bytes."""
    return orjson.dumps(
        [
            profile.position,
            profile.as_of_ms,
            profile.newest_event_id,
            profile.region,
            profile.titles,
        ],
        option=orjson.OPT_SORT_KEYS,
    )


def decode_profile(value: bytes) -> ViewerProfile:
    """Return the profile that ``encode_profile`` encoded."""
    position, as_of_ms, newest_event_id, region, titles = orjson.loads(value)
    return ViewerProfile(
        titles=titles,
        position=(position[0], position[1]),
        as_of_ms=as_of_ms,
        newest_event_id=newest_event_id,
        region=(region[0], region[1]),
    )


def seen_titles(profile: ViewerProfile) -> tuple[dict[str, Seen], list[str]]:
    """Return what the viewer did with each title, and the titles that are not to be recommended.

    The rules are those of ``TitleState``, written out: a viewer has hundreds of titles, and making
    an object of each would take as long as scoring.
    """
    seen: dict[str, Seen] = {}
    excluded: list[str] = []
    for content_id, packed in profile.titles.items():
        at_ms, progress, epoch, completed = packed[:4]
        watched = completed == 1 or progress >= PROGRESS_MIN
        weight = 1.0 if completed else progress if watched else 0.0
        engaged = epoch >= 0 or completed == 1
        decided = False
        if len(packed) > 4:  # rated, dismissed or hidden once, which is rare
            rating = packed[4][1]
            decided = packed[5][1] > 0 or packed[6][1] > 0
            engaged = engaged or rating >= 0.0
            if decided or 0.0 <= rating <= LOW_RATING_MAX:
                weight = 0.0
            elif rating >= LIKED_MIN:
                weight = 1.0
        seen[content_id] = _new(Seen, (at_ms, weight, engaged, watched))
        if engaged or decided:
            excluded.append(content_id)
    return seen, excluded


_new = tuple.__new__  # a third of the time of calling the class
