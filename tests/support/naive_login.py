"""A second, naive account: keeps the whole history and reads every answer off it anew."""

import hashlib
import hmac
import struct

MINUTE_MS = 60_000


def naive_code(secret: bytes, step: int) -> str:
    """Return the code of a step, written down from RFC 4226, section 5.3."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[19] & 15
    (number,) = struct.unpack(">I", digest[offset : offset + 4])
    return f"{(number & 0x7FFFFFFF) % 1_000_000:06d}"


class NaiveAccount:
    """Judges attempts from a list of everything that happened."""

    def __init__(self, secret: bytes, recovery: set[bytes]) -> None:
        self.secret = secret
        self.recovery = set(recovery)
        self.used_steps: list[int] = []
        self.history: list[tuple[int, bool, bool]] = []  # (time, familiar, accepted)
        self.locks: dict[bool, list[float]] = {True: [], False: []}  # until when, by familiar

    def attempt(
        self,
        password_is_right: bool,
        code: str | None,
        recovery: bytes | None,
        now_ms: int,
        familiar: bool,
    ) -> str:
        """Return the outcome's name of one attempt."""
        if self._is_locked(familiar, now_ms) or sum(map(len, self._close(now_ms))) >= 5:
            return "locked"
        outcome = self._proof(password_is_right, code, recovery, now_ms)
        self.history.append((now_ms, familiar, outcome == "accepted"))
        if outcome == "accepted":
            self.locks[familiar].clear()
            return outcome
        if self._in_a_row(familiar) >= 45:
            self.locks[familiar].append(float("inf"))
        strange, known = self._close(now_ms)
        if len(strange) + len(known) >= 5:
            most = len(known) > len(strange)
            if not self._is_locked(most, now_ms):
                minutes = min(15 * 2 ** len(self.locks[most]), 24 * 60)
                self.locks[most].append(now_ms + minutes * MINUTE_MS)
        return outcome

    def _is_locked(self, familiar: bool, now_ms: int) -> bool:
        return any(now_ms < until for until in self.locks[familiar])

    def _close(self, now_ms: int) -> tuple[list[int], list[int]]:
        """Return when strange and familiar ones failed: within a minute, since their success."""
        found: tuple[list[int], list[int]] = ([], [])
        for at, familiar, accepted in self.history:
            if accepted:
                found[familiar].clear()
            elif at > now_ms - MINUTE_MS:
                found[familiar].append(at)
        return found

    def _in_a_row(self, kind: bool) -> int:
        count = 0
        for _, familiar, accepted in self.history:
            count = 0 if accepted else count + (familiar == kind)
        return count

    def _proof(
        self, password_is_right: bool, code: str | None, recovery: bytes | None, now_ms: int
    ) -> str:
        if not password_is_right:
            return "wrong_password"
        if code is None:
            if recovery not in self.recovery:
                return "wrong_code"
            self.recovery.remove(recovery)
            return "accepted"
        now = now_ms // 30_000
        steps = [step for step in (now - 1, now, now + 1) if naive_code(self.secret, step) == code]
        if not steps:
            return "wrong_code"
        if any(step <= used for step in steps for used in self.used_steps):
            return "replayed"
        self.used_steps += steps
        return "accepted"
