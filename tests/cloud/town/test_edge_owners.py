"""An edge agent is a town's by the operator's word or its certificate, not by naming it first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from api_callers import AWAY, HOME, NOW, ApiWorld
from edge_certificates import Authority
from fake_uplinks import register_edge
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.problems import Invalid
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cloud.broker.authority import Authority as OwnAuthority
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.edge_authority import EdgeAuthority
from stadtsinn.cloud.town.model import Edge
from stadtsinn.cloud.town.service import change, give_edge

BODY = {"id": "rathaus-1", "name": "Rathaus, Dach"}


@pytest.fixture
def authority(world: ApiWorld) -> Authority:
    made = Authority()
    world.app.state.edge_authority = EdgeAuthority([made.certificate])
    return made


def enrol(world: ApiWorld, certificate: str | None = None, tenant: str = HOME) -> Any:
    body = BODY if certificate is None else {**BODY, "certificate": certificate}
    return world.client(Role.ADMIN, tenant).post("/api/v1/edges", json=body)


def owner(world: ApiWorld) -> str | None:
    return DirectoryCache(world.database).current().edges.get("rathaus-1")


def test_nobody_takes_an_id_by_naming_it(world: ApiWorld) -> None:
    """The same refusal whether nobody has it or another town, with the remedy."""
    nobodys = enrol(world)
    register_edge(world.database, "rathaus-1", AWAY)
    anothers = enrol(world)
    assert nobodys.status_code == anothers.status_code == 403
    assert nobodys.json()["detail"] == anothers.json()["detail"]
    assert "registry give-edge rathaus-1 musterstadt" in nobodys.json()["detail"]
    assert owner(world) == AWAY


def test_the_certificate_says_whose_it_is(world: ApiWorld, authority: Authority) -> None:
    assert enrol(world, authority.issue()).status_code == 201
    assert owner(world) == HOME
    assert enrol(world, authority.issue()).status_code == 409, "it is ours already"


def test_another_towns_certificate_helps_nobody(world: ApiWorld, authority: Authority) -> None:
    """It is public: whoever records a connection has it."""
    answer = enrol(world, authority.issue(), AWAY)
    assert answer.status_code == 422
    assert HOME not in answer.text
    assert owner(world) is None


def test_a_certificate_does_not_take_an_edge_that_the_operator_gave(
    world: ApiWorld, authority: Authority
) -> None:
    register_edge(world.database, "rathaus-1", AWAY)
    refused = enrol(world, authority.issue())
    assert (refused.status_code, owner(world)) == (403, AWAY)
    assert refused.json()["detail"] == enrol(world).json()["detail"]


BAD: dict[str, Callable[[Authority], str]] = {
    "another authority of the same name": lambda one: Authority().issue(),
    "another edge": lambda one: one.issue(["bauhof"]),
    "two names": lambda one: one.issue(["rathaus-1", "bauhof"]),
    "no organisation": lambda one: one.issue(organisations=[]),
    "two organisations": lambda one: one.issue(organisations=[HOME, AWAY]),
    "a server's": lambda one: one.issue(usage=[ExtendedKeyUsageOID.SERVER_AUTH]),
    "for nothing": lambda one: one.issue(usage=[]),
    "ended": lambda one: one.issue(days=1, begins=datetime(2026, 9, 1, tzinfo=UTC)),
    "not yet": lambda one: one.issue(begins=datetime(2027, 9, 1, tzinfo=UTC)),
    "no certificate": lambda one: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    "nothing": lambda one: "",
    "half a surrogate": lambda one: "\\ud800",
    "its key instead": lambda one: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
}


@pytest.mark.parametrize("kind", BAD)
def test_certificates_that_prove_nothing(world: ApiWorld, authority: Authority, kind: str) -> None:
    answer = enrol(world, BAD[kind](authority))
    assert answer.status_code == 422, kind
    assert owner(world) is None


def test_without_an_authority_no_certificate_counts(world: ApiWorld) -> None:
    answer = enrol(world, Authority().issue())
    assert (answer.status_code, owner(world)) == (422, None)


def test_a_deleted_edge_is_not_free_for_others(world: ApiWorld) -> None:
    """Its agent still delivers with its certificate, whoever would register it."""
    register_edge(world.database, "rathaus-1", HOME)
    assert world.client(Role.EDITOR).delete("/api/v1/edges/rathaus-1").status_code == 204
    assert enrol(world, tenant=AWAY).status_code == 403


def test_the_operator_gives_and_moves(world: ApiWorld) -> None:
    record, formers = Edge(**BODY), []
    for tenant in (HOME, AWAY):
        to = world.scope(tenant=tenant)
        with change(world.database) as connection:
            formers.append(give_edge(connection, to, record, NOW))
        assert owner(world) == tenant
    assert formers == [None, HOME]
    assert world.client(Role.READER).get("/api/v1/edges").json()["items"] == []


def test_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(Authority().issue())
    with pytest.raises(SettingsError, match="no authority"):
        EdgeAuthority.read(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        EdgeAuthority.read(tmp_path / "nowhere.pem")
    assert EdgeAuthority.read(None).authorities == ()


def test_what_our_own_authority_issues_is_a_proof(world: ApiWorld, tmp_path: Path) -> None:
    """`stadtsinn ca` names the town in the certificate; the API takes it for that town alone."""
    own = OwnAuthority.create(tmp_path / "ca", "Kreis Musterland")
    issued = own.issue_edge("rathaus-1", tenant=HOME).certificate.read_text()
    authority = EdgeAuthority.read(own.ca)
    now = SystemClock().now()
    authority.prove(issued, "rathaus-1", HOME, now)
    with pytest.raises(Invalid, match="does not name your town"):
        authority.prove(issued, "rathaus-1", AWAY, now)
