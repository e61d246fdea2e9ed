"""The addresses and ready-to-paste commands that the demo ends with."""


def curl_lines(*, api_url: str, api_key: str, user_id: str, content_id: str) -> list[str]:
    """Return one shell command per thing to try; each can be pasted as it is."""
    auth = f"-H 'Authorization: Bearer {api_key}'"
    json = "-H 'Content-Type: application/json'"
    user = f"{api_url}/api/v1/users/{user_id}"
    event = (
        f'{{"event_id":"mine-1","user_id":"{user_id}","content_id":"{content_id}",'
        f'"session_id":"mine","device_id":"mine","state":"ended","position_s":6000,'
        f'"duration_s":6000,"played_from_s":0,"played_to_s":6000,'
        f'"occurred_at":"\'$(date -u +%Y-%m-%dT%H:%M:%SZ)\'"}}'
    )
    return [
        f"curl -s {auth} '{user}/recommendations?limit=10'",
        f"curl -s {auth} {json} -d '{event}' {api_url}/api/v1/progress",
        f"curl -s {auth} '{user}/recommendations?limit=10&after_event=mine-1'",
        f"curl -s {auth} {user}/continue-watching",
        f"curl -s {auth} {user}/history",
        f"curl -s {auth} '{api_url}/api/v1/content/{content_id}/similar?by=cowatch'",
        f"curl -s {auth} '{api_url}/api/v1/content/{content_id}/similar?by=themes'",
        f"curl -s {auth} {api_url}/api/v1/trending",
        f"curl -s {api_url}/readyz",
        f"curl -s {api_url}/metrics",
    ]
