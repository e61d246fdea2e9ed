"""Compiled loops give the bytes of the same loops run by Python, which checks every index."""

import os
import subprocess
import sys

from tests.architecture.rules.files import ROOT

SCRIPT = """
import sys
from domain.ranking.scoring import Ranker
from domain.slates import SlateRules, Viewer, build_slates
from domain.sources.registry import first_model
from tests.support.ranking import EPISODES, TITLES, completed, random_side

side = random_side()
names = [*TITLES, *EPISODES]
viewers = [Viewer(f"u{n}", completed(*names[n : 3 * n : 2])) for n in range(0, 25, 3)]
rules = SlateRules(size=12, ttl_s=60, diversity=0.7, exploration=0.2)
for slate in build_slates(Ranker(side, first_model()), viewers, rules, 1):
    sys.stdout.buffer.write(slate.value + b"\\n")
"""


def slates(**environment: str) -> list[bytes]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=os.environ | environment,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr.decode()[-3000:]
    return run.stdout.splitlines()


def test_compiled_slates_are_those_of_python() -> None:
    compiled = slates()
    assert len(compiled) == 9
    assert all(b'"entries":[{' in each for each in compiled[1:])
    assert slates(NUMBA_DISABLE_JIT="1") == compiled
