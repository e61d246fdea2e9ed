"""Who was erased, of one partition: a cache of what the table of the ledger keeps of erasures."""

from agents.spec import TableView
from domain.watch.erasure import KEY_PREFIX, Erasure, table_key, unpack
from infra.security.pseudonyms import Pseudonyms


class Erasures:
    """Erasures by pseudonym; to be dropped when the table's writes are discarded."""

    def __init__(self, table: TableView, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._found: dict[str, Erasure] = {}
        for key in table.keys():  # noqa: SIM118 -- a table view is not a mapping
            if key.startswith(KEY_PREFIX) and (value := table.get(key)):
                self._found[key.removeprefix(KEY_PREFIX)] = unpack(value)

    def find(self, user_id: str) -> Erasure | None:
        """Return the newest erasure of a user; nothing is computed where nobody was erased."""
        if not self._found:
            return None
        found = [self._found.get(each) for each in self._pseudonyms.all_of(user_id)]
        return max((each for each in found if each is not None), default=None)

    def knows(self, pseudonym: str, user_id: str) -> bool:
        """Whether this is the pseudonym of a user, under any key that is set."""
        return pseudonym in self._pseudonyms.all_of(user_id)

    def put(self, table: TableView, pseudonym: str, erasure: Erasure) -> None:
        """Remember an erasure."""
        self._found[pseudonym] = erasure
        table.put(table_key(pseudonym), erasure.pack())
