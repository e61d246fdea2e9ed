"""What every mapper reads, as data: the table for partners is made of it.

The mappers stay code. A test feeds each of them what is declared here and sees that it reads these
fields and no other, takes and refuses values of these kinds, and makes of them what is said.
"""

from typing import Any, NamedTuple

from domain.catalogue.identity import PARTNER_CONTENT_ID_MAX
from domain.catalogue.mapped import CAST_MAX, NAMES_MAX
from domain.catalogue.read import MINUTES_MAX, WINDOWS_MAX
from schemas.content import OFFERS

TEXT = "text"
CHOICE = "text, one of these"
URL = "text, an absolute http or https address"
WHOLE = "whole number, or its digits as text"
MINUTES = "whole minutes, or their digits as text"
NAMES = "list of texts, or one text with commas"
OWN_ID = f"text of 1 to {PARTNER_CONTENT_ID_MAX} characters, or whole number"
DATE = "text like 2013-06-24"
DURATION = "text like 90 min or 2 Seasons"
MOMENT = "text, RFC 3339 with a zone"
IMDB, TMDB, EIDR = "text like tt0114709", "text like movie-862 or tv-1396", "text, an EIDR"
WINDOWS = "list of objects, see below"

ALWAYS, ADDED, AVAILABILITY = "always", "content_added", "availability_changed"
ID = "your id of the title"
_CAST = f"the first {CAST_MAX} count, each cut at 200 characters"
_NAMES = f"the first {NAMES_MAX} count, each cut at 200 characters"
_GENRES = f"the first {NAMES_MAX} count; mapped to our 18 genres, unknown names are left out"
_MINUTES = f"0 to {MINUTES_MAX}"
_WINDOWS = f"at most {WINDOWS_MAX}; absent: nothing is said; [] nobody may see the title"


class Field(NamedTuple):
    """One field of a payload.

    ``name`` is its place: ``network.country.code``, ``cast[].name``. ``becomes`` is the canonical
    field. ``limit`` is what holds beyond the canonical schema, or instead of it. ``needed`` are the
    events that are refused without it; other fields may be absent, null or empty.
    """

    name: str
    kind: str
    example: Any
    becomes: str
    limit: str | None = None
    needed: str = ""


class Shape(NamedTuple):
    """One shape of payload; a mapper with several kinds of payload has several."""

    mapper: str
    about: str
    fields: tuple[Field, ...]


