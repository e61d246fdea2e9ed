"""Requests of administration: about what was made for the fuzzer, never about what others have.

``keep_off`` is for every request, also for one that shall be refused. ``fit`` makes of one that
shall be accepted one that can be, where a JSON schema cannot say what that is.
"""

import json

from api.parsing import IDENTIFIER_PATTERN
from infra.security.keys import APP_SCOPES, PARTNER_SCOPES, USER_SCOPES
from schemas.ids import ID_LENGTH_MAX
from tests.support.fuzzed_administration import PARTNER
from tests.support.signing import PUBLIC_KEY_TEXT

ACME = "acme"  # the example of the document, and a partner that its pages make
BEYOND = 2**52  # dead letters never have such ids


class Administration:
    """What may be changed: what was made for this run, and what the run makes itself."""

    def __init__(self, made):
        values = json.loads(made)
        self.partners = values["partners"]
        self.keys = values["keys"]
        self.letters = values["letters"]
        self.users = values["users"]
        self.others = [ACME, *values["others_partners"], *values["others_keys"]]
        self.turn = 0

    def keep_off(self, case):
        """Put what is the fuzzer's, or nobody's, in the place of what others have."""
        path, name = case.path_parameters or {}, name_of(case)
        for parameter, own in (("partner", self.partners), ("key_id", self.keys)):
            if path.get(parameter) in self.others:
                path[parameter] = own[0]
        if name == "post_erasure":
            path["user"] = self.own_user(path["user"])
        if not isinstance(case.body, dict):
            return
        if case.body.get("partner") in self.others:
            case.body["partner"] = PARTNER
        if isinstance(case.body.get("ids"), list):
            case.body["ids"] = [self.own_or_none(each) for each in case.body["ids"]]

    def own_user(self, value):
        """Return a user that nobody else has; what names no user stays."""
        names_one = IDENTIFIER_PATTERN.fullmatch(value) and len(value) <= ID_LENGTH_MAX
        foreign = names_one and not value.startswith(self.users[0])
        return f"{self.users[0]}.{value}"[:ID_LENGTH_MAX] if foreign else value

    def own_or_none(self, value):
        """Return the id of a dead letter of this run, or of none."""
        foreign = isinstance(value, (int, float)) and 0 < value < BEYOND
        return value + BEYOND if foreign and value not in self.letters else value

    def known(self):
        """Return what there is, by the names of parameters."""
        return {
            "partner": self.partners, "key_id": self.keys, "dead_letter_id": self.letters,
            "user": self.users,
        }  # fmt: skip

    def fit(self, case, turn):
        """Let what belongs together in a body be together."""
        self.turn = turn
        fit = FITTING.get(name_of(case))
        if fit is not None:
            fit(self, case.body)

    def note(self, case, response):
        """Remember what a request made."""
        if response.status_code == 201 and name_of(case) == "post_partner":
            self.partners.append(response.json()["partner"])
        if response.status_code == 201 and name_of(case) == "post_key":
            self.keys.append(response.json()["key_id"])


def fit_partner(own, body):
    """A new name; a public key that is one, and the scheme that it is for."""
    if body["partner"] in own.partners:
        body["partner"] = f"{body['partner'][:30]}-{own.turn}"
    schemes = body.get("schemes") or ["v1"]
    if "v1a" in schemes or body.get("public_key"):
        body |= {"public_key": PUBLIC_KEY_TEXT, "schemes": sorted({*schemes, "v1a"})}
    fit_texts(own, body)


def fit_rotation(own, body):
    """A public key that is one; the older keys end at once, for only three may be live."""
    body["overlap_s"] = 0
    if body.get("public_key"):
        body["public_key"] = PUBLIC_KEY_TEXT


def fit_key(own, body):
    """One owner that there is, and scopes that it may have."""
    if body.get("partner"):
        body |= {"partner": PARTNER, "user_id": None}
    allowed = APP_SCOPES if not body.get("user_id") else USER_SCOPES
    allowed = allowed if not body.get("partner") else PARTNER_SCOPES
    if body.get("scopes"):
        body["scopes"] = [each for each in body["scopes"] if each in allowed] or None
    fit_texts(own, body)


def fit_letters(own, body):
    """One of the ids is that of a letter which may be open still."""
    body["ids"][0] = own.letters[own.turn % len(own.letters)]
    fit_texts(own, body)


def fit_texts(own, body):
    """Printable characters: Python knows which, a pattern that all understand cannot say it."""
    for name in {"display_name", "name", "reason"} & body.keys():
        printable = "".join(filter(str.isprintable, body[name]))
        body[name] = printable if printable.strip() else "blank"


FITTING = {
    "post_partner": fit_partner, "patch_partner": fit_texts, "post_rotation": fit_rotation,
    "post_key": fit_key, "post_redrive": fit_letters, "post_discard": fit_letters,
}  # fmt: skip


def name_of(case):
    """Return the name of the endpoint."""
    return case.operation.definition.raw["operationId"]
