"""The blocks of the pages that say so are run, page by page, against one running stack."""

import os
from itertools import groupby

import pytest

from tests.support.docs_blocks.checks import ROOT
from tests.support.docs_blocks.collect import Block, blocks_in, blocks_of, pages
from tests.support.docs_blocks.running import Session
from tests.support.services import skip_or_fail

TO_RUN = [block for block in blocks_of(ROOT, pages(ROOT)) if block.runs]
BY_PAGE = {path: list(blocks) for path, blocks in groupby(TO_RUN, lambda block: block.path)}


def run_all(blocks, folder, stack):
    """Run blocks in order; return what failed ones said, and which runtimes are missing."""
    session = Session(folder, stack)
    failed, missing = [], []
    for block in blocks:
        try:
            done = session.run(block)
        except FileNotFoundError as error:
            missing.append(f"{block.place}: {error}")
            continue
        if done.returncode != 0:
            failed.append(f"{block.place}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return failed, missing


@pytest.mark.parametrize("path", BY_PAGE, ids=str)
def test_the_blocks_of_a_page_run(path, shared_stack, tmp_path):
    failed, missing = run_all(BY_PAGE[path], tmp_path, shared_stack)
    assert failed == []
    if missing:
        skip_or_fail("not run, the runtime is not here: " + "; ".join(missing))


def page(*blocks):
    text = "\n".join(
        f"<!-- run: {marker} -->\n```{language}\n{text}\n```" for marker, language, text in blocks
    )
    return blocks_in(ROOT / "docs/page.md", text)


def test_what_a_block_sets_stays_for_the_next_whatever_its_language(tmp_path):
    blocks = page(
        ("alone", "sh", "WORD='two words'"),
        ("alone", "sh", '[ "$WORD" = "two words" ]'),
        ("alone", "python", "import os\nassert os.environ['WORD'] == 'two words'"),
    )
    assert run_all(blocks, tmp_path, None) == ([], [])


@pytest.mark.parametrize(
    ("language", "text"),
    [("sh", "false\ntrue"), ("sh", "false | cat"), ("sh", "echo $UNSET"), ("python", "1 / 0")],
)
def test_a_block_that_fails_is_found(tmp_path, language, text):
    failed, _ = run_all(page(("alone", language, text)), tmp_path, None)
    assert len(failed) == 1


def test_sql_runs_in_the_database_and_leaves_nothing(shared_stack, tmp_path):
    right = page(("needs=stack", "sql", "DELETE FROM api_keys"))
    wrong = page(("needs=stack", "sql", "SELECT nothing FROM api_keys"))
    assert run_all(right, tmp_path, shared_stack) == ([], [])
    assert len(run_all(wrong, tmp_path, shared_stack)[0]) == 1
    assert shared_stack.command("key", "list") != ""


def test_a_runtime_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "PATH", str(tmp_path))
    block = Block(ROOT / "docs/page.md", 1, "php", "<?php echo 1;", "alone")
    failed, missing = run_all([block], tmp_path, None)
    assert failed == []
    assert "apt-get install php-cli" in missing[0]
