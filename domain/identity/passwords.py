"""What a password must be: length, not a common one, not the operator's name.

OWASP ASVS 5, section 6.2, and NIST SP 800-63B-4, section 3.1.1: at least 15 characters, no rules
of composition, at least 64 allowed, taken as it is. Lists of leaked passwords hold few of 15
characters and more, mostly repetitions, runs and joined common words. So what is refused here is a
short list of such words and these three patterns: it is no list of leaked passwords.
"""

import re

LENGTH_MIN = 15
LENGTH_MAX = 256
NAME_MIN = 3  # a name of two letters is in every other password
DIFFERENT_MIN = 6  # characters; "aaaaaabbbbbbccc" has three
UNIT_MAX = 8  # of a repetition: "password" twice, "1234" four times
RUN_MIN = 8  # neighbours in one of ``RUNS``, either way
RUNS = (
    "abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiop", "asdfghjkl", "zxcvbnm",
    "qwertzuiop", "azertyuiop", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc4rfv5tgb",
)  # fmt: skip
COMMON_WORDS = (
    "password", "passwort", "passphrase", "secret", "welcome", "letmein", "changeme", "default",
    "administrator", "admin", "root", "operator", "login", "user", "guest", "test", "master",
    "media", "gateway", "iloveyou", "princess", "sunshine", "football", "baseball", "monkey",
    "dragon", "superman", "batman", "starwars", "trustno", "qwerty", "summer", "winter", "spring",
    "autumn", "hello", "company", "temporary", "correcthorsebatterystaple", "is", "my", "the", "me",
    "please", "let", "in", "and", "you", "love", "new", "this", "not", "a", "i",
)  # fmt: skip
_LEET = str.maketrans("01345@$!7", "oleasasit")
_ONLY_COMMON = re.compile(f"(?:{'|'.join(sorted(COMMON_WORDS, key=len, reverse=True))})+")


def problems(password: str, operator: str) -> list[str]:
    """Return what is wrong with a new password of the operator with this name; nothing is good."""
    found = []
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        found.append(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if not _is_text(password):
        found.append("a password is text without control characters")
    flat = password.casefold()
    if len(operator) >= NAME_MIN and operator.casefold() in flat:
        found.append("a password does not contain the operator's name")
    if _is_common(flat):
        found.append(
            "this password is too common: choose several words that do not belong together"
        )
    return found


def _is_text(password: str) -> bool:
    """Whether it can be encoded, and typed."""
    return all(character.isprintable() for character in password)


def _is_common(flat: str) -> bool:
    if len(set(flat)) < DIFFERENT_MIN or _repeats(flat) or _is_run(flat):
        return True
    return any(
        _ONLY_COMMON.fullmatch("".join(filter(str.isalpha, text)))
        for text in (flat, flat.translate(_LEET))
    )


def _repeats(flat: str) -> bool:
    """Whether it is a unit of up to ``UNIT_MAX`` characters, again and again."""
    return any(
        flat == (flat[:size] * len(flat))[: len(flat)] for size in range(1, UNIT_MAX + 1)
    )  # fmt: skip


def _is_run(flat: str) -> bool:
    """Whether runs along the alphabet, the digits or a keyboard leave less than half of it."""
    left = flat
    for run in RUNS:
        for line in (run, run[::-1]):
            for size in range(min(len(line), len(left)), RUN_MIN - 1, -1):
                for start in range(len(line) - size + 1):
                    left = left.replace(line[start : start + size], "")
    return 2 * len(left) < len(flat)
