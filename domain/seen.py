"""What a viewer did with one title, as profiles, models and the API read it."""

from typing import NamedTuple


class Seen(NamedTuple):
    """What a viewer did with one title.

    ``at_ms`` is when last, ``evidence`` (0-1) how much it says. ``engaged``: watched or rated, not
    only decided about (dismissed, say). ``watched``: far enough to say something.
    """

    at_ms: int
    evidence: float
    engaged: bool
    watched: bool = False
