"""The shape of a ``kid``: what may be looked up, in a map or a table. Nothing else is a key id."""

import re
from typing import TypeGuard

# Azure, Auth0, Keycloak and Google use base64url or hexadecimal; some put a date or a version in.
KEY_ID = re.compile(r"[A-Za-z0-9_.:=+-]{1,128}", re.ASCII)


def is_key_id(value: object) -> TypeGuard[str]:
    """Whether ``value`` has the shape of a key id.

    A path (``../``), a quote or white space is none of it.
    """
    return isinstance(value, str) and KEY_ID.fullmatch(value) is not None and ".." not in value
