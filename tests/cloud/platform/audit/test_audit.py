"""Who changed what: a line for each change, for the town's administrators, without what is private.

The changes come from the OpenAPI document, so no new endpoint can be left out.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from api_callers import AWAY, HOME, NOW, ApiWorld
from counted import statements
from databases import fresh_database
from fake_uplinks import register_edge
from stadtsinn.base.foreign_text import visible
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cli import audit_words
from stadtsinn.cli import tenants as tenant_commands
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.access.service import operator_scope, revoke_as_operator
from stadtsinn.cloud.platform.audit import repository
from stadtsinn.cloud.platform.audit.line import Action, By, KeptLine, Kind, Line
from stadtsinn.cloud.publish.api.reference import body_example, operations
from stadtsinn.cloud.series.repository import make_streams
from stadtsinn.cloud.series.stores.store import SeriesKey
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.example import EXAMPLE
from stadtsinn.cloud.town_file.model import Town

NAMES: dict[str, Any] = {
    "site": "marktplatz",
    "station": "linde-am-markt",
    "dev_eui": "70b3d57ed0001234",
    "deployment": 1,
    "edge": "rathaus-1",
    "claim": 1,
    "claimed": 2,
    "zone": "wochenmarkt",
    "incident": "1-1",
    "mute": 1,
    "gate": "nordtor",
    "recipient": "ordnungsamt",
    "duty_group": "bereitschaft",
    "substitution": 1,
    "rule": "wochenmarkt-voll",
    "quantity": "people_in_total",
    "group": "junge-linden",
    "tree": "L-17",
    "watering": 1,
}
CREATION_ORDER = (
    *("sites", "stations", "devices", "claims", "zones", "zones/{zone}/gates", "recipients"),
    *("duty-groups", "rules", "trees/import", "tree-groups", "waterings", "mutes"),
)
_STAND_INS = "/api/v1/duty-groups/{duty_group}/substitutions"
STILL_REFUSED = {
    "delete /api/v1/sites/{site}",  # a station of a device is still there
    f"post {_STAND_INS}",  # the examples have nobody who could stand in
    f"delete {_STAND_INS}/{{substitution}}",
    "post /api/v1/incidents/{incident}/acknowledgement",  # no rule has fired
}
CHANGES_NOTHING = {
    *("preview", "deletion-preview", "backtest", "replay", "delivery-reports", "plan", "inbound"),
}
"""Parts of addresses: they show something, or (replay) are looked at below; the plan of the example
has nobody of the group."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()


@pytest.fixture
def admin(world: ApiWorld) -> TestClient:
    return world.client(Role.ADMIN)


def lines(world: ApiWorld, tenant: str = HOME) -> list[KeptLine]:
    with world.database.read() as connection:
        return repository.lines_page(connection, operator_scope(tenant), None, 1000)


def newest(world: ApiWorld) -> Line:
    return lines(world)[0].line


def _body(world: ApiWorld, template: str, method: str) -> Any:
    document = world.app.openapi()
    return body_example(document, document["paths"][template][method])


def _other(template: str, body: Any) -> Any:
    """A body that changes something of what the examples made."""
    if template.endswith("/series/{quantity}"):
        return {"label": "neu"}
    if isinstance(body, dict) and "name" in body:
        return {**body, "name": f"{body['name']} neu"}
    if isinstance(body, dict) and "remarks" in body:
        return {**body, "remarks": "neu"}
    return body


def _make_town(world: ApiWorld, caller: TestClient) -> None:
    for path in CREATION_ORDER:
        template = f"/api/v1/{path}"
        answer = caller.post(template.format(**NAMES), json=_body(world, template, "post"))
        assert answer.status_code == 201, (path, answer.text)
    register_edge(world.database, NAMES["edge"], HOME)  # nobody makes one without a certificate
    claim = {**_body(world, "/api/v1/claims", "post"), "dev_eui": NAMES["dev_eui"]}
    assert world.client(Role.EDITOR, AWAY).post("/api/v1/claims", json=claim).status_code == 201
    with world.database.write() as connection:
        make_streams(connection, {(HOME, SeriesKey(NAMES["station"], NAMES["quantity"])): NOW})


def _calls(world: ApiWorld) -> list[tuple[str, str, Any]]:
    """Every operation that changes something; what is made first is deleted last."""
    found = []
    for path, method, raw in operations(world.app.openapi()):
        if method == "get" or CHANGES_NOTHING & set(path.split("/")):
            continue
        found.append((method, path, _body(world, path, method) if "requestBody" in raw else None))
    order = {"put": 0, "post": 2, "delete": 3}
    first = ("delete", "/api/v1/deployments/{deployment}")  # makes room for a new one
    made = [f"/api/v1/{path}" for path in ("edges", *CREATION_ORDER)]
    deleted_late = {template: -at for at, template in enumerate(made)}
    return sorted(
        (one for one in found if not (one[0] == "post" and one[1] in made)),
        key=lambda one: (
            1 if one[:2] == first else order[one[0]],
            deleted_late.get(one[1].rpartition("/")[0], 1),
        ),
    )


