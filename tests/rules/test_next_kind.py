"""The next kind of rule, made inside this test: one class, one entry of the registry."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import select

from api_callers import HOME, NOW, ApiWorld
from databases import fresh_database
from fake_alert_town import AlertTown
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.alarms.alerts.tables import rules
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import TownRefused
from stadtsinn.rules.kind import (
    Judgement,
    Past,
    Phrases,
    RuleKind,
    Sample,
    Stage,
    Verdict,
)
from stadtsinn.rules.kinds.registry import KINDS


class Repeated(RuleKind):
    """A sensor that reports the same value again and again."""

    kind_name: ClassVar[str] = "repeated"
    title: ClassVar[Sentence] = Sentence("repeated value", "Wert wiederholt sich")

    times: int

    def judge(self, sample: Sample, past: Past) -> Judgement:
        same = past.last is not None and past.last.value == sample.value
        count = past.notes.get("count", 1.0) + 1 if same else 1.0
        verdict = Verdict.REACHED if count >= self.times else Verdict.RECOVERED
        return Judgement(verdict, {"count": count})

    def phrases(self, stage: Stage) -> Phrases:
        return Phrases(
            f"{self.times} mal gleich",
            f"{self.times} mal gleich gemeldet",
            "Wert stand still",
            "Alarm",
            "Beendeter Alarm",
        )


RULE = {
    "slug": "steht",
    "name": "Markt steht",
    "zone": "wochenmarkt",
    "kind": "repeated",
    "times": 3,
}


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "repeated", Repeated)


def test_it_judges_remembers_opens_closes_and_words_its_messages(town: AlertTown) -> None:
    town.rule(**RULE, recipients=("bauhof",))
    town.crowds((0, 500), (1, 500))
    assert town.incidents() == []
    town.restart()
    town.crowds((2, 500), (3, 500))
    assert len(town.incidents()) == 1
    assert town.messages()[0].text == (
        "ALARM Markt steht: bis zu 500 Personen (3 mal gleich). Stand 10:02 Uhr. "
        "Tendenz gleichbleibend. Geschätzt 480."
    )
    town.crowds((4, 501))
    assert town.incidents()[0].close_reason == "recovered"
    assert town.messages()[0].text == (
        "Beendeter Alarm Markt steht: Wert stand still, von 10:02 Uhr bis 10:04 Uhr."
    )


@pytest.mark.slow
def test_the_api_takes_and_describes_it(tmp_path: Path) -> None:
    world = ApiWorld(fresh_database(tmp_path), tmp_path)
    editor = world.client(Role.EDITOR)
    editor.post("/api/v1/zones", json={"slug": "wochenmarkt", "name": "Markt"})
    created = editor.post("/api/v1/rules", json=RULE)
    assert created.status_code == 201, created.text
    assert (created.json()["kind"], created.json()["times"]) == ("repeated", 3)
    assert "on" not in created.json()
    assert editor.get("/api/v1/rules/steht").json() == created.json()
    refused = editor.post("/api/v1/rules", json={**RULE, "slug": "x", "on": 3})
    assert (refused.status_code, "body.on" in refused.text) == (422, True)
    schema = world.app.openapi()["components"]["schemas"]["Rule"]["properties"]
    assert schema["kind"]["enum"] == sorted(KINDS)
    assert {"times", "on", "off"} <= schema.keys()
    world.series.close()


def test_a_town_file_has_it(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    town = {
        "tenant": HOME,
        "name": "Home",
        "zones": [{"slug": "wochenmarkt", "name": "Markt"}],
        "rules": [RULE],
    }
    apply_town(database, Town.read(town), NOW)
    with database.read() as connection:
        row = connection.execute(select(rules.c.kind, rules.c.parameters)).one()
    assert tuple(row) == ("repeated", {"times": 3})
    with pytest.raises(TownRefused, match="rule steht: times"):
        Town.read({**town, "rules": [{**RULE, "times": "often"}]})
    with pytest.raises(TownRefused, match=f"use one of {', '.join(sorted(KINDS))}"):
        Town.read({**town, "rules": [{**RULE, "kind": "frozen"}]})
