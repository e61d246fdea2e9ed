"""Problems that many endpoints may answer with."""

from api import problems

BODY_PROBLEMS = (
    problems.MALFORMED, problems.INVALID, problems.TOO_SLOW, problems.TOO_LARGE,
    problems.UNSUPPORTED_TYPE,
)  # fmt: skip
READ_PROBLEMS = (problems.INVALID, problems.TOO_LARGE, problems.UNAVAILABLE)
