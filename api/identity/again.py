"""Whether the caller may still call when a body that came slowly is here.

Who may call is decided before the body, and a sender may take seconds over it. Meanwhile a key may
have been revoked, or a session ended.
"""

from starlette.requests import Request

from api.identity.access import Access
from api.identity.principal import admit

# A key is believed for 3 s after it was read. With what a body may take unnoticed, a revoked one is
# still refused within the 5 s that are promised.
UNNOTICED_S = 1.0
ACCESS = "media_gateway.access"


async def admit_again(request: Request, waited_s: float) -> None:
    """Decide anew about a request whose body has made us wait.

    What operators change is besides bound to their session, in the transaction of the change.

    Raises:
        ProblemError: as of ``admit``.
    """
    access: Access | None = request.scope.get(ACCESS)
    if access is not None and waited_s > UNNOTICED_S:
        await admit(request, access)
