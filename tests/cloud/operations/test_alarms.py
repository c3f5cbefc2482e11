"""Operators are told once, again after a day, and when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf, nan
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from fake_senders import with_texts
from fake_uplinks import at
from operated_town import DEVICE, OFFLINE, OTHER, Town, status
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.disk import Space
from stadtsinn.base.instant import DAY, Instant, isoformat
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.operations.alarms import OperatorAlarms, Watched
from stadtsinn.cloud.operations.disks import Disk
from stadtsinn.cloud.operations.repository import note_told, told
from stadtsinn.cloud.operations.settings import OperatorSettings
from stadtsinn.cloud.operations.told import Told
from stadtsinn.cloud.town.stations.tables import deployments
from stadtsinn.cloud.town.tables import devices, edges
from stadtsinn.decoders.reading import Reading

SETTINGS = OperatorSettings(tenant="musterstadt", recipients=("it",), nothing_minutes=10_000)


def disk(days_left: float = inf) -> Disk:
    return Disk(Path("/var/lib/stadtsinn"), Space(900_000_000, 20_000_000_000), days_left)


@dataclass
class SilentModem:
    name: str = "rathaus"
    since: Instant | None = None

    def silent_since(self) -> Instant | None:
        return self.since


class Operator:
    """Looks when it is told to, and reads what it put into the outbox."""

    def __init__(self, town: Town, settings: OperatorSettings = SETTINGS) -> None:
        self.town = town
        self.clock = ManualClock(at(0))
        self.ends: dict[str, Instant] = {}
        self.disks: list[Disk] = []
        self.modem = SilentModem()
        self.settings = settings
        self._read = 0
        self.start()

    def start(self) -> None:
        """As a process that was started again."""
        folders = ["/var/lib/stadtsinn"]
        watched = Watched(lambda: self.ends, lambda: self.disks, lambda: folders, [self.modem])
        self.alarms = OperatorAlarms(self.town.database, self.clock, self.settings, watched)

    def look(self, seconds: float) -> list[str]:
        """What is new in the outbox after a look at devices, too."""
        self.clock.set(at(seconds))
        self.alarms._looks = 0
        self.alarms.step()
        query = select(outbox).where(outbox.c.id > self._read)
        with self.town.database.read() as connection:
            found = with_texts(connection.execute(query.order_by(outbox.c.id)))
        self._read = max((row.id for row in found), default=self._read)
        return [row.text for row in found]


@pytest.fixture
def operator(town: Town) -> Operator:
    person = {"tenant_id": "musterstadt", "channel": "sms", "language": "de"}
    with town.database.write() as connection:
        connection.execute(
            insert(recipients),
            [
                {**person, "slug": "it", "name": "IT", "address": "+4915100000001"},
                {**person, "slug": "amt", "name": "Amt", "address": "+4915100000002"},
            ],
        )
    return Operator(town)


def test_an_edge_is_told_of_once_again_and_when_it_is_back(operator: Operator) -> None:
    town = operator.town
    town.says(0, status())
    assert operator.look(60) == []
    town.says(600, OFFLINE)
    assert operator.look(600 + 29 * 60) == []  # a restart
    away = "Betrieb: Agent fort: rathaus, seit 26.09.2026, 09:10"
    assert operator.look(600 + 30 * 60) == [away]
    assert operator.look(600 + 31 * 60) == []
    operator.start()
    assert operator.look(600 + 32 * 60) == []
    assert operator.look(600 + 30 * 60 + 86_400 - 1) == []
    assert operator.look(600 + 30 * 60 + 86_400) == [
        "Betrieb: Agent fort (weiterhin): rathaus, seit 26.09.2026, 09:10"
    ]
    town.says(100_000, status(100_000))
    assert operator.look(100_000) == ["Betrieb: Agent wieder da: rathaus"]
    assert operator.look(100_060) == []


def test_devices_share_a_message(operator: Operator) -> None:
    operator.town.log(0, source="chirpstack:town")
    operator.town.log(0, dev_eui=OTHER, source="chirpstack:town")
    operator.town.log(0, dev_eui="70b3d50000000200", source="x", tenant_id="nachbar")
    assert operator.look(4 * 600) == []
    (told,) = operator.look(4 * 600 + 1)
    assert told == f"Betrieb: Gerät stumm: {DEVICE}, {OTHER}, 70b3d50000000200"
    operator.town.log(2500, source="chirpstack:town")
    assert operator.look(2600) == [f"Betrieb: Gerät meldet sich wieder: {DEVICE}"]


def test_many_are_counted(operator: Operator) -> None:
    from stadtsinn.cloud.operations.conditions import Condition, Kind
    from stadtsinn.cloud.operations.sayings import Turn, said

    many = [Condition(Kind.DEVICE_SILENT, f"{n}", at(0), f"Linde {n}") for n in range(400)]
    shown = said(Kind.DEVICE_SILENT, Turn.BEGINS, many)
    assert {one.name for one in shown.values()} == {
        "Linde 0, Linde 1, Linde 2 und 397 weitere",
        "Linde 0, Linde 1, Linde 2 and 397 more",
    }


def test_an_edge_that_is_away_explains_its_devices(operator: Operator) -> None:
    town = operator.town
    town.says(0, status())
    town.log(0)
    town.log(0, dev_eui=OTHER, source="chirpstack:town")
    town.says(10, OFFLINE)
    told = operator.look(4 * 600 + 60)
    assert told == [
        f"Betrieb: Gerät stumm: {OTHER}, seit 26.09.2026, 09:00",
        "Betrieb: Agent fort: rathaus, seit 26.09.2026, 09:00",
    ]
    assert operator.look(4 * 600 + 120) == []


def test_a_silence_that_was_told_is_not_cleared_by_its_edge_going_away(operator: Operator) -> None:
    town = operator.town
    town.says(0, status())
    town.log(0)
    town.says(2400, status(2400))
    (silent,) = operator.look(2500)
    assert "stumm" in silent
    town.says(2600, OFFLINE)
    assert operator.look(2700) == []
    assert [one.partition(":")[2][:12] for one in operator.look(2600 + 1800)] == [" Agent fort:"]


def test_what_was_deleted_is_not_well_again(operator: Operator) -> None:
    town = operator.town
    town.says(0, OFFLINE)
    town.log(0, source="chirpstack:town")
    assert len(operator.look(3000)) == 2
    with town.database.write() as connection:
        for table in (deployments, devices, edges):
            connection.execute(table.delete())
    assert operator.look(3060) == []
    assert operator.alarms.check().warnings == ()


def test_what_was_given_to_another_town_is_not_well_again(operator: Operator) -> None:
    town = operator.town
    town.log(0, source="chirpstack:town")
    assert len(operator.look(3000)) == 1
    with town.database.write() as connection:
        given = update(devices).where(devices.c.dev_eui == DEVICE)
        connection.execute(given.values(tenant_id="nachbar", created_at=at(3030)))
    assert operator.look(3060) == []
    assert operator.alarms.check().warnings == ()


def test_nothing_at_all_is_one_message(operator: Operator) -> None:
    operator.settings = SETTINGS.model_copy(update={"nothing_minutes": 120})
    operator.start()
    operator.town.log(0, source="chirpstack:town")
    (silent,) = operator.look(3 * 600 * 2)  # a device that is more often than two hours
    assert "stumm" in silent
    operator.town.log(3700, source="chirpstack:town")
    operator.look(3701)
    assert operator.look(3701 + 7201) == [
        "Betrieb: Es kommt nichts mehr an, seit 26.09.2026, 10:01"
    ]
    operator.town.log(12_000, source="chirpstack:town")
    assert operator.look(12_001) == ["Betrieb: Es kommt wieder etwas an"]


def test_an_empty_installation_misses_nothing(operator: Operator) -> None:
    operator.settings = SETTINGS.model_copy(update={"nothing_minutes": 1})
    operator.start()
    assert operator.look(1_000_000) == []


def test_a_battery_is_good_again_when_it_was_replaced(operator: Operator) -> None:
    town = operator.town
    town.log(0, Reading("battery_level", 15.0))
    assert operator.look(1) == [f"Betrieb: Batterie schwach: {DEVICE}, 15 %"]
    for minute, level in enumerate((16, 14, 20), 1):
        town.log(minute * 60, Reading("battery_level", level))
        assert operator.look(minute * 60) == [], level
    town.log(300, Reading("battery_level", 21))
    assert operator.look(300) == [f"Betrieb: Batterie wieder gut: {DEVICE}"]


def test_certificates_of_this_machine_and_of_edges(operator: Operator) -> None:
    now = at(0)
    operator.ends = {"/etc/stadtsinn/ca.pem": Instant(now + 31 * DAY)}
    operator.town.says(0, status(certificate_ends=isoformat(now + 12 * DAY)))
    (told,) = operator.look(0)
    assert told == "Betrieb: Zertifikat läuft ab: rathaus, am 08.10.2026, 09:00"
    operator.ends = {"/etc/stadtsinn/ca.pem": Instant(now + 30 * DAY)}
    assert operator.look(1) == [
        "Betrieb: Zertifikat läuft ab: /etc/stadtsinn/ca.pem, am 26.10.2026, 08:00"
    ]
    operator.town.says(2, status(certificate_ends=isoformat(now + 900 * DAY)))
    assert operator.look(3) == ["Betrieb: Zertifikat erneuert: rathaus"]


def test_a_disk(operator: Operator) -> None:
    operator.disks = [disk(nan)]
    assert operator.look(0) == ["Betrieb: Datenträger wird voll: /var/lib/stadtsinn, 900 MB frei"]
    operator.disks = [disk(3.9)]
    (again,) = operator.look(86_400)
    assert again.startswith("Betrieb: Datenträger wird voll (weiterhin): /var/lib/stadtsinn")
    assert again.endswith(", 900 MB frei, voll in 3 Tagen")
    operator.disks = [disk(1.4)]
    (last,) = operator.look(172_800)
    assert last.endswith(", 900 MB frei, voll in 1 Tag")
    operator.disks = []
    assert operator.look(172_801) == ["Betrieb: Datenträger hat wieder Platz: /var/lib/stadtsinn"]


def test_many_are_told_in_one_message_and_written_in_slices(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No town waits for the row of each silent device."""
    count = 1_203
    operator.disks = []
    operator.ends = {f"{n}.pem": at(0) for n in range(count)}
    written: list[int] = []
    write = operator.town.database.write

    @contextmanager
    def counted() -> Iterator[Connection]:
        with write() as connection:
            before = len(told(connection))
            yield connection
            written.append(len(told(connection)) - before)

    monkeypatch.setattr(operator.town.database, "write", counted)
    (text,) = operator.look(0)
    assert text.endswith(f"und {count - 3} weitere")
    assert written == [500, 500, 203]
    written.clear()
    assert operator.look(60) == []
    assert written == []  # nothing turned: no lock is taken
    operator.ends = {f"{n}.pem": at(9e7) for n in range(count)}
    (text,) = operator.look(120)
    assert "erneuert" in text
    assert written == [-500, -500, -203]


