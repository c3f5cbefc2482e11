"""The configuration file `cloud.toml`: read into frozen structs, refused with a remedy.

Secrets may stay out of the file: ``password_file`` and ``token_file`` name files, and these
environment variables win over the file: STADTSINN_DATABASE_URL, STADTSINN_SERIES_URL,
STADTSINN_SERIES_TOKEN, STADTSINN_BROKER_USERNAME, STADTSINN_BROKER_PASSWORD.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec

from stadtsinn.base.health import parse_address
from stadtsinn.base.mqtt.link import Broker
from stadtsinn.base.mqtt.tls_files import TlsFiles
from stadtsinn.cloud.publish.web.settings import WebSettings
from stadtsinn.edge.network_servers.formats import DEFAULT_FORMAT, UnknownFormat, format_named

Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")]


class SettingsError(ValueError):
    """The configuration cannot be used; the text names file, field and remedy."""


class DatabaseSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``sqlite:///path`` or ``postgresql://user@host/name``."""

    url: str = "sqlite:///stadtsinn.sqlite"


class SeriesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``sqlite:///path``, ``influxdb://host:8086`` or ``influxdbs://…``."""

    url: str = "sqlite:///series.sqlite"
    org: str | None = None
    token_file: str | None = None


class ArchiveSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where `stadtsinn archive` puts old days of the uplink log."""

    folder: str = "archive"


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An MQTT broker."""

    host: str = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password_file: str | None = None
    tls: TlsFiles | None = None


class IngestSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`client_id` keeps the session at the broker; with `share`, give each process its own."""

    edges: bool = True
    share: str | None = None
    client_id: Name = "stadtsinn-ingest"
    max_messages: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1000
    linger_ms: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 2.0


class NetworkServerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A central network server; its events are at `broker`, else at the installation's own."""

    name: Name
    format: str = DEFAULT_FORMAT
    tenant: str | None = None
    topic_prefix: str = ""
    broker: BrokerSettings | None = None


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where HTTP is served. Who else than this machine should reach it goes through a proxy."""

    bind: str = "127.0.0.1:8000"


class HealthSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where ``/healthz`` and ``/metrics`` are when this process does not serve the API."""

    bind: str = "127.0.0.1:9802"


class PaceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often waiting parts look for work, in seconds; shorter only for simulated time."""

    look_seconds: Annotated[float, msgspec.Meta(gt=0, le=10)] = 0.04
    """Followers in another process than the ingest: at the log."""
    tick_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 1.0
    """Followers: at the clock."""
    outbox_seconds: Annotated[float, msgspec.Meta(gt=0, le=60)] = 0.5
    """The sender: at the outbox."""


class CloudSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. `folder` is where it was found: relative paths start there."""

    database: DatabaseSettings = DatabaseSettings()
    series: SeriesSettings = SeriesSettings()
    archive: ArchiveSettings = ArchiveSettings()
    broker: BrokerSettings = BrokerSettings()
    ingest: IngestSettings = IngestSettings()
    network_servers: tuple[NetworkServerSettings, ...] = ()
    api: ApiSettings = ApiSettings()
    health: HealthSettings = HealthSettings()
    pace: PaceSettings = PaceSettings()
    web: WebSettings = WebSettings()
    notify: dict[str, Any] = {}
    """Senders by channel, as `notify.senders.open` reads them."""
    devices: str = ""
    """Folder with the town's own device files."""
    clock: str = "system"
    log_level: str = "info"
    folder: str = ""

    def database_url(self) -> str:
        return _resolved(os.environ.get("STADTSINN_DATABASE_URL", self.database.url), self.folder)

    def series_url(self) -> str:
        return _resolved(os.environ.get("STADTSINN_SERIES_URL", self.series.url), self.folder)

    def device_folder(self) -> Path | None:
        return Path(self.folder, self.devices) if self.devices else None

    def archive_folder(self) -> Path:
        return Path(self.folder, self.archive.folder)

    def series_token(self) -> str | None:
        """Raises SettingsError for a file that cannot be read."""
        stated = os.environ.get("STADTSINN_SERIES_TOKEN")
        return stated or self._secret(self.series.token_file, "series.token_file")

    def broker_for(self, source: str, broker: BrokerSettings | None = None) -> Broker:
        """The connection of one source. Raises SettingsError for an unreadable password."""
        at = broker or self.broker
        ours = broker is None
        username = os.environ.get("STADTSINN_BROKER_USERNAME") if ours else None
        password = os.environ.get("STADTSINN_BROKER_PASSWORD") if ours else None
        return Broker(
            host=at.host,
            port=at.port,
            client_id=f"{self.ingest.client_id}-{source}",
            tls=at.tls.resolve(self.folder) if at.tls else None,
            username=username or at.username,
            password=password or self._secret(at.password_file, "broker.password_file"),
        )

    def _secret(self, file: str | None, field: str) -> str | None:
        if file is None:
            return None
        path = Path(self.folder, file)
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8"
            raise SettingsError(
                f"{field}: {path} cannot be read ({reason}): write the secret into it, readable "
                "for this service only"
            ) from None