@pytest.mark.slow
def test_every_change_of_every_endpoint_leaves_a_line(world: ApiWorld, admin: TestClient) -> None:
    key_id = lines(world)[0].id and 1  # the admin's own key was made by the operator
    _make_town(world, admin)
    names = {**NAMES, "key_id": admin.post("/api/v1/keys", json={"name": "x"}).json()["id"]}
    silent, pending, refused = [], _calls(world), dict[str, str]()
    for _ in range(3):  # what is in another's way is tried again when that is gone
        tried, pending, refused = pending, [], {}
        for method, template, body in tried:
            before = lines(world)[0].id
            url = template.format(**names)
            answer = admin.request(method.upper(), url, json=_other(template, body))
            if not answer.is_success:
                pending.append((method, template, body))
                refused[f"{method} {template}"] = answer.text
                continue
            if lines(world)[0].id == before:
                silent.append(f"{method} {template}")
            if (method, template) == ("post", "/api/v1/deployments"):
                names["deployment"] = answer.json()["id"]
                pending.append(("delete", f"{template}/{{deployment}}", None))
    assert set(refused) == STILL_REFUSED, refused
    assert silent == []
    found = lines(world)
    assert {kept.key_id for kept in found} == {None, key_id}
    kinds = {kept.line.kind for kept in found}
    assert kinds >= {"site", "station", "device", "edge", "zone", "gate", "recipient", "rule"}
    assert kinds >= {"deployment", "series", "key", "counted number"}


def test_a_line_says_who_when_what_and_how_it_was(world: ApiWorld, admin: TestClient) -> None:
    admin.post("/api/v1/sites", json={"slug": "markt", "name": "Markt"})
    world.clock.advance(DAY)
    admin.put("/api/v1/sites/markt", json={"name": "Alter Markt"})
    (kept, *_) = lines(world)
    assert (kept.at, kept.key_id, kept.key_name) == (NOW + DAY, 1, "test admin")
    assert kept.line == Line(HOME, Action.CHANGED, "site", "markt", "name: Markt → Alter Markt")
    admin.delete("/api/v1/sites/markt")
    assert newest(world).action is Action.DELETED
    assert "Alter Markt" in newest(world).detail


@pytest.mark.slow
def test_what_a_thing_is_called_by_is_changed_with_a_line(
    world: ApiWorld, admin: TestClient
) -> None:
    """A deployment's name in the audit is its device and its station, both of which can change."""
    _make_town(world, admin)
    admin.post("/api/v1/stations", json={"slug": "neu", "name": "Neu", "kind": "other"})
    found = admin.get("/api/v1/deployments/1").json()
    body = {key: value for key, value in found.items() if key != "id"}
    answer = admin.put("/api/v1/deployments/1", json={**body, "station": "neu"})
    assert answer.status_code == 200, answer.text
    assert newest(world).kind == "deployment"
    assert newest(world).detail == f"station: {found['station']} → neu"


def test_no_value_reads_like_other_changes(world: ApiWorld, admin: TestClient) -> None:
    admin.post("/api/v1/sites", json={"slug": "markt", "name": "Markt"})
    forged = 'Markt; permitted: 900 → 1000; "latitude": 1'
    assert admin.put("/api/v1/sites/markt", json={"name": forged}).status_code == 200
    assert newest(world).detail == f"name: Markt → {json.dumps(forged, ensure_ascii=False)}"


def test_no_long_value_hides_another_change(world: ApiWorld, admin: TestClient) -> None:
    zone = {"slug": "markt", "name": "a" * 200, "name_en": "b" * 200, "permitted": 900}
    assert admin.post("/api/v1/zones", json=zone).status_code == 201
    body = {"name": "c" * 200, "name_en": "d" * 200, "permitted": 9000, "max_rate": 7}
    body |= {"interval_s": 61, "error_in": 0.5, "error_out": 0.5, "reset_at": "05:00"}
    assert admin.put("/api/v1/zones/markt", json=body).status_code == 200
    said = newest(world).detail
    for name in body:
        assert f"{name}: " in said
    assert "permitted: 900 → 9000" in said
    assert len(said) <= 1000
    long = {"slug": "lang", "name": "Lang", "kind": "other", "remarks": "x" * 1000 + " bleibt"}
    assert admin.post("/api/v1/stations", json=long).status_code == 201
    changed = {key: value for key, value in long.items() if key != "slug"}
    changed["remarks"] = "x" * 1000 + " geht"
    assert admin.put("/api/v1/stations/lang", json=changed).status_code == 200
    assert "bleibt" in newest(world).detail
    assert "geht" in newest(world).detail