@pytest.mark.slow
def test_what_turns_all_the_time_is_told_of_a_few_times_an_hour(operator: Operator) -> None:
    """An edge that says so of its certificate costs no message a minute, and hides no disk."""
    town = operator.town
    told: list[str] = []
    for minute in range(120):
        ends = isoformat(at(900 * 86_400 * (minute % 2)))
        town.says(minute * 60, status(minute * 60, certificate_ends=ends))
        operator.disks = [disk()] if minute >= 50 else []
        told += operator.look(minute * 60)
    assert sum("Zertifikat" in text for text in told) == 8
    assert sum("Datenträger" in text for text in told) == 1
    town.says(7200, status(7200, certificate_ends=isoformat(at(0))))
    (last,) = operator.look(7200)
    assert last.startswith("Betrieb: Zertifikat läuft ab: rathaus")


def test_two_processes_tell_it_once(operator: Operator) -> None:
    operator.disks = [disk()]
    other = Operator(operator.town)
    other.disks = operator.disks
    found = other.alarms._tell

    def slower(*arguments: Any) -> None:
        """The first one looks and tells between the other's look and its telling."""
        assert len(operator.look(0)) == 1
        found(*arguments)

    other.alarms._tell = slower  # type: ignore[method-assign,assignment]
    other._read = 10**9
    other.look(0)
    with operator.town.database.read() as connection:
        assert len(connection.execute(select(outbox.c.id)).all()) == 1


