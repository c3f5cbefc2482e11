"""Whatever a provider answers and whoever dies: nothing older reaches a telephone after a newer
alarm of the same rule, and no newest alarm is lost.

The provider is faked where HTTP leaves us, so that everything of ours is in between.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import pytest

from by_night import others_by_night
from fake_senders import Outbox
from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.alarms.notify import report_repository
from stadtsinn.cloud.alarms.notify.message import Kind, Status
from stadtsinn.cloud.alarms.notify.senders.http_sms import HttpSmsSender
from stadtsinn.cloud.alarms.notify.senders.provider import SEVEN
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker

pytestmark = pytest.mark.slow

SENT = {"success": "100", "messages": [{"id": "1"}]}
GIVEN_UP = (Status.FAILED, Status.UNKNOWN)
ENDS = (Kind.ALL_CLEAR, Kind.ENDED, Kind.STALE)


class Killed(BaseException):
    """The process is gone, in the middle of a call."""


@dataclass
class Provider:
    """Takes messages to telephones, or not, and says so, or not."""

    box: Outbox
    chance: random.Random
    healthy: bool = False
    reached: list[tuple[str, str]] = field(default_factory=list)
    """Number and text, in the order of arrival."""
    _inside: bool = False

    def worker(self) -> OutboxWorker:
        transport = httpx.MockTransport(self._handle)
        values = {"api_key": "k", "from": "Stadt"}
        made = HttpSmsSender(SEVEN, values, report_url="https://x/r", transport=transport)
        return self.box.worker(made)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if not self._inside and self.chance.random() < 0.2:
            self._inside = True  # a second worker is at it, in another process
            try:
                self.worker().run_once()
            finally:
                self._inside = False
        arrives = self.healthy or self.chance.random() < 0.6
        body = json.loads(request.content)
        if arrives:
            self.reached.append((str(body["to"]), str(body["text"])))
        return httpx.Response(200, json=SENT) if self.healthy else self._answer(arrives=arrives)

    def _answer(self, *, arrives: bool) -> httpx.Response:
        doubt = self.chance.choice((0, 0, 0, 1, 2, 3))
        if doubt == 1:
            raise httpx.ReadTimeout("no answer")
        if doubt == 2:
            return httpx.Response(500)
        if doubt == 3:
            raise Killed
        if arrives:
            return httpx.Response(200, json=SENT)
        if self.chance.random() < 0.2:
            return httpx.Response(422)  # no such number
        return self.chance.choice((httpx.Response(503), httpx.Response(429)))

    def reports(self) -> None:
        """What arrived is reported, late and not always."""
        texts = set(self.reached)
        for row in self.box.rows():
            if row.attempts and self.chance.random() < 0.1:
                arrived = (row.address, row.text) in texts
                status = Status.DELIVERED if arrived else Status.FAILED
                with self.box.database.write() as connection:
                    report_repository.report_by_token(connection, row.report_token, status)


def work(provider: Provider) -> None:
    with suppress(Killed):  # the next call is another process's
        provider.worker().run_once()


def play(box: Outbox, chance: random.Random, rules: tuple[int, int]) -> Provider:
    """Alarms and ends of two rules; then the provider recovers and time passes."""
    provider = Provider(box, chance)
    newest = dict.fromkeys(rules, 0)
    for _ in range(30):
        rule, to = chance.choice(rules), chance.randint(1, 3)
        kept = {"expires_at": Instant(box.clock.now() + DAY)}
        act = chance.random()
        if act < 0.3:
            newest[rule] += 1
            box.put(incident=f"{rule}-{newest[rule]}", text=f"{rule}-{newest[rule]} alarm", to=to)
        elif act < 0.55 and newest[rule]:
            kind = chance.choice(ENDS)
            text = f"{rule}-{newest[rule]} {kind}"
            box.put(kind, incident=f"{rule}-{newest[rule]}", text=text, to=to, **kept)
        elif act < 0.62 and newest[rule]:
            text = f"{rule}-{newest[rule]} alarm, worse"
            box.put(incident=f"{rule}-{newest[rule]}", text=text, to=to, level=2)
        elif act < 0.7:
            provider.reports()
        else:
            work(provider)
            box.wait(chance.choice((0, 1, 15, 130, 700)))
    provider.healthy = True
    for _ in range(30):
        work(provider)
        box.wait(400)
    return provider


def in_order(reached: list[tuple[str, str]]) -> None:
    newest_alarm: dict[tuple[str, str], int] = defaultdict(int)
    for number, text in reached:
        incident, what = text.split(" ", 1)
        rule, began = incident.split("-")
        assert int(began) >= newest_alarm[number, rule], f"{text} after a newer alarm: {reached}"
        if what.startswith("alarm"):
            newest_alarm[number, rule] = int(began)


def nobody_forgotten(box: Outbox, rules: tuple[int, int], reached: list[tuple[str, str]]) -> None:
    """Each row came to its end, and the newest alarm to its recipient, unless it was refused or
    left in doubt twice."""
    arrived = {(number, text.removesuffix(" (evtl. doppelt)")) for number, text in reached}
    mine = [row for row in box.rows() if row.subject in map(str, rules)]
    assert all(row.settled for row in mine)
    newest: dict[tuple[str, str], int] = defaultdict(int)
    for row in mine:
        if row.kind == Kind.ALARM:
            key = (row.address, row.subject)
            newest[key] = max(newest[key], int(row.incident_id.split("-")[1]))
    for row in mine:
        is_newest = row.incident_id == f"{row.subject}-{newest[row.address, row.subject]}"
        if row.kind == Kind.ALARM and is_newest and row.status not in GIVEN_UP:
            text = row.text.removesuffix(" (evtl. doppelt)")
            assert (row.address, text) in arrived, f"{text} was {row.status} ({row.reason})"


@pytest.mark.parametrize("seed", others_by_night(range(3), [0]))
def test_nothing_older_after_a_newer_alarm(box: Outbox, seed: int) -> None:
    for number in range(2):
        rules = (10 * number + 1, 10 * number + 2)
        provider = play(box, random.Random(f"{seed}/{number}"), rules)
        in_order(provider.reached)
        nobody_forgotten(box, rules, provider.reached)
