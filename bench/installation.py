"""One side's installation on real servers: its configuration, its database, its processes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from side import Side
from traffic import device_mix

from stadtsinn.base.instant import SECOND
from stadtsinn.cloud.broker.authority import Authority
from stadtsinn.cloud.broker.files import access_list
from stadtsinn.simulator.demo.children import Child
from stadtsinn.simulator.demo.mosquitto import Mosquitto, Program
from stadtsinn.simulator.demo.ports import free_port
from stadtsinn.simulator.demo.probe import metric

_BEHIND = ("series", "live", "alerts", "notify", "api")
_TIMEOUT_S = 300


@dataclass(frozen=True)
class Rates:
    """Uplinks per second, from the connection to the broker."""

    committed: float
    in_series: float


class Installation:
    """The cloud of one side, in a folder of its own.

    Its town has the tenant and the edge ``bench-<side>``. The ingest and the followers of the log
    are two processes, as in `make demo`.
    """

    def __init__(
        self,
        side: Side,
        folder: Path,
        broker_port: int,
        prepared: Path,
        series_url: str | None,
        sms: str = 'kind = "sandbox"',
    ) -> None:
        """`prepared` is the side's database with its town, made by `prepare`; `sms`: what stands in
        the section ``[notify.sms]``."""
        folder.mkdir(parents=True)
        shutil.copy(prepared, folder / "cloud.sqlite")
        self.side = side
        self.folder = folder
        self.edge_id = name_of(side)
        self._health, self._api = free_port(), free_port()
        self._config = folder / "cloud.toml"
        self._config.write_text(
            _CLOUD.format(
                database=json.dumps(f"sqlite:///{folder / 'cloud.sqlite'}"),
                series=json.dumps(series_url or f"sqlite:///{folder / 'series.sqlite'}"),
                broker=broker_port,
                client=self.edge_id,
                api=self._api,
                health=self._health,
                sms=sms,
            )
        )
        self.ingest = self._child("ingest", ("ingest",))
        self._behind = self._child("behind", _BEHIND)
        self._ask = sqlite3.connect(folder / "cloud.sqlite")

    def subscribe(self) -> None:
        """Make the sessions, so that the broker keeps what is published from now on."""
        self.start()
        self.stop()

    def start(self) -> None:
        """Start both processes; on return the ingest is connected."""
        self._behind.start()
        self._wait(lambda: metric(self._api, "stadtsinn_follower_position") is not None)
        self.ingest.start()
        self._wait(self._connected)

    def stop(self) -> None:
        self.ingest.stop()
        self._behind.stop()

    def drain(self, count: int) -> Rates:
        """Process `count` waiting uplinks and measure the rates."""
        before = self.head()
        self.start()
        began = time.time() * SECOND
        self.wait_for("series", before + count)
        ended = time.time() * SECOND
        self.stop()
        last, copies = self._ask.execute(
            "SELECT max(committed_at), count(*) FROM uplinks WHERE position > ?", (before,)
        ).fetchone()
        assert copies == count, f"{copies} uplinks were logged of {count}"
        return Rates(count / (last - began) * SECOND, count / (ended - began) * SECOND)

    def head(self) -> int:
        """Position of the newest uplink."""
        return self._ask.execute("SELECT max(position) FROM uplinks").fetchone()[0] or 0

    def delays(self, after: int) -> list[float]:
        """Milliseconds from event time to commit of the uplinks after a position."""
        query = "SELECT committed_at - event_time FROM uplinks WHERE position > ?"
        return [row[0] / 1000 for row in self._ask.execute(query, (after,))]

    def wait_for(self, follower: str, position: int) -> None:
        """Until a follower has come that far."""
        query = "SELECT position FROM follower_cursors WHERE name = ?"

        def there() -> bool:
            row = self._ask.execute(query, (follower,)).fetchone()
            return row is not None and row[0] >= position

        self._wait(there)

    def close(self) -> None:
        self.stop()
        self._ask.close()

    def _connected(self) -> bool:
        links = metric(self._health, "stadtsinn_ingest_broker_connected")
        return links is not None and links >= 2  # edges and the network server

    def _child(self, name: str, roles: tuple[str, ...]) -> Child:
        only = [argument for role in roles for argument in ("--only", role)]
        arguments = ["cloud", "run", "--config", str(self._config), *only]
        return self.side.child(name, arguments, self.folder / f"{name}.log")

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while not condition():
            self.ingest.check()
            self._behind.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self.side.name}: waited {_TIMEOUT_S} s: see {self.folder}")
            time.sleep(0.01)


class EdgeAgent:
    """An edge agent of a side between two brokers; the connection to the cloud uses TLS."""

    def __init__(self, installation: Installation, local: Mosquitto, cloud: SecureBroker) -> None:
        self._health = free_port()
        folder = installation.folder
        credentials = cloud.authority.issue_edge(installation.edge_id)
        config = folder / "edge.toml"
        config.write_text(
            _EDGE.format(
                edge=installation.edge_id,
                local=local.port,
                cloud=cloud.secure_port,
                ca=json.dumps(str(credentials.ca)),
                certificate=json.dumps(str(credentials.certificate)),
                key=json.dumps(str(credentials.key)),
                spool=json.dumps(str(folder / "spool.sqlite")),
                health=self._health,
            )
        )
        arguments = ["edge", "run", "--config", str(config)]
        self.process = installation.side.child("edge", arguments, folder / "edge.log")

    def delivered(self) -> int:
        """Uplinks that the cloud has acknowledged since the start."""
        self.process.check()
        return int(metric(self._health, "stadtsinn_edge_items_acknowledged_total") or 0)

    def ready(self) -> bool:
        """Whether its metrics can be read."""
        self.process.check()
        return metric(self._health, "stadtsinn_edge_spool_items") is not None


class SecureBroker:
    """The cloud's broker: a port without TLS and accounts, and one for edges as a town has it."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.authority = Authority.create(folder / "certificates", "bench")
        self.secure_port = free_port()
        server = self.authority.issue_server(["localhost", "127.0.0.1"])
        access = folder / "access.acl"
        access.write_text("topic readwrite #\n" + access_list())
        options = (
            f"acl_file {access}",
            f"listener {self.secure_port} 127.0.0.1",
            f"cafile {server.ca}",
            f"certfile {server.certificate}",
            f"keyfile {server.key}",
            "require_certificate true",
            "use_identity_as_username true",
        )
        self._broker = Mosquitto(program, folder / "broker", port=free_port(), options=options)
        self.port = self._broker.port
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self._exits.enter_context(self._broker)
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()


