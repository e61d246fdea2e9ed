"""Figures of ``bench growth`` -> table, reaches, JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from cli.bench.histories import Template
from cli.bench.report import GIB, Reach, Report

COST_GROWTH_MAX = 1.2
STATE_GIB_PER_MILLION_MAX = 0.8
RECOVERY_S_MAX = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GrowthOptions:
    """How much is measured; ``watching``: viewers with an open session, the same at each size."""

    users: tuple[int, ...]
    events: int
    watching: int
    titles_median: float


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeResult:
    """Figures at one number of viewers."""

    users: int
    events_per_s: int
    cpu_us_per_event: float
    encoded_bytes_per_user: float
    memory_bytes_per_user: float
    rss_mib: float
    rss_after_events_mib: float
    recovery_s: float
    restore_s: float


def growth_report(
    options: GrowthOptions, results: Sequence[SizeResult], templates: Sequence[Template],
    empty_rss: int,
) -> Report:  # fmt: skip
    """Turn the sizes into reaches; the figures of memory and recovery are those of the largest."""
    first, last = results[0], results[-1]
    cost_growth = round(last.cpu_us_per_event / first.cpu_us_per_event, 3)
    gib = round(last.memory_bytes_per_user * 1e6 / GIB, 3)
    whole = last.users >= 1_000_000
    return Report(
        bench="growth",
        parameters={
            "events": options.events, "watching": options.watching,
            "titles_median": options.titles_median,
            "history_events_mean": round(sum(t.events for t in templates) / len(templates), 1),
            "empty_rss_mib": round(empty_rss / 2**20, 1),
        },
        fields={
            "cost_growth": cost_growth, "gib_per_million_users": gib,
            "recovery_s": last.recovery_s, "restore_s": last.restore_s,
        },
        rows=[asdict(result) for result in results],
        reaches=[
            Reach(name=f"cost per event at {last.users:,} / at {first.users:,} users",
                  value=cost_growth, limit=COST_GROWTH_MAX, sense="at most", unit="x"),
            Reach(name="memory per 1 M users", value=gib, limit=STATE_GIB_PER_MILLION_MAX,
                  sense="at most", unit="GiB"),
            Reach(name="recovery at 1 M users", value=last.recovery_s if whole else None,
                  limit=RECOVERY_S_MAX, sense="at most", unit="s"),
        ],
        notes=[
            "recovery_s: start of the new process to its ready line, after kill -9; it includes "
            "the time Kafka waits for the dead worker. restore_s: reading the changelog.",
        ],
    )  # fmt: skip
