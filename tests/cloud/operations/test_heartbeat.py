"""The dead man's switch beats only while ingest, rules and outbox really run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from databases import fresh_database
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import HOUR, MINUTE, Instant
from stadtsinn.cloud.operations.heartbeat import Heartbeat
from stadtsinn.cloud.operations.pulses import NEEDED, Pulse, missing
from stadtsinn.cloud.operations.settings import HeartbeatSettings
from stadtsinn.cloud.platform.database.engine import Database

NOW = Instant(1_000_000 * MINUTE)
SECRET = "https://monitor.example/ping/geheim"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return fresh_database(tmp_path)


def saying(*, ok: bool) -> dict[str, Callable[[], Check]]:
    return {"it": lambda: Check(ok=ok, detail="")}


def pulse(database: Database, now: Instant, **roles: bool) -> None:
    alive = {role: saying(ok=ok) for role, ok in roles.items()}
    Pulse(database, alive, ManualClock(now)).step()


def absent(database: Database, now: Instant) -> list[str]:
    with database.read() as connection:
        return missing(connection, now)


@pytest.mark.parametrize("dead", NEEDED)
def test_one_role_that_does_not_run_is_enough(database: Database, dead: str) -> None:
    pulse(database, NOW, **dict.fromkeys(NEEDED, True))
    assert absent(database, NOW) == []
    later = Instant(NOW + 2 * MINUTE)
    pulse(database, later, **{role: role != dead for role in NEEDED}, series=True)
    assert absent(database, later) == [dead]


def test_roles_may_run_in_several_processes(database: Database) -> None:
    assert absent(database, NOW) == list(NEEDED)
    for role in NEEDED:
        pulse(database, NOW, **{role: True})
    assert absent(database, NOW) == []


@pytest.mark.parametrize("later", [-HOUR, 2 * MINUTE])
def test_an_old_pulse_counts_for_nothing_nor_one_of_the_future(
    database: Database, later: int
) -> None:
    pulse(database, NOW, **dict.fromkeys(NEEDED, True))
    assert absent(database, Instant(NOW + later)) == list(NEEDED)


def heartbeat(
    database: Database, monkeypatch: pytest.MonkeyPatch, status: int = 200, **other: object
) -> tuple[Heartbeat, list[str]]:
    called: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        called.append(str(request.url))
        if status == 0:
            raise httpx.ConnectError("no way", request=request)
        return httpx.Response(status)

    monkeypatch.setenv("PING", SECRET)
    settings = HeartbeatSettings.model_validate({"url": "env:PING", **other})
    assert settings.is_set
    wall = ManualClock(NOW)
    return Heartbeat(database, settings, wall, httpx.MockTransport(answer)), called


def test_it_beats_only_while_nothing_is_missing(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "beat"
    beat, called = heartbeat(database, monkeypatch, file=str(file))
    beat.step()
    assert called == []
    assert not file.exists()
    pulse(database, NOW, **dict.fromkeys(NEEDED, True))
    beat.step()
    assert called == [SECRET]
    assert file.exists()


@pytest.mark.parametrize("status", [0, 301, 404, 500])
def test_a_monitor_that_is_away_is_said_without_its_address(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    status: int,
) -> None:
    beat, _ = heartbeat(database, monkeypatch, status)
    pulse(database, NOW, **dict.fromkeys(NEEDED, True))
    beat.step()
    assert "monitor" in beat.check().detail
    assert beat.check().ok
    said = "".join(capsys.readouterr())
    assert "monitor" in said
    assert "geheim" not in said + beat.check().detail + repr(beat.__dict__["_last"])


def test_without_address_and_file_there_is_none() -> None:
    assert not HeartbeatSettings().is_set
