"""Security events -> log lines, with the names of the OWASP Logging Vocabulary.

One line an event: ``authn_login_fail:ada``. Whatever comes from outside is escaped and cut, so that
no name can end a line, colour a terminal or look like another event.

Reference: https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html
"""

import logging
from enum import Enum

log = logging.getLogger("security")

PART_MAX = 100


class Event(Enum):
    """Events that are logged here; the value is the vocabulary's name and the level."""

    LOGIN = ("authn_login_success", logging.INFO)
    LOGIN_FAILED = ("authn_login_fail", logging.WARNING)
    LOGIN_LOCKED = ("authn_login_lock", logging.WARNING)
    CODE_REPLAYED = ("authn_token_reuse", logging.CRITICAL)
    SESSION_RENEWED = ("session_renewed", logging.INFO)
    SESSION_ENDED = ("authn_token_revoked", logging.INFO)
    FORBIDDEN = ("authz_fail", logging.CRITICAL)


def log_event(event: Event, *parts: str) -> None:
    """Log one event about ``parts``: the operator first, then what the vocabulary asks for."""
    name, level = event.value
    log.log(level, "%s:%s", name, ",".join(escape(part) for part in parts))


def escape(text: str) -> str:
    r"""Return text for one part of a line: printable ASCII but for ``,:\``, the rest as escapes.

    >>> escape("ada\r\nauthn_login_success:root")
    'ada\\x0d\\x0aauthn_login_success\\x3aroot'
    """
    return "".join(_escaped(character) for character in text[:PART_MAX])


def _escaped(character: str) -> str:
    plain = character.isascii() and character.isprintable() and character not in ",:\\"
    code = ord(character)
    if plain:
        return character
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
