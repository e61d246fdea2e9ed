"""What can be called next with an answer: of the title, partner, letter or page that it names."""

from api.endpoint import Link


def _with(operation: str, description: str, **places: str) -> Link:
    """Return a link whose parameters are taken from these places of the answer's body."""
    parameters = {name: f"$response.body#/{place}" for name, place in places.items()}
    return Link(operation=operation, description=description, parameters=parameters)


_FIRST, _NEXT_PAGE = "entries/0/content_id", "The next page."

TO_CONTENT = _with("get_content", "The first title.", content_id=_FIRST)
TO_SIMILAR = _with("get_similar", "Titles that are similar to the first one.", content_id=_FIRST)
TO_FEATURES = _with(
    "get_content_features", "How the first title does with those who start it.", content_id=_FIRST
)
TO_EXPLANATION = _with(
    "get_explanation", "Why the first title is there.", user="user_id", content_id=_FIRST
)
TO_NEXT_PAGE = _with("get_history", _NEXT_PAGE, user="user_id", cursor="next_cursor")

TO_NEW_PARTNER = _with("get_partner", "The partner.", partner="partner")
TO_PARTNER_CHANGE = _with("patch_partner", "Change the partner.", partner="partner")
TO_ROTATION = _with("post_rotation", "Give it a newer secret.", partner="partner")
TO_FIRST_PARTNER = _with(
    "get_partner",
    "The first partner, with the fingerprints of its keys.",
    partner="partners/0/partner",
)
TO_MORE_PARTNERS = _with("get_partners", _NEXT_PAGE, after="next_after")

TO_LETTER = _with(
    "get_dead_letter",
    "The first letter, with its bytes.",
    dead_letter_id="dead_letters/0/dead_letter_id",
)
TO_MORE_LETTERS = _with("get_dead_letters", _NEXT_PAGE, cursor="next_cursor")
TO_REVOCATION = _with("post_revocation", "Revoke the key.", key_id="key_id")
TO_MORE_KEYS = _with("get_keys", _NEXT_PAGE, cursor="next_cursor")
TO_EARLIER_ENTRIES = _with("get_audit", _NEXT_PAGE, before="next_before")

TO_ERASURE = Link(
    operation="get_erasure",
    description="How far the erasure is.",
    parameters={"user": "$request.path.user"},
)