def test_a_change_that_is_refused_or_changes_nothing_leaves_none(
    world: ApiWorld, admin: TestClient
) -> None:
    admin.post("/api/v1/sites", json={"slug": "markt", "name": "Markt"})
    before = lines(world)
    assert admin.post("/api/v1/sites", json={"slug": "markt", "name": "M"}).status_code == 409
    assert admin.put("/api/v1/sites/markt", json={"name": "Markt"}).status_code == 200
    assert lines(world) == before


def test_no_telephone_number_name_or_secret_is_in_a_line_or_in_the_log(
    world: ApiWorld, admin: TestClient
) -> None:
    with structlog.testing.capture_logs() as logged:
        body = {"slug": "b", "name": "Erika Muster", "address": "+49 170 1234567"}
        assert admin.post("/api/v1/recipients", json=body).status_code == 201
        changed = {"name": "Erika Muster", "address": "+49 171 7654321"}
        assert admin.put("/api/v1/recipients/b", json=changed).status_code == 200
        remark = {"slug": "c", "name": "Linde", "kind": "tree", "remarks": "Tel. 0170 7654321"}
        assert admin.post("/api/v1/stations", json=remark).status_code == 201
        made = admin.post("/api/v1/keys", json={"name": "Bauhof"}).json()
        assert admin.delete("/api/v1/recipients/b").status_code == 204
    text = json.dumps([str(kept.line) for kept in lines(world)]) + json.dumps(logged, default=str)
    for private in ("1234567", "7654321", "Erika", made["token"], made["token"][12:]):
        assert private not in text
    assert "address: ***" in text
    assert [one["action"] for one in logged if one["event"] == "audit"] == [
        *("created", "changed", "created", "created", "deleted"),
    ]


def test_only_administrators_read_it_and_only_their_own(world: ApiWorld, admin: TestClient) -> None:
    admin.post("/api/v1/sites", json={"slug": "markt", "name": "Markt"})
    (line, *_) = admin.get("/api/v1/audit").json()["items"]
    assert (line["kind"], line["name"], line["key"]) == ("site", "markt", "test admin")
    assert world.client(Role.EDITOR).get("/api/v1/audit").status_code == 403
    assert world.nobody().get("/api/v1/audit").status_code == 401
    theirs = world.client(Role.ADMIN, AWAY).get("/api/v1/audit").json()["items"]
    assert {one["kind"] for one in theirs} == {"key"}


def test_the_operators_changes_are_lines_too(world: ApiWorld) -> None:
    town = {"tenant": HOME, "name": "Neuer Name", "sites": [{"slug": "markt", "name": "Markt"}]}
    apply_town(world.database, Town.read(town), NOW)
    world.token(Role.READER)
    revoke_as_operator(world.database, 1, NOW)
    found = [(kept.key_id, kept.line.action, kept.line.kind) for kept in lines(world)]
    assert found == [
        (None, Action.CHANGED, "key"),
        (None, Action.CREATED, "key"),
        (None, Action.CREATED, "site"),
        (None, Action.CHANGED, "tenant"),
    ]


def test_an_import_is_summed_up(world: ApiWorld) -> None:
    stations = [{"slug": f"s{n}", "name": f"S {n}"} for n in range(150)]
    apply_town(world.database, Town.read({"tenant": HOME, "name": "X", "stations": stations}), NOW)
    (line,) = [kept.line for kept in lines(world) if kept.line.kind == "station"]
    assert (line.name, line.detail) == ("", "150: s0 … s149")


def test_what_a_thing_refers_to_is_named_and_no_bare_number(world: ApiWorld) -> None:
    apply_town(world.database, Town.read(tomllib.loads(EXAMPLE)), NOW)
    found = {(kept.line.kind, kept.line.name): kept.line.detail for kept in lines(world)}
    assert "site: marktplatz" in found["station", "nordtor"]
    assert "station: nordtor" in found["gate", "wochenmarkt nordtor"]
    assert "zone: wochenmarkt" in found["rule", "wochenmarkt-voll"]
    assert "recipient: ordnungsamt" in found["recipient of a rule", "wochenmarkt-voll"]
    assert [name for kind, name in found if kind == "deployment" and name.endswith(" nordtor")]
    assert not [detail for detail in found.values() if "_id: " in detail]


def test_a_dry_run_and_a_failure_leave_no_line(world: ApiWorld) -> None:
    town = Town.read({"tenant": HOME, "name": "X", "sites": [{"slug": "a", "name": "A"}]})
    apply_town(world.database, town, NOW, dry_run=True)
    assert lines(world) == []


