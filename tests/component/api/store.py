"""What every double of a store shares."""

import asyncio


class Store:
    def __init__(self, database):
        self.database = database

    async def answer(self):
        """Never return while the database is frozen, like a statement on a stopped Postgres."""
        if self.database.frozen:
            await asyncio.Event().wait()
