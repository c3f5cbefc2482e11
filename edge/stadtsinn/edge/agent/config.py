"""The agent's configuration file: TOML, read into frozen structs, refused with a remedy."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec

from stadtsinn.base.health import parse_address
from stadtsinn.base.mqtt.link import Broker
from stadtsinn.base.mqtt.tls_files import TlsFiles
from stadtsinn.edge.network_servers.format import NetworkServerFormat
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT, UnknownFormat, format_named

_EDGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class ConfigError(ValueError):
    """The configuration cannot be used; the text names file, field and remedy."""


class LocalBroker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The broker that the network server publishes to, and in which `format` it does."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password_file: str | None = None
    tls: TlsFiles | None = None
    format: str = DEFAULT_FORMAT
    topics: tuple[str, ...] = ()


class CloudBroker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The town's broker; attempts to reach it are at most `reconnect_seconds` apart."""

    host: str
    port: Port = 8883
    username: str | None = None
    password_file: str | None = None
    tls: TlsFiles | None = None
    reconnect_seconds: Positive = 30


class SpoolSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where uplinks wait, and how many bytes of them at most."""

    path: str = "/var/lib/stadtsinn/spool.sqlite"
    max_megabytes: Positive = 1024


class CommitSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many uplinks share one write to the card, and how long the first of them waits."""

    rows: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    seconds: Seconds = 1.0


class DeliverySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Batches to the cloud: their size, how many wait for their Ack, and for how long."""

    window: Annotated[int, msgspec.Meta(ge=1, le=100)] = 8
    batch_items: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 500
    batch_kib: Annotated[int, msgspec.Meta(ge=1, le=4096)] = 200
    ack_timeout_seconds: Seconds = 15.0


class HealthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where /healthz and /metrics listen, and how often the MQTT status is renewed."""

    address: str = "127.0.0.1:9801"
    status_seconds: Seconds = 30.0


class EdgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. `folder` is where it was found: relative paths start there."""

    edge_id: str
    cloud_broker: CloudBroker
    local_broker: LocalBroker = LocalBroker()
    spool: SpoolSettings = SpoolSettings()
    commit: CommitSettings = CommitSettings()
    delivery: DeliverySettings = DeliverySettings()
    health: HealthSettings = HealthSettings()
    device_types: dict[str, str] = {}
    devices: str = ""
    """Folder with the town's own device files."""
    log_level: str = "info"
    folder: str = ""

    @property
    def device_folder(self) -> Path | None:
        return Path(self.folder, self.devices) if self.devices else None

    @property
    def spool_path(self) -> Path:
        return Path(self.folder, self.spool.path)

    @property
    def network_server(self) -> NetworkServerFormat:
        return format_named(self.local_broker.format)

    @property
    def topics(self) -> tuple[str, ...]:
        return self.local_broker.topics or self.network_server.topics

    def local(self) -> Broker:
        """The local broker as a connection; raises ConfigError for an unreadable password."""
        return self._broker(self.local_broker, "local")

    def cloud(self) -> Broker:
        """The cloud broker as a connection; raises ConfigError for an unreadable password."""
        broker = self._broker(self.cloud_broker, "cloud")
        return replace(broker, longest_pause=self.cloud_broker.reconnect_seconds)

    def _broker(self, stated: LocalBroker | CloudBroker, side: str) -> Broker:
        return Broker(
            host=stated.host,
            port=stated.port,
            # Two ids: both sides may be one broker, which knows a client id only once.
            client_id=f"stadtsinn-edge-{self.edge_id}-{side}",
            tls=stated.tls.resolve(self.folder) if stated.tls else None,
            username=stated.username,
            password=self._password(stated.password_file, side),
        )

    def _password(self, file: str | None, side: str) -> str | None:
        if file is None:
            return None
        path = Path(self.folder, file)
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"{side}_broker.password_file: {path} cannot be read ({error.strerror}): "
                "write the password into it, readable for this service only"
            ) from None


def load_settings(path: Path) -> EdgeSettings:
    """Read and check a configuration file; raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read ({error}): give the file with --config; "
            "'stadtsinn edge config-example' prints one to start from"
        ) from None
    return parse_settings(text, path)


def parse_settings(text: str, path: Path) -> EdgeSettings:
    """The settings of a configuration text; `path` is named in errors."""
    try:
        document = tomllib.loads(text)
        settings = msgspec.convert(
            {"folder": str(path.absolute().parent), **document}, EdgeSettings
        )
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: no valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {error}{_hint(str(error))}") from None
    for problem in _problems(settings):
        raise ConfigError(f"{path}: {problem}")
    return settings


def _problems(settings: EdgeSettings) -> list[str]:
    found = []
    if not _EDGE_ID.fullmatch(settings.edge_id):
        found.append(
            f"edge_id {settings.edge_id!r}: use 1 to 64 letters, digits, '.', '_' or '-' "
            "(it is part of topics and the certificate's common name)"
        )
    try:
        parse_address(settings.health.address)
    except ValueError as error:
        found.append(f"health.address: {error}")
    try:
        format_named(settings.local_broker.format)
    except UnknownFormat as error:
        found.append(f"local_broker.format: {error}")
    if settings.log_level not in {"debug", "info", "warning", "error"}:
        found.append(f"log_level {settings.log_level!r}: use debug, info, warning or error")
    return found


def _hint(error: str) -> str:
    """A near field name for a misspelt one."""
    match = re.search(r"unknown field `(\w+)`", error)
    if match is None:
        return ": see 'stadtsinn edge config-example'"
    near = get_close_matches(match[1], _field_names(EdgeSettings), n=1)
    return f": did you mean `{near[0]}`?" if near else ": remove it"


def _field_names(struct: Any) -> list[str]:
    names: list[str] = []
    for field in msgspec.structs.fields(struct):
        names.append(field.name)
        candidates = [field.type, *getattr(field.type, "__args__", ())]
        for candidate in candidates:
            if isinstance(candidate, type) and issubclass(candidate, msgspec.Struct):
                names.extend(_field_names(candidate))
    return names


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
# format = "the_things_stack"   # without: "chirpstack"; user name: application@tenant
# topics = ["application/+/device/+/event/up"]

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
