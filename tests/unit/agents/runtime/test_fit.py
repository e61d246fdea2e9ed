"""The process in which a model is fitted."""

import logging
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

from agents.runtime.fit import enter_fitting_process
from infra.settings import Settings


def level_and_niceness() -> tuple[int, int]:
    return logging.getLogger().level, os.nice(0)


def test_a_fitting_process_logs_as_its_worker_does_and_yields_to_it() -> None:
    executor = ProcessPoolExecutor(
        max_workers=1,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=enter_fitting_process,
        initargs=(os.getpid(), 1, Settings(log_level="DEBUG")),
    )
    with executor:
        level, niceness = executor.submit(level_and_niceness).result(timeout=60)
    assert level == logging.DEBUG
    assert niceness == min(19, os.nice(0) + 1)
