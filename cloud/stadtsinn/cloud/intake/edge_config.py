"""Sends each edge the types of its town's devices, so that it decodes what was registered."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

import structlog

from stadtsinn.base.mqtt.link import MessageTooLarge
from stadtsinn.cloud.town.directory import Directory

log = structlog.get_logger()


class Configuring(Protocol):
    """Sends a configuration to an edge."""

    @property
    def connected(self) -> bool: ...

    def configure(self, edge_id: str, device_types: dict[str, str]) -> None: ...


class EdgeConfigs:
    """Sends an edge its tenant's device types when they changed; the broker retains them.

    An edge gets only its own tenant's devices: others' stay hidden.
    """

    def __init__(self, edges: Configuring) -> None:
        self._edges = edges
        self._revision: int | None = None
        self._sent: dict[str, dict[str, str]] = {}

    def push(self, directory: Directory) -> None:
        if directory.revision == self._revision or not self._edges.connected:
            return
        types_of: dict[str, dict[str, str]] = defaultdict(dict)
        for dev_eui, device in directory.devices.items():
            types_of[device.tenant_id][dev_eui] = device.device_type
        for edge_id, tenant_id in directory.edges.items():
            device_types = types_of[tenant_id]
            if self._sent.get(edge_id) != device_types:
                self._configure(edge_id, device_types)
                self._sent[edge_id] = dict(device_types)
        self._revision = directory.revision

    def _configure(self, edge_id: str, device_types: dict[str, str]) -> None:
        try:
            self._edges.configure(edge_id, device_types)
        except MessageTooLarge as error:  # the edge decodes less; this cloud decodes everything
            log.warning(
                "edge_config_too_large",
                edge=edge_id,
                devices=len(device_types),
                reason=str(error),
                remedy="raise the broker's limit for the size of messages",
            )
