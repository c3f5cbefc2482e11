"""One rule for edge ids, and every place that takes one keeps it."""

from __future__ import annotations

import json
import string
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError
from sqlalchemy import insert

from api_callers import HOME, ApiWorld
from edge_names import REFUSED, TAKEN
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cloud.town.model import Edge
from stadtsinn.cloud.town.tables import edges
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import TownRefused
from stadtsinn.edge.agent.settings import parse_settings
from stadtsinn.edge.messages.edge_id import ROLES, checked_edge_id


@pytest.mark.parametrize("name", TAKEN)
def test_plain_names_are_taken(name: str) -> None:
    assert checked_edge_id(name) == name


@pytest.mark.parametrize("name", REFUSED)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"use 1 to 63|parts of the cloud"):
        checked_edge_id(name)


def test_no_other_printable_character_is_taken() -> None:
    allowed = set(string.ascii_lowercase + string.digits + "-")
    for character in map(chr, range(0x250)):
        if character not in allowed:
            with pytest.raises(ValueError, match="use 1 to 63"):
                checked_edge_id(f"a{character}b")


def _from_model(name: str) -> str:
    return Edge(id=name, name="x").id


def _from_town_file(name: str) -> str:
    document = {"tenant": "t", "name": "T", "edges": [{"id": name, "name": "x"}]}
    return Town.read(document).edges[0].id


def _from_edge_toml(name: str) -> str:
    text = f'edge_id = {json.dumps(name)}\n[cloud_broker]\nhost = "h"\n'
    return parse_settings(text, Path("edge.toml")).edge_id


WAYS_IN: dict[str, Callable[[str], str]] = {
    "model": _from_model,
    "town file": _from_town_file,
    "edge.toml": _from_edge_toml,
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_every_way_in_has_the_same_rule(way: str) -> None:
    take = WAYS_IN[way]
    for name in TAKEN:
        assert take(name) == name
    for name in REFUSED:
        with pytest.raises((ValidationError, TownRefused, SettingsError)):
            take(name)


def test_api_has_the_same_rule(world: ApiWorld) -> None:
    editor = world.client()
    for name in ("", "a/b", "+", "#", "A", "a\0b", "a" * 64, "stadtsinn-ingest-edges", *ROLES):
        assert _post(editor, name) == 422, name
    for name in TAKEN[-2:]:
        assert _post(editor, name) == 403, f"{name} is well-formed, only not given to the town"


def _post(editor: TestClient, name: str) -> object:
    return editor.post("/api/v1/edges", json={"id": name, "name": "x"}).status_code


def test_edge_that_was_registered_before_the_rule_can_be_read_renamed_and_deleted(
    world: ApiWorld,
) -> None:
    with world.database.write() as connection:
        connection.execute(
            insert(edges).values(id="ingest", tenant_id=HOME, name="alt", created_at=0)
        )
    editor = world.client()
    assert editor.get("/api/v1/edges").json()["items"] == [{"id": "ingest", "name": "alt"}]
    assert editor.put("/api/v1/edges/ingest", json={"name": "neu"}).json()["name"] == "neu"
    assert editor.get("/api/v1/edges/ingest").json() == {"id": "ingest", "name": "neu"}
    assert editor.delete("/api/v1/edges/ingest").status_code == 204
