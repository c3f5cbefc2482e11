"""No town's messages wait for all that another town has to say."""

from __future__ import annotations

from typing import Any

import pytest

from fake_senders import FakeSender, Outbox
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.alarms.notify import worker
from stadtsinn.cloud.alarms.notify.message import Kind
from stadtsinn.cloud.alarms.notify.senders.base import Found, Outcome, Result

MANY = 12
QUIET = "nachbar"


@pytest.fixture
def loud(box: Outbox) -> Outbox:
    """A town that has written a lot before the other one writes."""
    for number in range(MANY):
        box.put(incident=f"{number}-1", text="loud")
    return box


@pytest.fixture
def quiet(loud: Outbox) -> Outbox:
    return Outbox(loud.database, clock=loud.clock, wall=loud.wall, tenant=QUIET)


def test_an_alarm_of_another_town_is_the_next_but_one(
    loud: Outbox, quiet: Outbox, sender: FakeSender
) -> None:
    sending = loud.worker(sender)
    quiet.put(incident="901-1", text="quiet")
    quiet.put(incident="902-1", text="quiet")
    assert sending.run_once() == MANY + 2
    assert [n for n, text in enumerate(sender.texts) if text == "quiet"] == [1, 3]


def test_a_flood_of_alarms_keeps_no_all_clear(
    loud: Outbox, quiet: Outbox, sender: FakeSender
) -> None:
    quiet.put(Kind.TECHNICAL, incident="901-1", text="quiet")
    loud.worker(sender).run_once()
    assert sender.texts.index("quiet") < worker._OTHERS_TURN


def test_within_a_town_and_with_nobody_else_waiting_alarms_are_first(
    loud: Outbox, sender: FakeSender
) -> None:
    loud.put(Kind.TECHNICAL, incident="901-1", text="later")
    loud.put(incident="902-1", text="loud")
    loud.worker(sender).run_once()
    assert sender.texts == ["loud"] * (MANY + 1) + ["later"]


def test_a_provider_that_cannot_be_asked_of_many_is_asked_of_all(
    box: Outbox, sender: FakeSender
) -> None:
    """So many doubts of one town are not always the first ones."""
    sender.answers = [Result(Outcome.UNKNOWN, reason="timeout")] * 4
    sender.found = OSError("away")
    kept: dict[str, Any] = {"expires_at": Instant(box.clock.now() + DAY)}
    for number in range(3):
        box.put(incident=f"{number}-1", text="loud", **kept)
    other = Outbox(box.database, clock=box.clock, wall=box.wall, tenant=QUIET)
    sending = box.worker(sender)
    sending.run_once()
    other.put(incident="901-1", text="quiet", **kept)
    sending.run_once()
    box.wait(60)
    sending.run_once()
    asked = [*sender.asked]
    sending.run_once()
    assert sender.asked == asked, "asked again only after a while"
    assert len(asked) == 4
    box.wait(60)
    sender.found = Found.YES
    sending.run_once()
    assert {row.status for row in box.rows()} == {"ACCEPTED"}
