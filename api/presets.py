"""Which completion preset an event gets: by partner, else by content type, else the default."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.watch.presets import BY_NAME, for_content_type
from infra.postgres.contents import ContentFacts
from infra.settings import Settings, SettingsError

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class PresetRules:
    """The two settings, read."""

    by_type: Mapping[str, str]
    by_partner: Mapping[str, str]

    @classmethod
    def from_settings(cls, settings: Settings) -> "PresetRules":
        """Read ``preset_by_type`` and ``preset_by_partner``.

        Raises:
            SettingsError: not ``name=preset,name=preset``, or there is no such preset.
        """
        return cls(read(settings.preset_by_type), read(settings.preset_by_partner))

    def preset_of(self, facts: ContentFacts | None) -> str:
        """Return the preset for a content; of several partners the first by name decides."""
        if facts is None:
            return DEFAULT
        for partner in facts.partners:
            if partner in self.by_partner:
                return for_content_type(self.by_partner[partner], facts.type)
        return for_content_type(self.by_type.get(facts.type, DEFAULT), facts.type)


def read(text: str) -> dict[str, str]:
    """Return the pairs of ``name=preset,name=preset``.

    >>> read("movie=trakt, episode=kodi")
    {'movie': 'trakt', 'episode': 'kodi'}
    """
    pairs: dict[str, str] = {}
    for part in filter(None, (item.strip() for item in text.split(","))):
        name, _, preset = (piece.strip() for piece in part.partition("="))
        if not name or preset not in BY_NAME:
            known = ", ".join(sorted(BY_NAME))
            raise SettingsError(f"{part!r}: expected name=preset with a preset of {known}")
        pairs[name] = preset
    return pairs
