"""Starts the demo's processes: two brokers, the line between them, an edge agent and the cloud.

Everything lives in one folder, so that it can be looked at afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from stadtsinn.base.backoff import wait_until
from stadtsinn.base.clock import Clock
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.private_files import private_folder, write_private
from stadtsinn.cloud.broker.authority import Authority
from stadtsinn.cloud.broker.files import Listening, configuration, own_passwords, write_broker
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import Database, open_database
from stadtsinn.cloud.roles import FOLLOWERS
from stadtsinn.cloud.series.stores.opening import open_store
from stadtsinn.cloud.series.stores.store import SeriesStore
from stadtsinn.cloud.town_file.apply import apply_town
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.edge.network_servers.chirpstack import ChirpStack
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT
from stadtsinn.simulator.demo.children import Child, ChildFailed
from stadtsinn.simulator.demo.configuration import Ports, cloud_toml, edge_toml
from stadtsinn.simulator.demo.mosquitto import Mosquitto, Program
from stadtsinn.simulator.demo.ports import free_port
from stadtsinn.simulator.demo.probe import healthy, metric
from stadtsinn.simulator.demo.watering import enter_trees
from stadtsinn.simulator.radio.backhaul import Backhaul

_READY_SECONDS = 900
"""Bounds hanging only, for a busy or small machine: a part that ends is noticed at once."""


@dataclass(frozen=True)
class Setting:
    """What is played: devices, clock and series store.

    `trees`: with Musterstadt's tree register. `local_format`: of the network server beside the
    edge agent; `old_events`: they are recorded.
    """

    town: Town
    clock_spec: str = "system"
    series_url: str | None = None
    api_port: int | None = None
    trees: bool = False
    local_format: str = DEFAULT_FORMAT
    old_events: bool = False


class Stage:
    """Starts everything in order and ends it in the opposite order.

    Use it as a context manager; raises ChildFailed or MosquittoUnavailable with the reason
    when something does not come up.
    """

    def __init__(self, folder: Path, program: Program, setting: Setting, clock: Clock) -> None:
        private_folder(folder)
        self.folder = folder
        self.setting = setting
        self._clock = clock
        self._ports = Ports(
            local=free_port(),
            cloud=free_port(),
            secure=free_port(),
            api=setting.api_port or free_port(),
            ingest_health=free_port(),
            edge_health=free_port(),
        )
        self.database_url = f"sqlite:///{folder / 'cloud.sqlite'}"
        self.series_url = setting.series_url or f"sqlite:///{folder / 'series.sqlite'}"
        self._edge_id = setting.town.edges[0].id
        authority = Authority.create(folder / "certificates", "stadtsinn demo authority")
        self._edge_credentials = authority.issue_edge(self._edge_id, renew=True)
        self.local_broker = Mosquitto(program, folder / "broker-local", port=self._ports.local)
        self._passwords = own_passwords(folder / "passwords")
        self.cloud_broker = self._cloud_broker(program, authority)
        self.backhaul = Backhaul(0, ("127.0.0.1", self._ports.secure))
        self._exits = ExitStack()
        self.edge = self._edge_child()
        self.ingest = self._cloud_child("ingest", ["ingest"])
        self.behind = self._cloud_child("cloud", [*FOLLOWERS, "notify", "api"])

    def _cloud_broker(self, program: Program, authority: Authority) -> Mosquitto:
        """The town's broker as an operator sets it up (docs/broker.md)."""
        authority.issue_server(["localhost", "127.0.0.1"])
        ports = Listening(port=self._ports.secure, local_port=self._ports.cloud)
        folder = self.folder / "broker-cloud"
        files = folder / "files"
        write_broker(files, authority, self._passwords)
        return Mosquitto(
            program,
            folder,
            port=self._ports.cloud,
            configuration=configuration(files, ports),
        )

    @property
    def children(self) -> Sequence[Child]:
        return (self.edge, self.ingest, self.behind)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._ports.api}"

    def network_server(self, client_id: str) -> Broker:
        """How a ChirpStack reaches the cloud's broker."""
        return Broker(
            "127.0.0.1",
            self._ports.cloud,
            client_id,
            username=ChirpStack.name,
            password=self._passwords[ChirpStack.name],
        )

    def open_database(self) -> Database:
        """A new connection pool to the cloud's database."""
        return open_database(self.database_url)

    def open_series(self) -> SeriesStore:
        return open_store(self.series_url)

    def check(self) -> None:
        """Raise ChildFailed if a process has ended by itself."""
        for child in self.children:
            child.check()

    def spooled(self) -> int | None:
        """Items that wait in the edge agent's spool; None while the agent does not answer."""
        items = metric(self._ports.edge_health, "stadtsinn_edge_spool_items")
        return None if items is None else int(items)

    def delivered(self) -> int:
        """Items of the edge agent that the cloud has committed since the agent was started."""
        return int(metric(self._ports.edge_health, "stadtsinn_edge_items_acknowledged_total") or 0)

    def ready(self) -> bool:
        """Is every process connected and healthy?"""
        return all(
            healthy(port)
            for port in (self._ports.ingest_health, self._ports.api, self._ports.edge_health)
        )

    def __enter__(self) -> Self:
        with ExitStack() as started:
            self._start(started)
            self._exits = started.pop_all()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._exits.close()

    def _start(self, started: ExitStack) -> None:
        database = self.open_database()
        upgrade(database)
        apply_town(database, self.setting.town, self._clock.now())
        if self.setting.trees:
            enter_trees(database, self._clock.now())
        database.dispose()
        started.enter_context(self.local_broker)
        started.enter_context(self.cloud_broker)
        started.enter_context(self.backhaul)
        for child in self.children:
            started.callback(child.stop)
            child.start()
        self._wait(self.ready)

    def _wait(self, condition: Callable[[], bool]) -> None:
        def holds() -> bool:
            self.check()
            return condition()

        if not wait_until(holds, timeout=_READY_SECONDS):
            raise ChildFailed(
                f"not everything was ready within {_READY_SECONDS} s: see {self.folder}/*.log",
                f"innerhalb von {_READY_SECONDS} s war nicht alles bereit: siehe "
                f"{self.folder}/*.log",
            )

    def _edge_child(self) -> Child:
        config = self.folder / "edge.toml"
        spool = self.folder / "spool.sqlite"
        write_private(
            config,
            edge_toml(
                self._edge_id,
                self._ports,
                self.backhaul.port,
                self._edge_credentials,
                spool,
                self.setting.local_format,
                self.setting.old_events,
            ),
        )
        return self._child("edge", ["edge", "run", "--config", str(config)])

    def _cloud_child(self, name: str, roles: Sequence[str]) -> Child:
        config = self.folder / f"{name}.toml"
        text = cloud_toml(
            self.database_url, self.series_url, self._ports, self.folder / "passwords"
        )
        write_private(config, text)
        only = [argument for role in roles for argument in ("--only", role)]
        return self._child(name, ["cloud", "run", "--config", str(config), *only])

    def _child(self, name: str, arguments: Sequence[str]) -> Child:
        clock = ["--clock", self.setting.clock_spec]
        return Child(name, [*arguments, *clock], self.folder / f"{name}.log")