def test_a_later_versions_alarms_stay_as_they_are(operator: Operator) -> None:
    row = Told("later", "s", at(0), at(0), 1, "")
    with operator.town.database.write() as connection:
        note_told(connection, [row])
    assert operator.look(0) == []
    with operator.town.database.read() as connection:
        assert list(told(connection)) == [("later", "s")]


def test_without_recipients_health_says_it(operator: Operator) -> None:
    operator.settings = OperatorSettings()
    operator.start()
    operator.disks = [disk()]
    assert operator.look(0) == []
    check = operator.alarms.check()
    assert (check.ok, check.warnings) == (True, ("disk fills: /var/lib/stadtsinn",))
    operator.disks = []
    operator.look(1)
    assert operator.alarms.check().warnings == ()


@pytest.mark.slow
def test_a_recipient_that_is_not_there_is_named(operator: Operator) -> None:
    operator.settings = SETTINGS.model_copy(update={"recipients": ("it", "niemand")})
    operator.start()
    operator.disks = [disk()]
    assert len(operator.look(0)) == 1
    assert "no recipient 'niemand'" in operator.alarms.check().warnings[0]


def test_devices_are_looked_at_now_and_then_only(operator: Operator) -> None:
    operator.town.log(0, source="chirpstack:town")
    assert len(operator.look(3000)) == 1
    operator.town.log(3100, source="chirpstack:town")
    operator.clock.set(at(3200))
    for _ in range(9):  # what is not looked at has not ended
        operator.alarms.step()
    with operator.town.database.read() as connection:
        assert len(connection.execute(select(outbox.c.id)).all()) == 1
    operator.alarms.step()
    with operator.town.database.read() as connection:
        assert len(connection.execute(select(outbox.c.id)).all()) == 2


def test_every_text_fits_one_message(operator: Operator) -> None:
    from stadtsinn.base.language import Language
    from stadtsinn.cloud.alarms.notify.text import ONE_PART_SEPTETS, compose, septets
    from stadtsinn.cloud.operations.conditions import Condition, Kind
    from stadtsinn.cloud.operations.sayings import Turn, said

    for kind in Kind:
        for turn in Turn:
            for name in ("", "Linde " * 40):
                one = Condition(kind, "s", at(0), name, "x" * 60)
                for language in Language:
                    text = compose(said(kind, turn, [one])[language])
                    assert septets(text) <= ONE_PART_SEPTETS
                    assert text.strip() == text


def test_a_modem_that_is_silent_and_one_that_is_back(operator: Operator) -> None:
    assert operator.look(0) == []
    operator.modem.since = at(0)
    (told,) = operator.look(900)
    assert told.startswith("Betrieb: SMS-Modem stumm: rathaus, seit ")
    assert operator.look(960) == []
    operator.modem.since = None
    assert operator.look(1_020) == ["Betrieb: SMS-Modem wieder da: rathaus"]