def name_of(side: Side) -> str:
    """The id of a side's tenant and of its edge."""
    return f"bench-{side.name}"


def prepare(side: Side, folder: Path, devices: int) -> Path:
    """A database of the side with that many devices, each at a station of its own.

    Before each of them another device was there, so there are twice as many deployments.
    """
    folder.mkdir(parents=True)
    database, config, town = (folder / name for name in ("db.sqlite", "cloud.toml", "town.toml"))
    config.write_text(f"[database]\nurl = {json.dumps(f'sqlite:///{database}')}\n")
    town.write_text(_town(name_of(side), devices))
    side.run("registry", "apply", str(town), "--config", str(config))
    with sqlite3.connect(database) as connection:
        _add_earlier_deployments(connection)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database


def _add_earlier_deployments(connection: sqlite3.Connection) -> None:
    """Until yesterday a device that is scrap now; revisions before stations have no such table."""
    columns = [row[1] for row in connection.execute("PRAGMA table_info(deployments)")]
    if not columns:
        return
    yesterday = int((time.time() - 86_400) * SECOND)
    copied = {name: f'"{name}"' for name in columns if name != "id"}
    names = ", ".join(f'"{name}"' for name in copied)
    copied |= {"dev_eui": "'ffff' || substr(dev_eui, 5)", "end": "start"}
    connection.execute("UPDATE deployments SET start = ?", (yesterday,))
    connection.execute(
        f"INSERT INTO deployments ({names}) "  # noqa: S608
        f"SELECT {', '.join(copied.values())} FROM deployments"
    )
    connection.execute("UPDATE deployments SET start = 0 WHERE dev_eui LIKE 'ffff%'")


def _town(name: str, devices: int) -> str:
    lines = [f'tenant = "{name}"', 'name = "Bench"', "[[edges]]", f'id = "{name}"', 'name = "B"']
    for dev_eui, kind, _, _ in device_mix(devices):
        device = {"dev_eui": dev_eui, "type": kind, "name": dev_eui}
        lines += ["[[devices]]", *(f'{key} = "{value}"' for key, value in device.items())]
    return "\n".join(lines) + "\n"


_CLOUD = """\
[database]
url = {database}
[series]
url = {series}
[broker]
port = {broker}
[ingest]
client_id = "{client}"
[[network_servers]]
name = "county"
[api]
bind = "127.0.0.1:{api}"
[health]
bind = "127.0.0.1:{health}"
[notify.sms]
{sms}
"""

_EDGE = """\
edge_id = "{edge}"
[local_broker]
port = {local}
[cloud_broker]
host = "127.0.0.1"
port = {cloud}
[cloud_broker.tls]
ca = {ca}
certificate = {certificate}
key = {key}
[spool]
path = {spool}
[commit]
rows = 200
seconds = 0.02
[health]
address = "127.0.0.1:{health}"
"""
