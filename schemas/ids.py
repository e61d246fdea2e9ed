"""Identifier rules shared by every schema.

Identifiers become Kafka keys, URL segments and SQL keys, so the alphabet is small on purpose:
ASCII letters, digits and ``. _ : @ -``, starting with a letter or digit. ``|`` stays free: it joins
the parts of a composite key (see ``topics.spec``).
"""

import re
from typing import Annotated

from pydantic import StringConstraints

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:@\-]*$"
ID_LENGTH_MAX = 64
KEY_SEPARATOR = "|"

Identifier = Annotated[
    str, StringConstraints(pattern=ID_PATTERN, min_length=1, max_length=ID_LENGTH_MAX)
]
UserId = Identifier
ContentId = Identifier
EventId = Identifier
SessionId = Identifier
DeviceId = Identifier
PARTNER_PATTERN = re.compile(r"[a-z0-9][a-z0-9\-]{0,39}", re.ASCII)
PartnerId = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9\-]*$", min_length=1, max_length=40)
]
RegionCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
