"""What a password must be: length, hard to guess, not the operator's name.

OWASP ASVS 5, section 6.2, and NIST SP 800-63B-4, section 3.1.1: at least 15 characters, no rules
of composition, at least 64 allowed, taken as it is; none that is common or leaked. ``zxcvbn`` knows
30,000 leaked passwords, the words and names that people use, what they replace letters with,
keyboards, runs, repetitions and dates, and estimates how many guesses a password takes that is put
together of these (Wheeler, USENIX Security 2016). So what was leaked is refused also where it was
made longer, which a list of leaked passwords would not find.
"""

from zxcvbn import zxcvbn

LENGTH_MIN = 15
LENGTH_MAX = 256
NAME_MIN = 3  # a name of two letters is in every other password
GUESSES_LOG10_MIN = 10  # "very unguessable" of zxcvbn's five classes
# Characters: the time grows with the square. Of 72, the worst seen (digits and signs that may stand
# for letters) took 3 s; only commands ask.
ESTIMATED_MAX = 72
# What everybody thinks of first who has to log in here, or has read one comic strip.
OBVIOUS = (
    "media", "gateway", "mediagateway", "admin", "administrator", "operator", "passphrase",
    "correcthorsebatterystaple",
)  # fmt: skip


def problems(password: str, operator: str) -> list[str]:
    """Return what is wrong with a new password of the operator with this name; nothing is good."""
    found = []
    if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
        found.append(f"a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if not _is_text(password):
        found.append("a password is text without control characters")
    if len(operator) >= NAME_MIN and operator.casefold() in password.casefold():
        found.append("a password does not contain the operator's name")
    if _is_common(password):
        found.append(
            "this password is too common: choose several words that do not belong together"
        )
    return found


def _is_text(password: str) -> bool:
    """Whether it can be encoded, and typed."""
    return all(character.isprintable() for character in password)


def _is_common(password: str) -> bool:
    """Whether it takes few guesses, as it is or without what stands between its words."""
    joined = "".join(filter(str.isalnum, password))
    return min(map(_guesses_log10, (password, joined or password))) < GUESSES_LOG10_MIN


def _guesses_log10(password: str) -> float:
    if not password:
        return 0.0
    part = password[:ESTIMATED_MAX]
    return float(zxcvbn(part, OBVIOUS, max_length=ESTIMATED_MAX)["guesses_log10"])
