"""Which titles could be alike enough: found by a shared piece, not by trying all.

Two texts with a likeness of 0.9 are at most a tenth of the longer one's length in edits apart. Cut
into one piece more than that, one of them keeps a piece that is whole in the other one, at most as
many places away (Li, Deng, Wang, Feng: Pass-Join, VLDB 2011). So nothing is missed, and the cost
follows the number of titles that share a piece, a year and all numbers ("Match day 12" is not tried
with "Match day 13"), not the size of the catalogue.
"""

from collections.abc import Iterator

from domain.catalogue.titles import Form

Block = int | str  # the year, with the numbers of the title if it has any
Piece = tuple[Block, int, int, str]  # block, size of the text, number of the piece, piece


def pieces_of(form: Form, year: int) -> Iterator[Piece]:
    """Yield the pieces under which a form is found."""
    block, size = _block(form, year), len(form.text)
    for number, start, end in _cuts(size):
        yield block, size, number, form.text[start:end]


def probes_of(form: Form, year: int, years_apart: int) -> Iterator[Piece]:
    """Yield the pieces of every form that could be alike, with a year at most so far away."""
    text, length = form.text, len(form.text)
    blocks = [_block(form, each) for each in range(year - years_apart, year + years_apart + 1)]
    for size in range(-(-length * 9 // 10), length * 10 // 9 + 1):
        edits, longer = max(length, size) // 10, length - size
        if abs(longer) > edits:
            continue
        # A piece moved by x leaves |x| edits before it and |longer - x| behind it.
        back, ahead = (edits - longer) // 2, (edits + longer) // 2
        for number, start, end in _cuts(size):
            width = end - start
            first = max(0, start - back)
            last = min(length - width, start + ahead)
            for place in range(first, last + 1):
                piece = text[place : place + width]
                for block in blocks:
                    yield block, size, number, piece


def _block(form: Form, year: int) -> Block:
    return f"{year} {' '.join(form.numbers)}" if form.numbers else year


def _cuts(size: int) -> Iterator[tuple[int, int, int]]:
    """Yield (number, start, end) of the pieces of a text of ``size``.

    A partner of this text may be longer by a ninth, and allows a tenth of its length in edits.
    """
    count = size // 9 + 1
    for number in range(count):
        yield number, size * number // count, size * (number + 1) // count
