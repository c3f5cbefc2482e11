"""Sends each edge the types of its town's devices, so that it decodes what was registered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from stadtsinn.base.logs import one_line
from stadtsinn.base.mqtt.link import MessageTooLarge
from stadtsinn.cloud.intake.repository import configured_edges, forget_configured, note_configured
from stadtsinn.cloud.intake.service import DatabaseAway
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import Directory

log = structlog.get_logger()


class Configuring(Protocol):
    """Sends a configuration to an edge."""

    @property
    def connected(self) -> bool: ...

    def configure(self, edge_id: str, device_types: dict[str, str]) -> None: ...

    def unconfigure(self, edge_id: str) -> Callable[[], bool]:
        """Take the configuration back; the answer says whether the broker has done it."""
        ...


class EdgeConfigs:
    """Sends an edge its tenant's device types when they changed; the broker retains them.

    An edge gets only its own tenant's devices: others' stay hidden. What the broker retains ends
    with the edge; the database knows for whom something may lie there, also after a restart.
    """

    def __init__(self, edges: Configuring, database: Database) -> None:
        self._edges = edges
        self._database = database
        self._revision: int | None = None
        self._sent: dict[str, dict[str, str]] = {}
        self._taken_back: dict[str, Callable[[], bool]] = {}

    def push(self, directory: Directory) -> None:
        """Raises DatabaseAway, QueueFull; what was not sent then is sent the next time."""
        if not self._edges.connected:
            return
        try:
            self._forget_taken_back(directory)
            if directory.revision != self._revision:
                self._take_back(directory)
                self._send(directory)
                self._revision = directory.revision
        except SQLAlchemyError as error:
            raise DatabaseAway(one_line(error)) from error

    def _send(self, directory: Directory) -> None:
        types_of: dict[str, dict[str, str]] = defaultdict(dict)
        for dev_eui, device in directory.devices.items():
            types_of[device.tenant_id][dev_eui] = device.device_type
        changed = {
            edge_id: types_of[tenant_id]
            for edge_id, tenant_id in directory.edges.items()
            if self._sent.get(edge_id) != types_of[tenant_id]
        }
        new = changed.keys() - self._sent.keys()
        if new:
            with self._database.write() as connection:
                note_configured(connection, new)
        for edge_id, device_types in changed.items():
            self._configure(edge_id, device_types)
            self._sent[edge_id] = dict(device_types)

    def _configure(self, edge_id: str, device_types: dict[str, str]) -> None:
        try:
            self._edges.configure(edge_id, device_types)
        except MessageTooLarge as error:  # the edge decodes less; this cloud decodes everything
            # Rather none than an old one: it may be of the town that had the edge before.
            self._edges.unconfigure(edge_id)
            log.warning(
                "edge_config_too_large",
                edge=edge_id,
                devices=len(device_types),
                reason=str(error),
                remedy="raise the broker's limit for the size of messages",
            )

    def _take_back(self, directory: Directory) -> None:
        with self._database.read() as connection:
            gone = configured_edges(connection) - directory.edges.keys()
        for edge_id in gone - self._taken_back.keys():
            self._taken_back[edge_id] = self._edges.unconfigure(edge_id)
            self._sent.pop(edge_id, None)

    def _forget_taken_back(self, directory: Directory) -> None:
        """Only once the broker has done it: a process may end before."""
        done = {edge_id for edge_id, is_done in self._taken_back.items() if is_done()}
        if not done:
            return
        with self._database.write() as connection:
            forget_configured(connection, done - directory.edges.keys())
        for edge_id in done:
            del self._taken_back[edge_id]
            log.info("edge_config_taken_back", edge=edge_id)
