"""The outbox keeps what happened; a channel words it when it sends, and a retry says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from databases import fresh_database
from fake_alert_town import AlertTown, minute
from fake_senders import FakeSender, Outbox
from stadtsinn.base.language import Language
from stadtsinn.cloud.alarms.alerts.tables import rules
from stadtsinn.cloud.alarms.notify import facts
from stadtsinn.cloud.alarms.notify.channels.sms import Sms
from stadtsinn.cloud.alarms.notify.facts import Facts
from stadtsinn.cloud.alarms.notify.senders.base import Outcome, Result
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker


def stored(town: AlertTown | Outbox) -> Any:
    with town.database.read() as connection:
        return connection.execute(select(outbox).order_by(outbox.c.id)).first()


def test_an_alarm_is_data_until_it_is_sent(tmp_path: Path) -> None:
    town = AlertTown(fresh_database(tmp_path))
    town.station_rule()
    town.soil(0, 30)
    town.soil(1, 12.34)
    row = stored(town)
    assert row.text == ""
    kept = facts.read(row.facts)
    assert (kept.rule, kept.rule_name) == ("linde-trocken", "Linde am Markt")
    assert (kept.kind, kept.station_name) == ("threshold", "Linde")
    assert (kept.quantity, kept.value) == ("soil_moisture", 12.34)
    assert (kept.unit, kept.bounds) == ("%", {"on": 15.0, "off": 20.0})
    assert (kept.measured_at, kept.since, kept.ended_at) == (minute(1), minute(1), None)
    assert set(kept.said) == set(Language)
    with town.database.write() as connection:
        connection.execute(update(rules).values(name="Anders"))
    sender = FakeSender()
    assert OutboxWorker(town.database, {"sms": sender}, town.clock).run_once() >= 1
    assert sender.texts[0] == stored(town).text
    assert sender.texts[0].startswith("ALARM Linde am Markt: Bodenfeuchte 12,3 % (Grenze 15 %).")
    assert sender.taken[0].facts == kept


def test_a_retry_says_what_was_said(box: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a later version of this program would word it otherwise."""
    sender = FakeSender([Result(Outcome.RETRY)])
    box.put(text="gesperrt")
    box.worker(sender).run_once()
    monkeypatch.setattr(Sms, "text", lambda *_: "anders")
    box.wait(3600)
    box.worker(sender).run_once()
    assert sender.texts == ["gesperrt", "gesperrt"]


def test_a_message_of_an_earlier_version_is_sent_as_it_was_written(box: Outbox) -> None:
    box.put()
    with box.database.write() as connection:
        connection.execute(update(outbox).values(facts={}, text="ALARM von früher"))
    sender = FakeSender()
    box.worker(sender).run_once()
    assert sender.texts == ["ALARM von früher"]
    assert sender.taken[0].facts == Facts()


def test_json_keeps_all_of_it() -> None:
    extras = (" Seit 14 Uhr.",)
    said = {one: Sentence("ALARM ", "Straße", ": 5 °C.", extras, one) for one in Language}
    made = Facts(rule="x", value=1.5, bounds={"on": 1}, measured_at=minute(0))
    assert facts.read(facts.written(made, said)) == Facts(
        rule="x", value=1.5, bounds={"on": 1.0}, measured_at=minute(0), said=said
    )
