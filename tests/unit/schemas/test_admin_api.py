"""What is posted to administer: the schema says what is refused, so that nobody has to try."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.catalogue.mappers.registry import MAPPERS
from infra.security.keys import SCOPES
from infra.security.webhook_keys import PUBLIC_KEY_BYTES, format_public_key
from schemas.admin_api import (
    RECORD_BYTES_MAX,
    DiscardRequest,
    KeyCreate,
    MapperName,
    PartnerChange,
    PartnerCreate,
    PartnerRotate,
    RedriveRequest,
    Scope,
)
from topics.catalog import CATALOG


def posted(model, **fields):
    """Return what the API reads from a body."""
    return model.model_validate_json(json.dumps(fields), strict=True)


def test_every_mapper_and_every_scope_can_be_posted():
    assert get_args(MapperName) == tuple(MAPPERS)
    assert get_args(Scope) == SCOPES


def test_the_largest_record_fits():
    assert max(each.message_bytes_max for each in CATALOG if each.dead_letter) == RECORD_BYTES_MAX


@pytest.mark.parametrize("model", [PartnerCreate, PartnerChange, RedriveRequest])
def test_the_schema_names_the_mappers(model):
    assert json.dumps([*MAPPERS]) in json.dumps(model.model_json_schema()["properties"]["mapper"])


def test_the_schema_names_the_scopes_and_wants_each_scheme_once():
    scopes = KeyCreate.model_json_schema()["properties"]["scopes"]
    assert scopes["anyOf"][0]["items"]["enum"] == [*SCOPES]
    for model in (PartnerCreate, PartnerChange):
        assert '"uniqueItems": true' in json.dumps(model.model_json_schema())


@given(st.binary(max_size=64))
def test_the_text_of_a_public_key_has_the_length_of_one(key):
    text = format_public_key(key)
    if len(key) == PUBLIC_KEY_BYTES:
        assert posted(PartnerRotate, public_key=text).public_key == text
    else:
        with pytest.raises(ValidationError):
            posted(PartnerRotate, public_key=text)


@pytest.mark.parametrize("blank", ["", " ", "   ", "\t", "\N{NO-BREAK SPACE}"])
def test_names_and_reasons_are_not_blank(blank):
    assert posted(KeyCreate, name=" a ").name == " a "
    assert posted(DiscardRequest, ids=[1], reason=" a ").reason == " a "
    for model, fields in ((KeyCreate, {"name": blank}), (DiscardRequest, {"reason": blank})):
        with pytest.raises(ValidationError):
            posted(model, **fields, **({"ids": [1]} if "reason" in fields else {}))
