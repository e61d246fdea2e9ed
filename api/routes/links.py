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
