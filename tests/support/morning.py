"""A morning of the simulated day: its log, and real processes that follow it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from sqlalchemy import Connection, select

from databases import migrated_database
from loaded_child import LoadedCommand
from real_parts import wait_until
from stadtsinn.base.clock import SharedClock
from stadtsinn.base.instant import MINUTE, Instant
from stadtsinn.cloud.alarms.alerts.tables import incidents
from stadtsinn.cloud.alarms.notify.message import Status
from stadtsinn.cloud.alarms.notify.tables import outbox, sandbox_messages
from stadtsinn.cloud.domains.crowd.repository import latest_sample, occupancy_history
from stadtsinn.cloud.log.uplinks.repository import append
from stadtsinn.cloud.log.uplinks.rows import Entry
from stadtsinn.cloud.log.uplinks.tables import uplinks
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import Sample, SeriesKey
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.reading import encode_outcome
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.simulator.demo.children import Child
from stadtsinn.simulator.demo.ports import free_port
from stadtsinn.simulator.demo.progress import look
from stadtsinn.simulator.market_day.day import MarketDay
from stadtsinn.simulator.market_day.town import TREE_RULE
from stadtsinn.simulator.radio.network_servers import Publication

ROLES = ("series", "live", "alerts", "notify")

read_event = ChirpStack().read


@dataclass(frozen=True)
class Outcome:
    """Everything the followers and the sender made of the morning."""

    latest: dict[SeriesKey, Sample]
    history: list[tuple[int, ...]]
    now: tuple[int, ...]
    incidents: list[str]
    log: Counter[tuple[object, ...]]
    messages: Counter[tuple[str, int]]
    arrived: Counter[str]


class Morning:
    """A database with the log of a morning, and processes that follow it."""

    def __init__(
        self, folder: Path, day: MarketDay, *, is_logged: bool = True, extra: str = ""
    ) -> None:
        """Not `is_logged`: the log is empty, and the test fills it."""
        self.folder = folder
        self.day = day
        # A tree has just become too dry: the alarm is fresh, so it must be sent.
        (alarm, *_rest) = day.truth.incidents(TREE_RULE)
        self.now = Instant(alarm.start_latest + 3 * MINUTE)
        self.database = migrated_database(folder / "cloud.sqlite")
        apply_town(self.database, day.town, day.span.start)
        heard = (one.event for one in day.uplinks())
        self.heard = list(takewhile(lambda one: one.time < self.now, heard))
        if is_logged:
            _fill(self.database, day, self.heard, self.now)
        self.clock = SharedClock.create(folder / "clock", self.now)
        self.config = folder / "cloud.toml"
        self.config.write_text(
            f'[database]\nurl = "sqlite:///cloud.sqlite"\n[series]\nurl = "sqlite:///series.sqlite"\n'
            f'[health]\nbind = "127.0.0.1:{free_port()}"\n[notify.sms]\nkind = "sandbox"\n'
            "[pace]\ntick_seconds = 0.2\noutbox_seconds = 0.1\n"
            f"{extra}"
        )

    def process(
        self,
        crash_at: str = "",
        *,
        roles: Sequence[str] = ROLES,
        name: str = "followers",
        environment: Mapping[str, str] | None = None,
    ) -> Child:
        only = [argument for role in roles for argument in ("--only", role)]
        clock = ["--clock", f"shared:{self.folder / 'clock'}"]
        return LoadedCommand(
            name,
            ["cloud", "run", "--config", str(self.config), *clock, *only],
            self.folder / f"{name}.log",
            {"STADTSINN_CRASH_AT": crash_at, **(environment or {})},
        )

    def follow(self) -> None:
        """Run until everything is done."""
        child = self.process()
        child.start()
        try:
            self.wait_settled(child)
        finally:
            child.stop()

    def wait_settled(self, *children: Child) -> None:
        def settled() -> bool:
            for child in children:
                child.check()
            with self.database.read() as connection:
                states = set(connection.execute(select(outbox.c.status)).scalars())
                sent = bool(states) and states <= {Status.ACCEPTED, Status.DELIVERED}
                return look(connection).settled(len(self.heard)) and sent

        wait_until(settled, "followers and sender are through")

    def outcome(self) -> Outcome:
        store = open_store(f"sqlite:///{self.folder / 'series.sqlite'}")
        try:
            latest = store.latest(self.day.town.tenant, None)
        finally:
            store.close()
        with self.database.read() as connection:
            sample = latest_sample(connection, 1)
            assert sample is not None
            history = occupancy_history(connection, 1, self.day.span.start, self.now)
            rows = connection.execute(select(outbox.c.kind, outbox.c.recipient_id))
            return Outcome(
                latest=latest,
                history=[(one.event_time, one.occupancy, one.low, one.high) for one in history],
                now=(sample.event_time, sample.occupancy, sample.low, sample.high),
                incidents=sorted(connection.execute(select(incidents.c.id)).scalars()),
                log=_logged(connection),
                messages=Counter((row.kind, row.recipient_id) for row in rows),
                arrived=_arrived(self.database),
            )


def _logged(connection: Connection) -> Counter[tuple[object, ...]]:
    """What each uplink is, without where it came in and when."""
    named = ("tenant_id", "dev_eui", "f_cnt", "event_time", "device_type", "outcome")
    query = select(*(uplinks.c[name] for name in named))
    return Counter(tuple(row) for row in connection.execute(query))


def _arrived(database: Database) -> Counter[str]:
    with database.read() as connection:
        return Counter(connection.execute(select(sandbox_messages.c.address)).scalars())


def _fill(database: Database, day: MarketDay, heard: Sequence[Publication], until: Instant) -> None:
    """Log what the town's server heard until then."""
    types = {device.dev_eui: device.device_type for device in day.town.devices}
    entries = []
    for one in heard:
        event = read_event(one.topic, one.payload, one.time)
        assert isinstance(event, Uplink)
        kind = types[event.dev_eui]
        outcome = encode_outcome(catalogue().decode(*event.frame(kind)))
        entries.append(Entry(day.town.tenant, "edge:edge-rathaus", kind, event, outcome))
    with database.write() as connection:
        append(connection, entries, until)
