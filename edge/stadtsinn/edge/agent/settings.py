"""The agent's configuration file `edge.toml`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from stadtsinn.base.instant import HOUR
from stadtsinn.base.mqtt.broker import Broker
from stadtsinn.base.mqtt.settings import BrokerSettings
from stadtsinn.base.settings.fields import Address, FilePath, LogLevel, OptionalFolder, Port
from stadtsinn.base.settings.mistaken import FileKind
from stadtsinn.base.settings.reading import FileSettings, Section, read_file, read_text
from stadtsinn.base.settings.variables import EDGE_PREFIX
from stadtsinn.edge.messages.edge_id import EdgeId
from stadtsinn.edge.network_servers.format import NetworkServerFormat
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT, format_named
from stadtsinn.edge.network_servers.settings import FormatName

Positive = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class LocalBroker(BrokerSettings):
    """The broker that the network server publishes to, and the `format` of its events.

    `old_events`: they may be published there long after they happened, by a bridge between brokers
    that stores, or from a recording; so a late time in them is believed.
    """

    format: FormatName = DEFAULT_FORMAT
    old_events: bool = False
    topics: tuple[str, ...] = ()


class CloudBroker(BrokerSettings):
    """The town's broker; `reconnect_seconds` is the longest pause between two attempts."""

    host: str
    port: Port = 8883
    reconnect_seconds: Positive = 30


class SpoolSettings(Section):
    """The file where uplinks wait, and its size limit."""

    path: FilePath = Path("/var/lib/stadtsinn/spool.sqlite")
    max_megabytes: Positive = 1024
    keep_hours: Annotated[float, Field(ge=0, le=24 * 366, allow_inf_nan=False)] = 48
    """How long it holds what the cloud has acknowledged, for one restored from a backup."""

    @property
    def keep(self) -> int:
        """The same in µs."""
        return int(self.keep_hours * HOUR)


class CommitSettings(Section):
    """How many uplinks are written in one commit, and how long the first of them waits."""

    rows: Annotated[int, Field(ge=1, le=1000)] = 50
    seconds: Seconds = 1.0


class DeliverySettings(Section):
    """Batches to the cloud: their size, how many wait for their Ack, and for how long."""

    window: Annotated[int, Field(ge=1, le=100)] = 8
    batch_items: Annotated[int, Field(ge=1, le=5000)] = 500
    batch_kib: Annotated[int, Field(ge=1, le=4096)] = 200
    ack_timeout_seconds: Seconds = 15.0


class HealthSettings(Section):
    """Where /healthz and /metrics listen, and how often the MQTT status is renewed."""

    address: Address = "127.0.0.1:9801"
    status_seconds: Seconds = 30.0


class EdgeSettings(FileSettings):
    """The whole file. Its variables begin with ``STADTSINN_EDGE_``."""

    model_config = SettingsConfigDict(env_prefix=EDGE_PREFIX)

    example: ClassVar[str] = "stadtsinn edge config-example"
    file_kind: ClassVar[FileKind | None] = FileKind.EDGE

    edge_id: EdgeId
    cloud_broker: CloudBroker
    local_broker: LocalBroker = Field(default_factory=LocalBroker)
    spool: SpoolSettings = Field(default_factory=SpoolSettings)
    commit: CommitSettings = Field(default_factory=CommitSettings)
    delivery: DeliverySettings = Field(default_factory=DeliverySettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    device_types: dict[str, str] = Field(default_factory=dict)
    devices: OptionalFolder = None
    """Folder with the town's own device files."""
    log_level: LogLevel = "info"

    @property
    def network_server(self) -> NetworkServerFormat:
        return format_named(self.local_broker.format)

    @property
    def topics(self) -> tuple[str, ...]:
        return self.local_broker.topics or self.network_server.topics()

    # Two client ids: both sides may be one broker, where each connection needs its own.

    def local(self) -> Broker:
        """The local broker as a connection; raises SettingsError for an unreadable password."""
        return self.local_broker.connection(f"stadtsinn-edge-{self.edge_id}-local")

    def cloud(self) -> Broker:
        """The cloud broker as a connection; raises SettingsError for an unreadable password."""
        broker = self.cloud_broker.connection(f"stadtsinn-edge-{self.edge_id}-cloud")
        return replace(broker, longest_pause=self.cloud_broker.reconnect_seconds)


def load_settings(path: Path) -> EdgeSettings:
    """Read and check a configuration file; raises SettingsError."""
    return read_file(EdgeSettings, path)


def parse_settings(text: str, path: Path) -> EdgeSettings:
    """The settings of a configuration text; `path` is named in errors."""
    return read_text(EdgeSettings, text, path)


EXAMPLE = """\
# Edge agent of stadtsinn: takes a network server's uplinks, keeps them safe, delivers them.
# Relative paths start at this file. Check with: stadtsinn edge check --config edge.toml

# Names this agent in the cloud; common name of its client certificate.
edge_id = "rathaus-1"
# log_level = "info"
# devices = "devices"     # own device files: devices/<vendor>/<device>.toml

[local_broker]            # where the network server publishes (ChirpStack's integration: qos = 1)
host = "127.0.0.1"
port = 1883
# username = "stadtsinn"
# password_file = "local-password"
# session_days = 30       # how long it keeps our session, and what comes, while we are away
# format = "the_things_stack"   # without: "chirpstack"; user name: application@tenant
# topics = ["application/+/device/+/event/up"]
# old_events = true       # a bridge passes them on, perhaps hours late: believe their times

[cloud_broker]            # the town's broker
host = "mqtt.musterstadt.example"
port = 8883
# reconnect_seconds = 30  # longest pause between two attempts to reach it
[cloud_broker.tls]
ca = "ca.pem"
certificate = "rathaus-1.pem"
key = "rathaus-1.key"

[spool]                   # what waits for delivery; full: the agent takes no more (docs/edge.md)
path = "/var/lib/stadtsinn/spool.sqlite"
max_megabytes = 1024      # about 4 million uplinks
keep_hours = 48           # what was delivered stays so long, for a cloud restored from a backup

[commit]                  # fewer, larger writes spare the SD card
rows = 50
seconds = 1.0

[delivery]
window = 8                # batches under way without an acknowledgement
batch_items = 500
batch_kib = 200
ack_timeout_seconds = 15.0

[health]
address = "127.0.0.1:9801"  # /healthz and /metrics
status_seconds = 30.0       # MQTT status

[device_types]            # DevEUI or device profile name = device type; the cloud may push more
# "70b3d50000000001" = "dragino/lse01"
# "Bodenfeuchte" = "dragino/lse01"
"""
