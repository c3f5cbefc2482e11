"""Where a measurement got stuck: each stage in turn lacks it, and is named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from fake_uplinks import at
from operated_town import DEVICE, OFFLINE, STOPPED, Town, status
from stadtsinn.base.clock import ManualClock
from stadtsinn.cloud.intake.arrival import Kind, Origin, Original, Rejection
from stadtsinn.cloud.intake.reasons import Reason
from stadtsinn.cloud.intake.repository import put_in_quarantine
from stadtsinn.cloud.log.cursors.repository import ensure_cursor, move_cursor, read_cursor
from stadtsinn.cloud.log.set_aside.repository import SetAside, add
from stadtsinn.cloud.operations.trace import FOLLOWERS, Stage, Trace, Why, trace
from stadtsinn.cloud.series.points import PointMaker
from stadtsinn.cloud.series.stores.embedded.store import EmbeddedStore
from stadtsinn.cloud.series.stores.store import SeriesUnavailable
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.cloud.town.stations.tables import deployments
from stadtsinn.decoders.reading import Undecoded


class Bench:
    def __init__(self, town: Town, folder: Path) -> None:
        self.town = town
        clock = ManualClock(at(0))
        self.store = EmbeddedStore(folder / "series.sqlite", clock)
        self.points = PointMaker(DirectoryCache(town.database), clock)

    def trace(self, seconds: float, dev_eui: str = DEVICE) -> Trace:
        with self.town.database.read() as connection:
            return trace(connection, self.points, self.store, dev_eui, at(seconds))

    def why(self, seconds: float) -> tuple[Why, Stage | None]:
        missing = self.trace(seconds).missing
        return missing.why, missing.stage

    def follow(self, position: int, names: Iterable[str] = FOLLOWERS) -> None:
        """The followers have applied everything up to this position; the series are written."""
        with self.town.database.write() as connection:
            for name in names:
                ensure_cursor(connection, name, at(0))
                before = read_cursor(connection, name)
                move_cursor(connection, name, before, position, at(50))

    def store_last(self) -> None:
        from stadtsinn.cloud.log.uplinks.repository import newest_of

        with self.town.database.read() as connection:
            (last,) = newest_of(connection, "musterstadt", DEVICE, 1)
        up = last.uplink
        self.store.write(self.points.points(up.tenant_id, up.dev_eui, up.event_time, up.outcome))


@pytest.fixture
def bench(town: Town, tmp_path: Path) -> Bench:
    return Bench(town, tmp_path)


def quarantine(town: Town, seconds: float, reason: Reason = Reason.IMPLAUSIBLE_TIME) -> None:
    original = Original(
        Kind.EVENT, Origin("chirpstack:town", None), "t", b"x", 1, at(seconds), "chirpstack"
    )
    with town.database.write() as connection:
        put_in_quarantine(connection, [Rejection(original, reason, "why", DEVICE)], at(seconds))


def test_all_the_way(bench: Bench) -> None:
    bench.town.log(0)
    bench.follow(1)
    bench.store_last()
    found = bench.trace(60)
    assert [step.stage for step in found.steps] == list(Stage)
    assert all(step.done for step in found.steps)
    assert found.missing.why is Why.NOTHING
    radio, edge, log, decoded, station, series, *_ = found.steps
    assert (radio.at, radio.told["rssi"], radio.told["gateways"]) == (at(0), -71, 1)
    assert (edge.at, edge.told["source"]) == (at(0), "edge:rathaus")
    assert (log.at, log.told["position"]) == (at(1), 1)
    assert decoded.told == {"decoder": "dragino/lse01@1", "values": 1}
    assert station.told == {"stations": [DEVICE]}
    assert series.at == at(50)


def test_all_that_waits_of_an_unregistered_device_is_counted(bench: Bench) -> None:
    """Also where more wait than are shown."""
    stranger = "70b3d500000009ff"
    origin = Origin("chirpstack:town", None)
    for number in range(7):
        original = Original(Kind.EVENT, origin, "t", bytes([number]), 1, at(number), "chirpstack")
        rejection = Rejection(original, Reason.UNREGISTERED_DEVICE, "why", stranger)
        with bench.town.database.write() as connection:
            put_in_quarantine(connection, [rejection], at(number))
    found = bench.trace(10, stranger)
    assert (len(found.quarantined), found.missing.told["times"]) == (5, 7)


def test_a_device_that_nobody_registered(bench: Bench) -> None:
    found = bench.trace(0, "70b3d500000009ff")
    assert (found.device, found.missing.why) == (None, Why.NOT_REGISTERED)


def test_nothing_ever_came(bench: Bench) -> None:
    assert bench.why(0) == (Why.NEVER_HEARD, Stage.RADIO)
    bench.town.says(0, OFFLINE)
    assert bench.why(10) == (Why.EDGE_AWAY, Stage.EDGE)
    quarantine(bench.town, 20)
    assert bench.why(30) == (Why.QUARANTINED, Stage.LOG)


def test_the_newest_uplink_was_not_taken(bench: Bench) -> None:
    bench.town.log(100)
    bench.follow(1)
    bench.store_last()
    quarantine(bench.town, 50)  # older: the device is well since
    assert bench.why(120) == (Why.NOTHING, None)
    quarantine(bench.town, 700)
    found = bench.trace(710)
    assert found.missing.why is Why.QUARANTINED
    assert found.missing.told["reason"] == "implausible_time"


def test_a_payload_that_nobody_can_read(bench: Bench) -> None:
    bench.town.log(0, outcome=Undecoded("truncated", "2 bytes are missing"))
    found = bench.trace(10)
    assert (found.missing.why, found.missing.stage) == (Why.UNDECODED, Stage.DECODED)
    assert found.missing.told["reason"] == "truncated"


def test_a_device_that_is_at_no_station(bench: Bench) -> None:
    with bench.town.database.write() as connection:
        connection.execute(deployments.delete().where(deployments.c.dev_eui == DEVICE))
    bench.town.log(0)
    bench.follow(1)
    assert bench.why(10) == (Why.NO_STATION, Stage.STATION)


@pytest.mark.parametrize("name", FOLLOWERS)
def test_a_follower_that_is_behind(name: str, bench: Bench) -> None:
    bench.town.log(0)
    bench.town.log(60)
    bench.follow(2, [one for one in FOLLOWERS if one != name])
    bench.store_last()
    found = bench.trace(100)
    assert (found.missing.why, found.missing.stage) == (Why.BEHIND, Stage(name))
    assert (found.missing.told["follower"], found.missing.told["behind"]) == (name, 2)


def test_a_follower_that_could_not_apply_it(bench: Bench) -> None:
    bench.town.log(0)
    bench.follow(1)
    with bench.town.database.write() as connection:
        add(connection, SetAside("alerts", 1, DEVICE, "ZeroDivisionError", "…", at(5)))
    found = bench.trace(10)
    assert (found.missing.why, found.missing.stage) == (Why.SET_ASIDE, Stage.ALERTS)


def test_a_value_that_is_not_in_the_store(bench: Bench) -> None:
    """The store was set back, or its retention is over: the cursor does not know it."""
    bench.town.log(0)
    bench.follow(1)
    assert bench.why(10) == (Why.NOT_STORED, Stage.SERIES)


def test_a_store_that_is_away(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.town.log(0)
    bench.follow(1)

    def away(*_: object, **__: object) -> None:
        raise SeriesUnavailable("InfluxDB does not answer", "fort")

    monkeypatch.setattr(bench.store, "read", away)
    assert bench.why(10) == (Why.STORE_AWAY, Stage.SERIES)


LATE = 4 * 600


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (status(LATE), Why.SILENT),
        (OFFLINE, Why.EDGE_AWAY),
        (STOPPED, Why.EDGE_STOPPED),
        (status(LATE, local_broker=False), Why.EDGE_ALONE),
        (status(LATE, spool={"items": 5, "oldest": "2026-09-26T07:30:00Z"}), Why.EDGE_WAITS),
        (status(LATE, spool={"items": 5, "oldest": "2026-09-26T07:39:59Z"}), Why.SILENT),
        (status(LATE, spool={"refuses": "disk full"}), Why.EDGE_FULL),
    ],
)
def test_what_keeps_the_next_measurement(said: bytes, expected: Why, bench: Bench) -> None:
    bench.town.log(0)
    bench.follow(1)
    bench.store_last()
    bench.town.says(LATE, said)
    assert bench.why(LATE)[0] is expected


def test_another_edge_does_not_keep_it(bench: Bench) -> None:
    bench.town.log(0, source="chirpstack:town")
    bench.follow(1)
    bench.store_last()
    bench.town.says(LATE, OFFLINE)
    found = bench.trace(LATE)
    assert found.missing.why is Why.SILENT
    assert found.missing.told["since"] == at(0)
