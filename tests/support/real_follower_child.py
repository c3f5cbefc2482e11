"""A process with one follower that records its calls, to be killed: URL FILE."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert

from stadtsinn.base.clock import SystemClock
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.log.followers.loop import FollowerLoop, Pace
from stadtsinn.cloud.log.uplinks.uplink import LoggedUplink
from stadtsinn.cloud.platform.database.engine import open_database

applied = Table("applied", MetaData(), Column("position", Integer), Column("f_cnt", Integer))


class TracingFollower:
    """Writes counters to a file in `prepare` and to a table without any key in `apply`."""

    name = "tracing"

    def __init__(self, outside: Path) -> None:
        self._outside = outside

    def prepare(self, uplinks: Sequence[LoggedUplink]) -> None:
        with self._outside.open("a") as file:
            file.writelines(f"{u.f_cnt}\n" for u in uplinks)

    def apply(self, connection: Connection, uplinks: Sequence[LoggedUplink]) -> None:
        rows = [{"position": u.position, "f_cnt": u.f_cnt} for u in uplinks]
        connection.execute(insert(applied), rows)

    def tick(self, connection: Connection, now: Instant) -> None:
        pass

    def reset(self, connection: Connection) -> None:
        connection.execute(applied.delete())


def main(url: str, outside: str) -> None:
    database = open_database(url)
    loop = FollowerLoop(database, TracingFollower(Path(outside)), SystemClock(), pace=Pace(batch=7))
    loop.start()
    threading.Event().wait()
