"""Passwords -> Argon2id hashes, off the event loop, a few at a time.

One hash takes 46 MiB and some 50 ms of a core. Two run at once and eight wait; who comes then is
refused at once (``HashingBusy``): a flood of logins can take neither the memory nor the process.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from argon2 import Parameters, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION, Type, hash_secret, hash_secret_raw, verify_secret

AT_ONCE = 2
WAITING_MAX = 8
SALT_BYTES = 16
HASH_BYTES = 32

Result = TypeVar("Result")


class Cost(NamedTuple):
    """Parameters of Argon2id: memory in KiB, passes, lanes."""

    memory_kib: int
    passes: int
    lanes: int


# OWASP's Password Storage Cheat Sheet and ASVS 5, appendix C, ask for 46 MiB and one pass, or for
# 19 MiB and two. This is both.
COST = Cost(memory_kib=46 * 1024, passes=2, lanes=1)


class HashingBusy(RuntimeError):
    """Too many hashes are waiting; nothing was computed."""


class PasswordHashing:
    """Hashes and verifies; one object a process."""

    def __init__(self, cost: Cost = COST) -> None:
        self._cost = cost
        self._executor = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._unfinished = 0
        # Verified for names that do not exist, so that they take as long as those that do.
        self._nobody = self._hash(secrets.token_hex(HASH_BYTES))

    async def hash(self, password: str) -> str:
        """Return the text to store: parameters, salt and hash.

        Raises:
            HashingBusy: see the module.
        """
        return await self._queue(lambda: self._hash(password))

    async def is_right(self, password: str, stored: str | None) -> bool:
        """Whether ``password`` has this stored hash; None: nobody's, at the same cost.

        Raises:
            HashingBusy: see the module.
        """
        against = self._nobody if stored is None else stored
        right = await self._queue(lambda: _verify(password, against))
        return right and stored is not None

    async def hash_recovery(self, codes: list[str], salt: bytes) -> list[bytes]:
        """Return the hashes of recovery codes, 32 bytes each, all with the operator's ``salt``.

        One salt for all codes of an operator: a code given is hashed once and looked up. Codes have
        39 bits, so their hash must be as slow as a password's (ASVS 5, 6.5.2).

        Raises:
            HashingBusy: see the module.
        """
        return await self._queue(lambda: [self._raw(code, salt) for code in codes])

    def is_outdated(self, stored: str) -> bool:
        """Whether a stored hash was made with other parameters than today's."""
        wanted = Parameters(
            type=Type.ID, version=ARGON2_VERSION, salt_len=SALT_BYTES, hash_len=HASH_BYTES,
            time_cost=self._cost.passes, memory_cost=self._cost.memory_kib,
            parallelism=self._cost.lanes,
        )  # fmt: skip
        return extract_parameters(stored) != wanted

    def close(self) -> None:
        """End the threads; what is waiting is not computed."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    async def _queue(self, work: Callable[[], Result]) -> Result:
        if self._unfinished >= AT_ONCE + WAITING_MAX:
            raise HashingBusy("too many passwords are being checked")
        self._unfinished += 1
        future = asyncio.get_running_loop().run_in_executor(self._executor, work)
        # When the work ends, not when its caller gives up: a thread cannot be cancelled.
        future.add_done_callback(self._finished)
        return await asyncio.shield(future)

    def _finished(self, done: "asyncio.Future[Result]") -> None:
        self._unfinished -= 1
        if not done.cancelled():
            done.exception()  # its caller may have given up

    def _hash(self, password: str) -> str:
        salt = secrets.token_bytes(SALT_BYTES)
        memory, passes, lanes = self._cost
        encoded = hash_secret(password.encode(), salt, passes, memory, lanes, HASH_BYTES, Type.ID)
        return encoded.decode()

    def _raw(self, code: str, salt: bytes) -> bytes:
        memory, passes, lanes = self._cost
        return hash_secret_raw(code.encode(), salt, passes, memory, lanes, HASH_BYTES, Type.ID)


def _verify(password: str, stored: str) -> bool:
    try:
        return verify_secret(stored.encode(), password.encode(), Type.ID)
    except (VerificationError, InvalidHashError):
        return False