_OFFERED = Field("availability", WINDOWS, [], "availability", _WINDOWS, AVAILABILITY)
# Of one object in ``availability``, in every shape.
WINDOW = (
    Field("region", TEXT, "DE", "region"),
    Field("from", MOMENT, "2026-01-31T18:00:00Z", "from_at_ms", "absent: from ever"),
    Field("until", MOMENT, "2027-01-31T18:00:00Z", "until_at_ms",
          "later than from; absent: for ever"),
    Field("from_at_ms", WHOLE, 1769882400000, "from_at_ms", "Unix milliseconds, instead of from"),
    Field("until_at_ms", WHOLE, 1801418400000, "until_at_ms",
          "Unix milliseconds, instead of until"),
    Field("offer", CHOICE, "rent", "offer", f"{', '.join(OFFERS)}; absent: subscription"),
    Field("price_minor", WHOLE, 399, "price_minor"),
    Field("currency", TEXT, "EUR", "currency"),
)  # fmt: skip
_GENERIC = (
    Field("id", OWN_ID, "A-1", ID, "the same for ever", ALWAYS),
    Field("type", CHOICE, "movie", "type", needed=ADDED),
    Field("title", TEXT, "Metropolis", "title", needed=ADDED),
    Field("overview", TEXT, "A city.", "overview"),
    Field("release_year", WHOLE, 1927, "release_year"),
    Field("runtime_s", WHOLE, 9180, "runtime_s"),
    Field("genres", NAMES, ["Science Fiction"], "genres", _GENRES),
    Field("cast", NAMES, ["Brigitte Helm"], "cast", _CAST),
    Field("directors", NAMES, ["Fritz Lang"], "directors", _NAMES),
    Field("themes", NAMES, ["robots"], "themes", _NAMES),
    Field("moods", NAMES, ["dark"], "moods", _NAMES),
    Field("language", TEXT, "de", "language"),
    Field("countries", NAMES, ["DE"], "countries", _NAMES),
    Field("maturity_rating", TEXT, "PG", "maturity_rating"),
    Field("image_url", URL, "https://example.org/a.jpg", "image_url"),
    Field("series_id", OWN_ID, "S-1", "series_id", "your id of its series"),
    Field("season_number", WHOLE, 1, "season_number"),
    Field("episode_number", WHOLE, 2, "episode_number"),
    Field("version_of", OWN_ID, "A-0", "version_of", "your id of the title it is another cut of"),
    Field("external_ids.imdb", IMDB, "tt0017136", "external_ids", "null takes it back"),
    Field("external_ids.tmdb", TMDB, "movie-19", "external_ids", "null takes it back"),
    Field("external_ids.eidr", EIDR, "10.5240/7791-8534-2C23-9030-8610-5", "external_ids",
          "null takes it back"),
    _OFFERED,
)  # fmt: skip
_FILM = (
    Field("imdbID", IMDB, "tt0017136", ID, "also the external identifier imdb", ALWAYS),
    Field("Title", TEXT, "Metropolis", "title", needed=ADDED),
    Field("Consensus", TEXT, "A city.", "overview"),
    Field("Year", WHOLE, "1927", "release_year"),
    Field("Runtime", MINUTES, "153", "runtime_s", _MINUTES),
    Field("Genre", NAMES, "Drama, Sci-Fi", "genres", _GENRES),
    Field("Cast", NAMES, "Brigitte Helm", "cast", _CAST),
    Field("Director", NAMES, "Fritz Lang", "directors", _NAMES),
    Field("Keywords", NAMES, "robots", "themes", _NAMES),
    Field("Language", NAMES, "German, English", "language", "the first counts"),
    Field("Country", NAMES, "Germany", "countries", _NAMES),
    Field("Rating", TEXT, "PG", "maturity_rating"),
    Field("Image", URL, "https://example.org/a.jpg", "image_url"),
    _OFFERED,
)
_NETFLIX = (
    Field("show_id", OWN_ID, "s1", ID, "the same for ever", ALWAYS),
    Field("type", CHOICE, "Movie", "type", "Movie, TV Show", ADDED),
    Field("title", TEXT, "Metropolis", "title", needed=ADDED),
    Field("description", TEXT, "A city.", "overview"),
    Field("release_year", WHOLE, "1927", "release_year"),
    Field("duration", DURATION, "90 min", "runtime_s", "seasons: no runtime"),
    Field("listed_in", NAMES, "Dramas", "genres", _GENRES),
    Field("cast", NAMES, "Brigitte Helm", "cast", _CAST),
    Field("director", NAMES, "Fritz Lang", "directors", _NAMES),
    Field("country", NAMES, "Germany", "countries", _NAMES),
    Field("rating", TEXT, "PG", "maturity_rating"),
    _OFFERED,
)
_NAMED = (
    Field("id", OWN_ID, 82, ID, "counted apart for each kind: show-82", ALWAYS),
    Field("name", TEXT, "Pilot", "title", needed=ADDED),
    Field("summary", TEXT, "A town.", "overview", "tags are left out"),
    Field("language", TEXT, "English", "language"),
    Field("image.original", URL, "https://example.org/a.jpg", "image_url"),
    Field("image.medium", URL, "https://example.org/b.jpg", "image_url", "without image.original"),
    _OFFERED,
)
_PART = (
    *_NAMED,
    Field("show_id", OWN_ID, 82, "series_id", "the id of its show"),
    Field("runtime", MINUTES, 60, "runtime_s", _MINUTES),
)


def _kind(kind: str) -> Field:
    return Field("kind", CHOICE, kind, "type", kind, ALWAYS)


SHAPES = (
    Shape("generic", "Our own names. `null` clears a field, but not `type`, `title` and "
          "`availability`; an absent field stays as it is.", _GENERIC),
    Shape("film-catalogue", "One film; all names are those of OMDb.", _FILM),
    Shape("netflix-titles", "One film or series; a value may be an empty text.", _NETFLIX),
    Shape("series-catalogue", "A show.", (
        _kind("show"),
        *_NAMED,
        Field("premiered", DATE, "2013-06-24", "release_year"),
        Field("genres", NAMES, ["Drama"], "genres", _GENRES),
        Field("_embedded.cast[].person.name", TEXT, "Mike Vogel", "cast",
              f"the first {CAST_MAX} count"),
        Field("network.country.code", TEXT, "US", "countries"),
        Field("webChannel.country.code", TEXT, "US", "countries", "without one of the network"),
        Field("externals.imdb", IMDB, "tt1553656", "external_ids"),
    )),
    Shape("series-catalogue", "A season; with an empty `name` it is called by its `number`.", (
        _kind("season"),
        *_PART,
        Field("number", WHOLE, 1, "season_number"),
        Field("premiereDate", DATE, "2013-06-24", "release_year"),
    )),
    Shape("series-catalogue", "An episode.", (
        _kind("episode"),
        *_PART,
        Field("season", WHOLE, 1, "season_number"),
        Field("number", WHOLE, 1, "episode_number", "null: a special"),
        Field("airdate", DATE, "2013-06-24", "release_year"),
    )),
)  # fmt: skip
