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
    """Judges attempts from lists of everything that happened since the last success."""

    def __init__(self, secret: bytes, recovery: set[bytes]) -> None:
        self.secret = secret
        self.recovery = set(recovery)
        self.used_steps: list[int] = []
        self.failures: list[tuple[int, int]] = []  # (time, lockouts before it)
        self.locks: list[tuple[int, float]] = []  # (from, until)

    def attempt(
        self, password_is_right: bool, code: str | None, recovery: bytes | None, now_ms: int
    ) -> str:
        """Return the outcome's name of one attempt."""
        if any(now_ms < until for _, until in self.locks):
            return "locked"
        outcome = self._proof(password_is_right, code, recovery, now_ms)
        if outcome == "accepted":
            self.failures.clear()
            self.locks.clear()
            return outcome
        self.failures.append((now_ms, len(self.locks)))
        close = [
            at for at, lockouts in self.failures
            if at > now_ms - MINUTE_MS and lockouts == len(self.locks)
        ]  # fmt: skip
        if len(self.failures) >= 100:
            self.locks.append((now_ms, float("inf")))
        elif len(close) >= 5:
            minutes = min(15 * 2 ** len(self.locks), 24 * 60)
            self.locks.append((now_ms, now_ms + minutes * MINUTE_MS))
        return outcome

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
