"""Work beside the requests: ends with the application, and survives its own defects."""

import asyncio

from api.background import in_background


async def test_work_ends_with_its_block():
    begun, ended = asyncio.Event(), []

    async def work():
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with in_background(work):
        await begun.wait()
    assert ended == [True]


async def test_a_defect_is_logged_and_the_work_begins_again(caplog):
    begun, again = [], asyncio.Event()

    async def work():
        begun.append(True)
        if len(begun) == 1:
            raise ZeroDivisionError("a defect")
        again.set()

    async with in_background(work, again_s=0):
        await again.wait()
    assert "begins again" in caplog.text
