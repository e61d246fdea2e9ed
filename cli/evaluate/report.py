"""A result as people look at it: a table on the terminal, tables and plots in one HTML file."""

import html
import io
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cli.evaluate.methods import OURS, SHOWN
from cli.evaluate.summary import EASE, Result

TRADE_MIN = 0.5
PLAIN_WIDTH = 120  # columns of a table in a file or pipe
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; color: #222; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .7rem; }
th { text-align: right; border-bottom: 1px solid #999; } td { text-align: right; }
td:first-child, th:first-child { text-align: left; } tr.ours { background: #eef6ee; }
tr.group td { border-top: 1px solid #ccc; } figure { margin: 1.5rem 0; } svg { max-width: 100%; }
"""


def headline(result: Result) -> str:
    """Return the main finding in one sentence."""
    low, high = result.ratio_interval
    return (
        f"{OURS} has {result.ratio_to_ease:.3f} times the NDCG@10 of EASE "
        f"(95 % interval {low:.3f} to {high:.3f}, over users)"
    )


def price(result: Result) -> str:
    """Return what diversity and exploration cost and bring, in one sentence."""
    if result.undiversified is None:
        return "No slate was built: too few predictions to price diversity and exploration"
    shown, plain = result.methods[SHOWN], result.methods[OURS]
    change = shown["ndcg10"] / max(result.undiversified, 1e-12) - 1.0
    return (
        f"Diversity and exploration change NDCG@10 by {change:+.1%} "
        f"({result.undiversified:.4f} to {shown['ndcg10']:.4f} on the same predictions), "
        f"the diversity of a list from {plain['diversity']:.3f} to {shown['diversity']:.3f} and "
        f"coverage from {plain['coverage']:.3f} to {shown['coverage']:.3f}"
    )


def print_result(result: Result) -> None:
    """Print the table and the main findings."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PLAIN_WIDTH
    sizes = ", ".join(f"{count:,} {name}" for name, count in result.sizes.items())
    console.print(f"{result.protocol} on {result.data}: {sizes}; {result.when}")
    table = Table()
    columns = list(next(iter(result.methods.values())))
    table.add_column("method", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right")
    for name, row in result.methods.items():
        style = "bold" if name == OURS else None
        table.add_row(name, *(figure(column, row[column]) for column in columns), style=style)
    console.print(table)
    console.print(headline(result))
    low, high = result.difference_interval
    console.print(f"difference to EASE in NDCG@10: 95 % interval {low:+.4f} to {high:+.4f}")
    console.print(price(result))
    console.print(f"{result.seconds:,.1f} s in all")


def figure(column: str, value: float) -> str:
    """Return one figure as text."""
    return f"{value:,.1f}" if column in {"seconds", "novelty"} else f"{value:.4f}"


def write_html(result: Result, path: Path) -> None:
    """Write tables and plots to one HTML file that needs nothing else.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    body = "\n".join(
        [
            f"<h1>{html.escape(result.data)}, {result.protocol}</h1>",
            f"<p>{html.escape(headline(result))}. {html.escape(price(result))}.</p>",
            f"<figure>{_bars(result)}</figure>",
            f"<figure>{_trade(result)}</figure>",
            f"<figure>{_weights(result)}</figure>",
            _table(result),
        ]
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(result.data)}'
        f"</title><style>{STYLE}</style><body>{body}</body></html>\n"
    )
    path.write_text(page, encoding="utf-8")


def _table(result: Result) -> str:
    columns = list(next(iter(result.methods.values())))
    head = "".join(f"<th>{name}</th>" for name in ("method", *columns))
    rows = []
    for name, row in result.methods.items():
        cells = "".join(f"<td>{figure(column, row[column])}</td>" for column in columns)
        kind = ' class="ours"' if name in {OURS, SHOWN} else ""
        rows.append(f"<tr{kind}><td>{html.escape(name)}</td>{cells}</tr>")
    sizes = ", ".join(f"{count:,} {name}" for name, count in result.sizes.items())
    return (
        f"<table><tr>{head}</tr>{''.join(rows)}</table>"
        f"<p>{sizes}; {result.when}; {result.seconds:,.0f} s.</p>"
    )


def _figure(width: float, height: float):  # type: ignore[no-untyped-def]  # matplotlib
    from matplotlib.figure import Figure  # here: only a report needs it, and it is slow to import

    made = Figure(figsize=(width, height), layout="constrained")
    return made, made.add_subplot()


def _svg(made) -> str:  # type: ignore[no-untyped-def]
    text = io.StringIO()
    made.savefig(text, format="svg")
    whole = text.getvalue()
    return whole[whole.index("<svg") :]


def _bars(result: Result) -> str:
    """NDCG@10 of every method; the line is EASE."""
    names = list(result.methods)[::-1]
    made, axes = _figure(9, 0.24 * len(names) + 1)
    colours = ["#2a7" if name in {OURS, SHOWN} else "#8ab" for name in names]
    axes.barh(names, [result.methods[name]["ndcg10"] for name in names], color=colours)
    axes.axvline(result.methods[EASE]["ndcg10"], color="#a33", linewidth=1)
    axes.set_xlabel("NDCG@10 (line: EASE)")
    return _svg(made)


def _trade(result: Result) -> str:
    """Accuracy against diversity of what is shown."""
    made, axes = _figure(9, 5)
    least = TRADE_MIN * result.methods[OURS]["ndcg10"]  # what is worse than that is no choice
    for name, row in result.methods.items():
        if name.startswith("without_") or row["ndcg10"] < least:
            continue
        ours = name in {OURS, SHOWN}
        axes.scatter(row["diversity"], row["ndcg10"], color="#2a7" if ours else "#8ab")
        axes.annotate(
            name, (row["diversity"], row["ndcg10"]), (4, 4), textcoords="offset points", fontsize=8
        )
    axes.margins(x=0.2)
    axes.set_xlabel("diversity of a list (1 - mean cosine of genres)")
    axes.set_ylabel("NDCG@10")
    return _svg(made)


def _weights(result: Result) -> str:
    """What the value model learned, for new and for known viewers."""
    names = list(result.weights)[::-1]
    made, axes = _figure(9, 0.3 * len(names) + 1)
    places = range(len(names))
    for shift, (column, label) in enumerate(((1, "known viewers"), (0, "new viewers"))):
        values = [result.weights[name][column] for name in names]
        axes.barh([place + 0.4 * shift for place in places], values, height=0.4, label=label)
    axes.set_yticks([place + 0.2 for place in places], names)
    axes.set_xlabel("learned weight of a source (at its largest score)")
    axes.legend()
    return _svg(made)
