"""What the demo remembers in its data directory, so that it can be run again on it.

The anchor keeps timestamps, and so the posted bytes, the same; the gateway shows secrets and keys
only once, so they are kept here, readable by their owner alone.
"""

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import orjson

FILE_NAME = "demo.json"


@dataclass(slots=True)
class Memory:
    """What runs before this one made.

    ``anchor_ms`` is the wall-clock start of the first one, ``size`` how much was posted by the
    newest one that came to its end.
    """

    anchor_ms: int
    partner_secrets: dict[str, str] = field(default_factory=dict)
    api_key: str = ""
    size: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, data_dir: Path, *, now_ms: int) -> "Memory":
        """Read the memory of ``data_dir``, or start one that is anchored at ``now_ms``."""
        path = data_dir / FILE_NAME
        return cls(**orjson.loads(path.read_bytes())) if path.is_file() else cls(now_ms)

    def save(self, data_dir: Path) -> None:
        """Write it, whole or not at all."""
        data_dir.mkdir(parents=True, exist_ok=True)
        draft = data_dir / (FILE_NAME + ".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))
        draft.replace(data_dir / FILE_NAME)
