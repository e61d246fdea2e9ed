"""Completion presets: when a title counts as started, as resumable and as finished. Rules as data.

One row a preset, and nowhere else a threshold. All comparisons are exact integer arithmetic on
milliseconds. A row's ``code`` is stored in ledger bytes: append rows, never renumber them.
"""

from dataclasses import dataclass

START_UNKNOWN_MS = 30_000  # percentages need a duration; without one the default's 30 s decides


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """One rule set. Percentages are whole percent of the duration, lengths are milliseconds.

    Attributes:
        start_ms: started from this position; None: only the percentage counts.
        start_pct: started from this share; with ``start_ms`` given, whichever is reached earlier.
        start_strict: the start must be passed, not only reached.
        end_pct: finished from this share; None: no share finishes.
        end_strict: the share must be passed, not only reached.
        end_left_ms: finished when less than this is left (see ``end_left_inclusive``); 0: no rule.
        end_left_inclusive: finished also when exactly ``end_left_ms`` is left.
        credits: finished where the closing credits start, when the report says where.
        short_ms: a title shorter than this is finished as soon as it is started.
        unknown_finishes: states that finish a title of unknown duration.
        ignore_end_pct: nothing to resume when less than this share is left.
        source: where the numbers come from.
    """

    name: str
    code: int
    start_ms: int | None = None
    start_pct: int | None = None
    start_strict: bool = False
    end_pct: int | None = None
    end_strict: bool = False
    end_left_ms: int = 0
    end_left_inclusive: bool = False
    credits: bool = False
    short_ms: int = 0
    unknown_finishes: frozenset[str] = frozenset()
    ignore_end_pct: int = 0
    source: str

    def starts(self, position_ms: int, duration_ms: int) -> bool:
        """Whether a viewer at this position has started the title; duration 0 is unknown."""
        start_ms = self.start_ms
        if start_ms is not None and (
            position_ms > start_ms or (position_ms == start_ms and not self.start_strict)
        ):
            return True
        if duration_ms <= 0:
            return start_ms is None and position_ms >= START_UNKNOWN_MS
        if self.start_pct is None:
            return False
        share, limit = position_ms * 100, self.start_pct * duration_ms
        return share > limit or (share == limit and not self.start_strict)

    def finishes(self, position_ms: int, duration_ms: int, credits_at_ms: int, state: str) -> bool:
        """Whether this single report proves that the title is finished.

        Args:
            position_ms: at most ``duration_ms`` when that is known.
            duration_ms: 0 is unknown.
            credits_at_ms: start of the closing credits, 0 when the report does not say.
            state: playing, paused, stopped or ended; no other state comes here.
        """
        if self.credits and 0 < credits_at_ms <= position_ms:
            return True
        if duration_ms <= 0:
            return state in self.unknown_finishes
        if self.end_pct is not None:
            share, limit = position_ms * 100, self.end_pct * duration_ms
            if share > limit or (share == limit and not self.end_strict):
                return True
        if self.end_left_ms and self._little_left(position_ms, duration_ms):
            return True
        return duration_ms < self.short_ms and self.starts(position_ms, duration_ms)

    def resumes(self, position_ms: int, duration_ms: int) -> bool:
        """Whether an unfinished title can be resumed from this position."""
        if (
            duration_ms > 0
            and (duration_ms - position_ms) * 100 < self.ignore_end_pct * duration_ms
        ):
            return False
        return self.starts(position_ms, duration_ms) and not self.finishes(
            position_ms, duration_ms, 0, "playing"
        )

    def _little_left(self, position_ms: int, duration_ms: int) -> bool:
        left_ms = duration_ms - position_ms
        limit_ms = self.end_left_ms + (1 if self.end_left_inclusive else 0)
        # Meant for films and episodes: the first half of a clip of five minutes is not its end.
        return left_ms < limit_ms and position_ms * 2 >= duration_ms


_ENDED = frozenset({"ended"})
_OVER = frozenset({"stopped", "ended"})

PRESETS: tuple[Preset, ...] = (
    Preset(
        name="default", code=0, start_ms=30_000, end_pct=95, credits=True, unknown_finishes=_ENDED,
        source="ours: resume from 30 s to 95 %, complete at 95 % or where the credits start",
    ),
    Preset(
        name="jellyfin", code=1, start_pct=5, end_pct=90, end_strict=True, end_left_ms=1_000,
        end_left_inclusive=True, short_ms=300_000, unknown_finishes=_OVER,
        source="UserDataManager.UpdatePlayState: MinResumePct 5, MaxResumePct 90 (to be passed), "
        "last second, MinResumeDurationSeconds 300; unknown runtime is played once playback ends",
    ),
    Preset(
        name="trakt", code=2, start_pct=1, end_pct=80,
        source="scrobble: >= 80 % goes to history, 1-79 % is a paused playback, < 1 % is refused",
    ),
    Preset(
        name="kodi", code=3, start_ms=180_000, start_strict=True, end_pct=90, ignore_end_pct=8,
        source="playcountminimumpercent 90, ignoresecondsatstart 180, ignorepercentatend 8",
    ),
    Preset(
        name="androidtv", code=4, start_ms=120_000, start_pct=3, start_strict=True,
        end_left_ms=180_000, credits=True, unknown_finishes=_ENDED,
        source="Watch Next, films: > 3 % or > 2 min, whichever is earlier; credits or < 3 min left",
    ),
    Preset(
        name="androidtv-episode", code=5, start_ms=120_000, start_strict=True,
        end_left_ms=180_000, credits=True, unknown_finishes=_ENDED,
        source="Watch Next, episodes: > 2 min; credits or < 3 min left",
    ),
    Preset(
        name="firetv", code=6, start_ms=0, start_strict=True, end_pct=95, credits=True,
        unknown_finishes=_ENDED,
        source="Watch Activity: finished at the credits position; Amazon publishes no percentage, "
        "so ours (95 %) stands in where no credits are given",
    ),
    Preset(
        name="recombee", code=7, start_pct=10, end_pct=90,
        source="video:continue-watching: started from 10 %, completed from 90 % of the duration",
    ),
)  # fmt: skip
BY_NAME: dict[str, Preset] = {preset.name: preset for preset in PRESETS}
VARIANTS: dict[tuple[str, str], str] = {("androidtv", "episode"): "androidtv-episode"}


def for_content_type(name: str, content_type: str | None) -> str:
    """Return the preset name to put on an event: a rule set may differ by content type.

    Example:
        >>> for_content_type("androidtv", "episode")
        'androidtv-episode'
    """
    return VARIANTS.get((name, content_type or ""), name)
