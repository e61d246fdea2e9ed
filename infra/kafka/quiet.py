"""Logins stay out of the log.

At DEBUG aiokafka 0.14.0 logs each request whole; that of a login by PLAIN holds the password, those
of SCRAM enough to try passwords.
"""

import logging

from aiokafka.protocol.admin import SaslAuthenticateRequest

LOGGER = "aiokafka.conn"
SASL_AUTHENTICATE = SaslAuthenticateRequest.API_KEY


class _WithoutLogins(logging.Filter):
    """Drops lines about the requests and answers of a login."""

    def filter(self, record: logging.LogRecord) -> bool:
        arguments = record.args if isinstance(record.args, tuple) else ()
        return all(getattr(each, "API_KEY", None) != SASL_AUTHENTICATE for each in arguments)


_FILTER = _WithoutLogins()


def hide_logins() -> None:
    """Drop what would show a login; a second call changes nothing."""
    logging.getLogger(LOGGER).addFilter(_FILTER)
