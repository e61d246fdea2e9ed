"""What can be called next with an answer that names titles."""

from api.endpoint import Link

_FIRST = "$response.body#/entries/0/content_id"

TO_CONTENT = Link(
    operation="get_content",
    description="The first title.",
    parameters={"content_id": _FIRST},
)
TO_SIMILAR = Link(
    operation="get_similar",
    description="Titles that are similar to the first one.",
    parameters={"content_id": _FIRST},
)
TO_FEATURES = Link(
    operation="get_content_features",
    description="How the first title does with those who start it.",
    parameters={"content_id": _FIRST},
)
TO_EXPLANATION = Link(
    operation="get_explanation",
    description="Why the first title is there.",
    parameters={"user": "$response.body#/user_id", "content_id": _FIRST},
)
TO_NEXT_PAGE = Link(
    operation="get_history",
    description="The next page.",
    parameters={
        "user": "$response.body#/user_id",
        "cursor": "$response.body#/next_cursor",
    },
)

_PARTNER = {"partner": "$response.body#/partner"}
TO_NEW_PARTNER = Link(operation="get_partner", description="The partner.", parameters=_PARTNER)
TO_PARTNER_CHANGE = Link(
    operation="patch_partner", description="Change the partner.", parameters=_PARTNER
)
TO_ROTATION = Link(
    operation="post_rotation", description="Give it a newer secret.", parameters=_PARTNER
)
TO_FIRST_PARTNER = Link(
    operation="get_partner",
    description="The first partner, with the fingerprints of its keys.",
    parameters={"partner": "$response.body#/partners/0/partner"},
)
TO_MORE_PARTNERS = Link(
    operation="get_partners",
    description="The next page.",
    parameters={"after": "$response.body#/next_after"},
)
TO_LETTER = Link(
    operation="get_dead_letter",
    description="The first letter, with its bytes.",
    parameters={"dead_letter_id": "$response.body#/dead_letters/0/dead_letter_id"},
)
TO_MORE_LETTERS = Link(
    operation="get_dead_letters",
    description="The next page.",
    parameters={"cursor": "$response.body#/next_cursor"},
)
TO_REVOCATION = Link(
    operation="post_revocation",
    description="Revoke the key.",
    parameters={"key_id": "$response.body#/key_id"},
)
TO_MORE_KEYS = Link(
    operation="get_keys",
    description="The next page.",
    parameters={"cursor": "$response.body#/next_cursor"},
)
TO_ERASURE = Link(
    operation="get_erasure",
    description="How far the erasure is.",
    parameters={"user": "$request.path.user"},
)
TO_EARLIER_ENTRIES = Link(
    operation="get_audit",
    description="The next page.",
    parameters={"before": "$response.body#/next_before"},
)
