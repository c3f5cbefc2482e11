"""Acknowledgements, timelines, mutes and previews over HTTP, and by command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from answered_town import AnsweredTown
from api_callers import ApiWorld
from databases import migrated_database
from fake_alert_town import NUMBERS, minute
from stadtsinn.base.berlin import isoformat
from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import DAY
from stadtsinn.cli.alerts import app
from stadtsinn.cloud.alarms.answers.inbound import Inbound
from stadtsinn.cloud.alarms.answers.service import take
from stadtsinn.cloud.alarms.notify.senders.provider import (
    PRESETS,
    ReportFormat,
    Reports,
    token_digest,
)
from stadtsinn.cloud.alarms.notify.senders.repository import publish_report_formats
from stadtsinn.cloud.platform.access.scope import Role

pytestmark = pytest.mark.slow


@pytest.fixture
def town(tmp_path: Path) -> AnsweredTown:
    return AnsweredTown(migrated_database(tmp_path / "stadtsinn.sqlite"))


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "cloud.toml"
    url = f"sqlite:///{tmp_path / 'stadtsinn.sqlite'}"
    path.write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
    return str(path)


def run(config: str, *arguments: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, [*arguments, "--config", config, "--json"])
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]


def test_by_command(town: AnsweredTown, config: str) -> None:
    incident = town.fire(repeat_s=600)
    assert [one["id"] for one in run(config, "list")] == [incident]
    done = run(config, "acknowledge", incident, "--as", "bauhof")[0]
    assert (done["first"], done["by"], done["whole"]) == (True, "Bauhof", True)
    assert run(config, "acknowledge", incident)[0]["first"] is False
    assert run(config, "list")[0]["acknowledged"][0]["via"] == "command"
    whats = [one["what"] for one in run(config, "show", incident)]
    assert sorted(whats) == ["acknowledged", "message", "message", "message", "opened"]
    assert len(run(config, "preview", "markt-voll")) > 20
    until = isoformat(SystemClock().now() + DAY)
    mute = run(config, "mute", "--zone", "wochenmarkt", "--until", until, "--reason", "Probe")[0]
    assert run(config, "mutes") == [mute]
    assert run(config, "unmute", str(mute["id"]))[0]["active"] is False
    assert run(config, "mutes") == []
    assert [one["id"] for one in run(config, "mutes", "--all")] == [mute["id"]]


def test_answers_of_strangers_are_counted_for_the_operator(town: AnsweredTown, config: str) -> None:
    assert run(config, "answers") == []
    town.fire()
    now = SystemClock().now()
    for number in (NUMBERS["bauhof"], "+491709999999", "+491708888888"):
        take(town.database, Inbound(number, "STOP", now, number[-4:]), now)
    shown = run(config, "answers")
    assert shown == [{"answer": "stop", "count": 1}, {"answer": "unknown", "count": 2}]


def test_wrong_calls(town: AnsweredTown, config: str) -> None:
    town.zone_rule()
    until = ("--until", "2099-01-01", "--reason", "x")
    run(config, "mute", "--rule", "markt-voll", *until, code=2)  # too far away
    run(config, "mute", *until, code=2)
    run(config, "mute", "--rule", "markt-voll", "--zone", "wochenmarkt", *until, code=2)
    run(config, "mute", "--rule", "markt-voll", "--reason", "x", code=2)
    run(config, "show", "9-9", code=1)
    run(config, "acknowledge", "9-9", code=1)
    run(config, "unmute", "1", code=1)
    run(config, "preview", "x", code=1)


@pytest.fixture
def api(tmp_path: Path, town: AnsweredTown) -> Iterator[ApiWorld]:
    made = ApiWorld(town.database, tmp_path, town.clock, new=False)
    yield made
    made.series.close()


def test_over_http(town: AnsweredTown, api: ApiWorld) -> None:
    incident = town.fire(repeat_s=600)
    editor, reader = api.client(Role.EDITOR), api.client(Role.READER)
    path = f"/api/v1/incidents/{incident}"
    assert reader.get(path).json()["acknowledged"] is None
    assert reader.post(f"{path}/acknowledgement", json={}).status_code == 403
    unknown = editor.post(f"{path}/acknowledgement", json={"recipient": "niemand"})
    assert unknown.status_code == 422
    town.pass_to(1)
    done = editor.post(f"{path}/acknowledgement", json={"recipient": "bauhof"}).json()
    assert (done["first"], done["by"], done["whole"]) == (True, "Bauhof", True)
    again = editor.post(f"{path}/acknowledgement", json={}).json()
    assert (again["first"], again["by"]) == (False, "Bauhof")
    seen = reader.get(path).json()["acknowledged"]
    assert (seen["by"], seen["via"], seen["level"]) == ("Bauhof", "api", 1)
    assert reader.get("/api/v1/incidents").json()["items"][0]["acknowledged"] == seen
    whats = [one["what"] for one in reader.get(f"{path}/timeline").json()]
    assert sorted(whats) == ["acknowledged", "message", "message", "message", "opened"]
    town.crowds((2, 100))
    assert editor.post(f"{path}/acknowledgement", json={}).status_code == 409


def test_mutes_and_previews_over_http(town: AnsweredTown, api: ApiWorld) -> None:
    town.zone_rule()
    editor, reader = api.client(Role.EDITOR), api.client(Role.READER)
    body = {"zone": "wochenmarkt", "end": isoformat(minute(60)), "reason": "Probe"}
    made = editor.post("/api/v1/mutes", json=body)
    assert made.status_code == 201
    assert reader.get("/api/v1/mutes").json()["items"] == [made.json()]
    assert editor.post("/api/v1/mutes", json={**body, "end": None}).status_code == 422
    number = made.json()["id"]
    assert editor.delete(f"/api/v1/mutes/{number}").json()["active"] is False
    assert editor.delete(f"/api/v1/mutes/{number}").status_code == 409
    assert reader.get("/api/v1/mutes").json()["items"] == []
    assert len(reader.get("/api/v1/mutes?past=true").json()["items"]) == 1
    texts = reader.get("/api/v1/rules/markt-voll/preview").json()
    assert {one["language"] for one in texts} == {"de", "en"}
    assert all(one["septets"] <= 160 for one in texts)


TOKEN = "a-token-that-nobody-guesses"


def test_providers_bring_answers(town: AnsweredTown, api: ApiWorld) -> None:
    formats = [
        ReportFormat(name, PRESETS[name].reports, token_digest(TOKEN), PRESETS[name].answers)
        for name in ("kannel", "seven")
    ]
    with town.database.write() as connection:
        publish_report_formats(connection, [*formats, ReportFormat("plain", Reports(), None)])
    town.fire()
    caller, path = api.nobody(), "/api/v1/notify/inbound"
    ours = {"from": "+491702222222", "text": "OK", "id": "1"}
    for wrong in ("kannel/wrong-token-of-somebody", f"plain/{TOKEN}", f"nobody/{TOKEN}"):
        assert caller.get(f"{path}/{wrong}", params=ours).status_code == 404
    assert caller.get(f"{path}/kannel/{TOKEN}", params={"from": "1"}).status_code == 422
    assert caller.post(f"{path}/seven/{TOKEN}", content=b"{[").status_code == 422
    assert caller.get(f"{path}/kannel/{TOKEN}", params=ours).status_code == 204
    assert town.count("ACKNOWLEDGED") == {"ordnungsamt": 1}
    body = {"event": "sms_mo", "data": {"sender": "491701111111", "text": "ok", "id": 7}}
    for _ in range(2):
        assert caller.post(f"{path}/seven/{TOKEN}", json=body).status_code == 204
    assert town.count("ANSWER") == {"bauhof": 1, "ordnungsamt": 1}
    body["data"] = {"sender": "491709999999", "text": "OK", "id": 8}
    assert caller.post(f"{path}/seven/{TOKEN}", json=body).status_code == 204  # as for anybody
    form = {"from": "00491702222222", "text": "hm", "id": "9"}
    assert caller.post(f"{path}/kannel/{TOKEN}", data=form).status_code == 204
    assert town.count("ANSWER") == {"bauhof": 2, "ordnungsamt": 1}