def test_a_change_looks_at_no_other_town_and_lines_are_bounded(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(name: str, at: Instant, tenant: str = HOME) -> None:
        with world.database.write() as connection:
            repository.write(connection, [Line(tenant, Action.DONE, "x", name)], None, at)

    write("old", NOW)
    write("of a neighbour that does nothing", NOW, AWAY)
    years_later = Instant(NOW + 5 * 365 * DAY)
    with statements(world.database) as asked:
        write("newer", years_later)
    assert [text for text in asked if text.startswith("DELETE")] == [], "retention does it"
    assert len(lines(world)) == 2
    monkeypatch.setattr(repository, "KEPT_LINES", 5)
    for n in range(20):
        write(str(n), Instant(years_later + n))
    assert [kept.line.name for kept in lines(world)] == ["19", "18", "17", "16", "15"]
    assert len(lines(world, AWAY)) == 1


def test_a_town_with_far_too_many_lines_loses_a_few_with_each_change(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an update that keeps fewer."""

    def write(*names: str) -> None:
        new = [Line(HOME, Action.DONE, "x", name) for name in names]
        with world.database.write() as connection:
            repository.write(connection, new, None, NOW)

    write(*(str(n) for n in range(30)))
    monkeypatch.setattr(repository, "AT_ONCE", 3)
    monkeypatch.setattr(repository, "KEPT_LINES", 5)
    write("one", "more")
    assert len(lines(world)) == 27
    for _ in range(10):
        write("and one")
    assert len(lines(world)) == 5


@pytest.mark.slow
def test_the_operator_reads_it_by_a_command(tmp_path: Path) -> None:
    config = tmp_path / "cloud.toml"
    config.write_text('[database]\nurl = "sqlite:///town.sqlite"\n', encoding="utf-8")
    environment = {"STADTSINN_CLOUD_CONFIG": str(config)}

    def run(*arguments: str, language: str = "C") -> str:
        env = {**environment, "LC_ALL": language}
        result = CliRunner().invoke(tenant_commands.app, list(arguments), env=env)
        assert result.exit_code == 0, result.output
        return result.stdout

    run("create", "musterstadt", "--name", "Stadt Musterstadt")
    shown = run("audit", "musterstadt")
    assert "operator" in shown
    assert "tenant musterstadt" in shown
    assert visible(shown, lines=True) == shown
    (line,) = map(json.loads, run("audit", "musterstadt", "--json").splitlines())
    assert (line["kind"], line["action"], line["by"]) == ("tenant", "created", "operator")
    in_german = run("audit", "musterstadt", language="de_DE.UTF-8")
    assert "Stadt musterstadt" in in_german
    assert "angelegt" in in_german
    assert "Orte einer Stadt." in run("limit", "musterstadt", language="de_DE.UTF-8")


def test_a_german_reader_gets_german_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    shown = {*map(audit_words.action, Action), *map(audit_words.kind, Kind)}
    assert len(shown) == len(Action) + len(Kind)
    assert shown.isdisjoint(one.value for one in (*Action, *Kind))
    assert audit_words.kind("of a later version") == "of a later version"
    key = KeptLine(1, NOW, By.KEY, 7, "Bauhof", Line(HOME, Action.DONE, Kind.REPLAY, ""))
    assert audit_words.who(key) == "Schlüssel 'Bauhof' (7)"
    assert audit_words.who(replace(key, by=By.CLAIM)) == "Anspruch"
    assert audit_words.who(replace(key, by=By.OPERATOR)) == "Betreiber"


# --- request lines -----------------------------------------------------------------------


def test_a_requests_line_names_key_and_tenant_and_never_the_key(world: ApiWorld) -> None:
    token = world.token(Role.EDITOR)
    caller = TestClient(world.app, headers={"Authorization": f"Bearer {token}"})
    with structlog.testing.capture_logs() as logged:
        caller.get("/api/v1/zones")
        caller.get("/api/v1/zones/nirgends")
        world.nobody().get("/api/v1/zones")
        caller.post("/api/v1/keys", json={"name": "x"})
    found = [one for one in logged if one["event"] == "request"]
    assert [(one["tenant"], one["key_id"], one["status"]) for one in found] == [
        (HOME, 1, 200),
        (HOME, 1, 404),
        (None, None, 401),
        (HOME, 1, 403),
    ]
    assert all(one.keys() >= {"method", "route", "milliseconds"} for one in found)
    assert found[1]["route"] == "/api/v1/zones/{zone}"
    assert token not in json.dumps(found)
    assert token.split("_")[2] not in json.dumps(found)
