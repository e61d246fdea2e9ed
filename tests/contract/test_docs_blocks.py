"""Every code block of the pages is run, checked or explained; every check can fail."""

from pathlib import Path

import pytest

from tests.support.docs_blocks.checks import ROOT, problems_of
from tests.support.docs_blocks.collect import Block, blocks_in, blocks_of, pages
from tests.support.docs_blocks.files import missing_files

PAGES = pages(ROOT)
BLOCKS = blocks_of(ROOT, PAGES)
PAGE = Path("docs/page.md")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_is_right_as_far_as_that_can_be_said(block):
    assert problems_of(block) == []


def test_pages_name_files_that_exist():
    found = [
        line for path in PAGES for line in missing_files(path, (ROOT / path).read_text(), ROOT)
    ]
    assert found == []


def test_blocks_are_collected_with_language_place_and_marker():
    text = """# Page

<!-- run: needs=stack -->

```sh
make demo
```

1. In a list:

   ```json
   {"a": 1}
   ```

<!-- run: no, nobody has such a machine -->
````text
```
````
"""
    found = blocks_in(PAGE, text)
    assert [(block.line, block.language, block.marker) for block in found] == [
        (5, "sh", "needs=stack"),
        (11, "json", ""),
        (16, "text", "no, nobody has such a machine"),
    ]
    assert found[1].text == '{"a": 1}'
    assert found[0].runs
    assert found[2].reason == "nobody has such a machine"


def test_a_marker_counts_for_the_next_block_only():
    text = "<!-- run: alone -->\nwords\n```sh\nmake demo\n```\n```sh\nmake demo\n```\n"
    assert [block.marker for block in blocks_in(PAGE, text)] == ["", ""]


RIGHT = (
    ("sh", 'make test ARGS="-k name"   # words; more', ""),
    ("sh", "media-gateway key create app --user u | tail -n 1", "alone"),
    ("sh", "SECRET=$(media-gateway partner create acme --mapper generic)", ""),
    ("sh", "A=1 make check && cd docs", ""),
    ("sh", "echo 'one\ntwo' && make check", ""),
    ("sh", "curl https://example.org", "no, this is somebody else's server"),
    ("json", '{"a": [1]}', ""),
    ("yaml", "a: [1]", ""),
    ("python", "x = 1", ""),
    ("mermaid", "flowchart LR\n  a([x]) --> b", ""),
    ("http", "POST /api/v1/progress HTTP/1.1\nContent-Type: application/json\n\n[]", ""),
    ("java", "class Block {}", "needs=stack"),
    ("formula", "a = b", ""),
)
WRONG = (
    ("sh", "make nothing", "", "no such target"),
    ("sh", "media-gateway nothing", "", "no such command"),
    ("sh", "media-gateway key nothing", "", "no such command"),
    ("sh", "media-gateway key create app --nothing x", "", "no such option"),
    ("sh", "KEY=$(media-gateway key nothing)", "", "no such command"),
    ("sh", "media-gateway key create app --nothing", "needs=stack", "no such option"),
    ("sh", "media-gateway key nothing", "no, it takes too long here", "no such command"),
    ("sh", "curl https://example.org", "", "say how the block is run"),
    ("sh", "echo 'open", "", "No closing quotation"),
    ("json", '{"a": 1,}', "", "no JSON"),
    ("yaml", "a: [", "", "no YAML"),
    ("python", "x =", "", "no Python"),
    ("mermaid", "flowchart LR\n  a([x) --> b", "", "do not match"),
    ("http", "GET /api/v1/nothing HTTP/1.1", "", "is no endpoint"),
    ("java", "class Block {}", "", "add a marker"),
    ("sql", "SELECT 1", "", "add a marker"),
    ("text", "output", "", "needs a marker with a reason"),
    ("", "words", "", "no language"),
    ("toml", "a = 1", "", "needs a marker with a reason"),
    ("sh", "make demo", "no", "none of needs=stack"),
    ("sh", "make demo", "no, slow", "is no reason"),
    ("sh", "make demo", "later", "none of needs=stack"),
)


@pytest.mark.parametrize(("language", "text", "marker"), RIGHT)
def test_a_right_block_passes(language, text, marker):
    assert problems_of(Block(PAGE, 1, language, text, marker)) == []


@pytest.mark.parametrize(("language", "text", "marker", "said"), WRONG)
def test_a_wrong_block_is_found(language, text, marker, said):
    found = problems_of(Block(PAGE, 1, language, text, marker))
    assert len(found) == 1
    assert found[0].startswith("docs/page.md:1: ")
    assert said in found[0]


def test_a_block_that_is_not_closed_is_found():
    (block,) = blocks_in(PAGE, "```sh\nmake demo\n")
    assert problems_of(block) != []


def test_a_named_file_that_is_not_there_is_found():
    text = "`api/openapi.py`, tests/nothing.py, `docs/<x>/y.md` and api/*.py"
    assert missing_files(PAGE, text, ROOT) == ["docs/page.md: tests/nothing.py does not exist"]
