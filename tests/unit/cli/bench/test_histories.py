"""Templates of ledger states: made by the real step, copied under other names."""

import pytest

from agents.spec import Record
from cli.bench.contestant import SOURCE, DictTable, clean_step
from cli.bench.events import START_AT_MS, user_name
from cli.bench.histories import TEMPLATE_USER_FROM, history, make_templates, watch
from schemas.codec import encode


@pytest.fixture(scope="module")
def templates():
    return make_templates(clean_step(), 12, titles_median=3.0)


def test_templates_are_deterministic_and_differ(templates):
    again = make_templates(clean_step(), 12, titles_median=3.0)
    assert again == templates
    assert len({template.rows for template in templates}) == len(templates)


def test_a_copy_is_what_the_ledger_would_have_written_for_that_viewer(templates):
    import random

    dice = random.Random(5)
    events = list(history(TEMPLATE_USER_FROM + 1, [3, 1, 4], dice))
    template = watch(clean_step(), user_name(TEMPLATE_USER_FROM + 1), events)
    copies = dict(template.rows_for(user_name(42)))

    table = DictTable()
    renamed = [event.model_copy(update={"user_id": user_name(42)}) for event in events]
    records = [
        Record(SOURCE.name, 0, offset, 0, b"viewer-0000042", encode(event))
        for offset, event in enumerate(renamed)
    ]
    outcome = clean_step().on_batch(0, records, table, START_AT_MS)
    assert not outcome.rejects
    assert copies == table.values


def test_longer_histories_are_larger_states(templates):
    short = make_templates(clean_step(), 12, titles_median=1.0)

    def size(found):
        return sum(len(value) for template in found for _, value in template.rows)

    assert size(templates) > size(short)