def load_settings(path: Path) -> CloudSettings:
    """Read and check a configuration file; raises SettingsError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path} cannot be read ({error}): give the file with --config; "
            "'stadtsinn cloud config-example' prints one to start from"
        ) from None
    return parse_settings(text, path)


def parse_settings(text: str, path: Path) -> CloudSettings:
    """The settings of a configuration text; `path` is named in errors."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: no valid TOML: {error}") from None
    _refuse_unknown(document, path)
    try:
        settings = msgspec.convert(
            {**document, "folder": str(path.absolute().parent)}, CloudSettings
        )
        for field in ("api", "health"):
            parse_address(getattr(settings, field).bind)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: {error}") from None
    except ValueError as error:
        raise SettingsError(f"{path}: bind: {error}") from None
    try:
        for server in settings.network_servers:
            format_named(server.format)
    except UnknownFormat as error:
        raise SettingsError(f"{path}: network_servers: {error}") from None
    names = [server.name for server in settings.network_servers]
    if len(names) != len(set(names)):
        raise SettingsError(f"{path}: network_servers: two have the same name: give each its own")
    return settings


def _refuse_unknown(document: Mapping[str, object], path: Path) -> None:
    known = [field for field in CloudSettings.__struct_fields__ if field != "folder"]
    for name in document:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
            raise SettingsError(f"{path}: unknown entry '{name}': {hint}")


def _resolved(url: str, folder: str) -> str:
    """Relative SQLite paths start at the configuration file, not at the working directory."""
    prefix = "sqlite:///"
    path = url.removeprefix(prefix)
    if "://" in path:
        return url
    return f"{prefix}{Path(folder, path)}"


EXAMPLE = """\
# Configuration of 'stadtsinn cloud run'. Everything has a default; remove what you do not need.
# Paths are relative to this file. Secrets: in files, or STADTSINN_DATABASE_URL,
# STADTSINN_SERIES_TOKEN, STADTSINN_BROKER_PASSWORD in the environment.

log_level = "info"
# devices = "devices"              # own device files: devices/<vendor>/<device>.toml

[database]                        # uplink log, registry, alerts, outbox
url = "sqlite:///stadtsinn.sqlite"
# url = "postgresql://stadtsinn@db.example/stadtsinn"

[series]                          # measured values for charts
url = "sqlite:///series.sqlite"
# url = "influxdb://influx.example:8086"
# org = "town"                    # InfluxDB 2 only
# token_file = "influx.token"

[archive]                         # old days of the uplink log, moved by 'stadtsinn archive'
folder = "archive"

[broker]                          # where edge agents deliver to
host = "127.0.0.1"
port = 1883
# username = "ingest"
# password_file = "broker.password"
# [broker.tls]
# ca = "ca.pem"
# certificate = "ingest.pem"
# key = "ingest.key"

[ingest]
edges = true
# share = "ingest"                # several ingests divide the work; give each its client_id
client_id = "stadtsinn-ingest"

# [[network_servers]]             # a central ChirpStack whose events are read without an edge
# name = "town"
# format = "chirpstack"
# tenant = "musterstadt"          # whose devices it may carry; without: everybody's
# [network_servers.broker]        # without: the broker above
# host = "chirpstack.example"
# port = 1883

# [[network_servers]]             # The Things Stack or The Things Network: one per application
# name = "county"
# format = "the_things_stack"
# [network_servers.broker]
# host = "eu1.cloud.thethings.network"
# port = 8883
# username = "my-application@my-tenant"
# password_file = "the-things.key"        # an API key that may read application traffic
# [network_servers.broker.tls]
# ca = "/etc/ssl/certs/ca-certificates.crt"

[api]
bind = "127.0.0.1:8000"           # put a reverse proxy with TLS before it

[web]                             # the public pages
# accessibility_url = "https://www.musterstadt.example/barrierefreiheit"
# feedback_url = "mailto:barrierefrei@musterstadt.example"
# frame_ancestors = ["https://www.musterstadt.example"]   # who may embed the counter
poll_seconds = 20                 # how often an open page asks for the number

[health]                          # used by processes that do not serve the API
bind = "127.0.0.1:9802"

[notify.sms]                      # the sandbox never sends anything outside
kind = "sandbox"
"""
