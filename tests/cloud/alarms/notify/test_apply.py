"""Recipients and rules of a town file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from databases import fresh_database
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.alarms.alerts.tables import rule_recipients, rules
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.cloud.town_file.problems import TownRefused

TOWN: dict[str, Any] = {
    "tenant": "musterstadt",
    "name": "Musterstadt",
    "zones": [{"slug": "markt", "name": "Markt"}],
    "recipients": [
        {"slug": "amt", "name": "Ordnungsamt", "channel": "sms", "address": "0170 1234567"}
    ],
    "rules": [
        {
            "slug": "voll",
            "name": "Markt voll",
            "zone": "markt",
            "on": 900,
            "off": 850,
            "recipients": ["amt"],
        }
    ],
}


def town(**other: Any) -> Town:
    return Town.read({**TOWN, **other})


def test_a_town_file_brings_recipients_and_rules(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    first = [str(change) for change in apply_town(database, town(), Instant(1))]
    assert "created recipient amt" in first
    assert "created rule voll" in first
    assert apply_town(database, town(), Instant(2)) == ()
    with database.read() as connection:
        assert connection.scalar(select(recipients.c.address)) == "+491701234567"
        assert len(connection.execute(select(rule_recipients)).all()) == 1
        assert connection.scalar(select(recipients.c.language)) == "de"
    english = [{**TOWN["recipients"][0], "language": "en"}]
    changed = apply_town(database, town(recipients=english), Instant(3))
    assert [str(change) for change in changed] == ["changed recipient amt"]
    assert apply_town(database, town(recipients=english), Instant(4)) == ()
    with database.read() as connection:
        assert connection.scalar(select(recipients.c.language)) == "en"


def test_only_rules_that_judge_differently_begin_anew(tmp_path: Path) -> None:
    database = fresh_database(tmp_path)
    apply_town(database, town(), Instant(1))
    renamed = {**TOWN["rules"][0], "name": "Marktplatz voll"}
    changed = apply_town(database, town(rules=[renamed]), Instant(2))
    assert [str(change) for change in changed] == ["changed rule voll"]
    lower = {**renamed, "on": 880}
    apply_town(database, town(rules=[lower]), Instant(3))
    with database.read() as connection:
        row = connection.execute(select(rules)).one()
    assert (row.name, row.parameters["on"], row.revision) == ("Marktplatz voll", 880, 2)


@pytest.mark.parametrize(
    ("section", "change", "named"),
    [
        ("recipients", {"address": "555 anruf"}, "recipient amt"),
        ("recipients", {"channel": "fax"}, "recipient amt: channel"),
        ("rules", {"off": 900}, "rule voll"),
        ("rules", {"zone": "anderswo"}, "rule voll: There is no zone 'anderswo'"),
        ("rules", {"recipients": ["niemand"]}, "rule voll: There is no recipient 'niemand'"),
        ("rules", {"zone": None}, "rule voll: give either"),
        ("rules", {"device": "70b3d57ed0001234"}, "rule voll: .*stadtsinn station list"),
        ("rules", {"group": {"kind": "tree"}}, "rule voll: give either"),
        ("rules", {"for_s": -1}, "rule voll: for_s"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_applied(
    tmp_path: Path, section: str, change: dict[str, Any], named: str
) -> None:
    database = fresh_database(tmp_path)
    broken = {section: [{**TOWN[section][0], **change}]}
    with pytest.raises(TownRefused, match=named) as refused:
        apply_town(database, town(**broken), Instant(1))
    assert "555 anruf" not in str(refused.value)
    with database.read() as connection:
        assert connection.execute(select(recipients)).all() == []
