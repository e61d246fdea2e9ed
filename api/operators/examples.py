"""Examples of the OpenAPI document for what operators call."""

from typing import Any

Json = dict[str, Any]

PASSWORD = "kestrel orbits the violet lamp"  # noqa: S105 - of the document
LOGIN: Json = {"name": "ada", "password": PASSWORD, "code": "492039"}
RECOVERY: Json = {"name": "ada", "password": PASSWORD, "recovery_code": "7KQ2-MXWB"}
STEP_UP: Json = {"code": "287082"}
SESSION: Json = {
    "name": "ada",
    "role": "admin",
    "started_at": "2026-01-01T20:15:00.250Z",
    "ends_at": "2026-01-02T08:15:00.250Z",
    "idle_minutes": 30,
    "code_is_recent_until": "2026-01-01T20:20:00.250Z",
}
TOKEN: Json = {**SESSION, "token": "mg_op_" + "x" * 43}
ENDED: Json = {"ended": 1}
CODES: Json = {"codes": ["2GH4KMNP", "7KQ2MXWB", "Z8T3RVYC"]}
AUDIT: Json = {
    "entries": [
        {
            "actor_kind": "operator",
            "actor": "ada",
            "action": "operator.login",
            "subject": "ada",
            "at_ms": 1767298560120,
            "request_id": "8f14e45fceea4670a2b6d8d1c0a0f3a1",
            "source": "203.0.113.7",
            "sequence": 2,
            "prev_sha256": "9513009551e1196a4875451a038f2cfb6f0e5d20ab92de9cd24ec7ff839d025e",
            "entry_sha256": "404ebab44e10ff73daa786df182cee2261cfaeddd2d878eb734c42d9cb7f5b5c",
        }
    ],
    "next_before": 2,
}
