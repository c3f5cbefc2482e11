"""What the ingest takes uplinks from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.settings import BrokerSettings
from stadtsinn.base.settings.reading import Section
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT
from stadtsinn.edge.network_servers.settings import FormatName

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


Application = Annotated[str, Field(pattern=r"^[^+#/]{1,128}$")]
"""One level of a topic, no wildcard: nobody reads a neighbour's application by it."""


class IngestSettings(Section):
    """`client_id` keeps the session at the broker; with `share`, give each process its own."""

    edges: bool = True
    share: str | None = None
    client_id: Name = "stadtsinn-ingest"
    max_messages: Annotated[int, Field(ge=1, le=100_000)] = 1000
    linger_ms: Annotated[float, Field(ge=0, le=1000)] = 2.0


class NetworkServerSettings(Section):
    """A central network server; its events are at `broker`, else at the installation's own.

    `application` restricts it to one application of a server that several towns share.
    `old_events`: they may be published there long after they happened, by a bridge between brokers
    that stores; so a late time in them is believed.
    """

    name: Name
    format: FormatName = DEFAULT_FORMAT
    tenant: str | None = None
    application: Application | None = None
    topic_prefix: str = ""
    old_events: bool = False
    broker: BrokerSettings | None = None


@dataclass(frozen=True)
class IntakeSettings:
    """All that the ingest is configured by; `broker` is the installation's own."""

    ingest: IngestSettings
    broker: BrokerSettings
    network_servers: tuple[NetworkServerSettings, ...]

    def broker_for(self, source: str, broker: BrokerSettings | None = None) -> Broker:
        """The connection of one source. Raises SettingsError for an unreadable password."""
        return (broker or self.broker).connection(f"{self.ingest.client_id}-{source}")

    def brokers(self) -> Iterator[tuple[str, Broker]]:
        """What is taken from, by the names of its sources; raises as `broker_for`."""
        if self.ingest.edges:
            yield "edges", self.broker_for("edges")
        for server in self.network_servers:
            yield server.name, self.broker_for(server.name, server.broker)
