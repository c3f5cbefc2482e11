"""The configuration file `cloud.toml`, put together from what the rooms are configured by."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from stadtsinn.base.mqtt.settings import BrokerSettings
from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.fields import Address, LogLevel, OptionalFolder
from stadtsinn.base.settings.mistaken import FileKind
from stadtsinn.base.settings.reading import FileSettings, Section, read_file, read_text
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.domains.crowd.clickers.settings import ClickerTotalsSettings
from stadtsinn.cloud.intake.device_claims.settings import ClaimSettings
from stadtsinn.cloud.intake.settings import (
    IngestSettings,
    IntakeSettings,
    NetworkServerSettings,
)
from stadtsinn.cloud.log.settings import ArchiveSettings, PaceSettings
from stadtsinn.cloud.operations.settings import HeartbeatSettings, OperatorSettings
from stadtsinn.cloud.platform.database.settings import DatabaseSettings
from stadtsinn.cloud.platform.limits.model import Limits
from stadtsinn.cloud.provisioning.settings import ProvisioningSettings
from stadtsinn.cloud.publish.settings import ApiSettings
from stadtsinn.cloud.publish.web.settings import WebSettings
from stadtsinn.cloud.series.settings import SeriesSettings
from stadtsinn.cloud.town.settings import EdgesSettings


class HealthSettings(Section):
    """Where ``/healthz`` and ``/metrics`` are when this process does not serve the API."""

    bind: Address = "127.0.0.1:9802"


def _different_names(
    servers: tuple[NetworkServerSettings, ...],
) -> tuple[NetworkServerSettings, ...]:
    names = [server.name for server in servers]
    if len(names) != len(set(names)):
        raise Unusable(
            "two have the same name: give each its own",
            "zwei heißen gleich: jedem einen eigenen Namen geben",
        )
    return servers


class CloudSettings(FileSettings):
    """The whole file."""

    example: ClassVar[str] = "stadtsinn cloud config-example"
    file_kind: ClassVar[FileKind | None] = FileKind.CLOUD

    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    series: SeriesSettings = Field(default_factory=SeriesSettings)
    archive: ArchiveSettings = Field(default_factory=ArchiveSettings)
    broker: BrokerSettings = Field(default_factory=BrokerSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    network_servers: Annotated[
        tuple[NetworkServerSettings, ...], AfterValidator(_different_names)
    ] = ()
    clicker_totals: ClickerTotalsSettings | None = None
    provisioning: ProvisioningSettings = Field(default_factory=ProvisioningSettings)
    claims: ClaimSettings = Field(default_factory=ClaimSettings)
    edges: EdgesSettings = Field(default_factory=EdgesSettings)
    api: ApiSettings = Field(default_factory=ApiSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    limits: Limits = Field(default_factory=Limits)
    pace: PaceSettings = Field(default_factory=PaceSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)
    operator: OperatorSettings = Field(default_factory=OperatorSettings)
    heartbeat: HeartbeatSettings = Field(default_factory=HeartbeatSettings)
    devices: OptionalFolder = None
    """Folder with the town's own device files."""
    clock: str = "system"
    log_level: LogLevel = "info"

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where the cloud writes on this machine: database, series, archive."""
        files = [sqlite_file(url) for url in (self.database.url, self.series.url)]
        return (
            *(file.parent for file in files if file is not None),
            self.archive.folder.absolute(),
        )

    @property
    def intake(self) -> IntakeSettings:
        return IntakeSettings(self.ingest, self.broker, self.network_servers)


def sqlite_file(url: str) -> Path | None:
    """The file of an SQLite database; None for one on a server, or in memory."""
    scheme, found, path = url.partition(":///")
    if not found or scheme != "sqlite" or path == ":memory:":
        return None
    return Path(path).absolute()


def load_settings(path: Path) -> CloudSettings:
    """Read and check a configuration file; raises SettingsError."""
    return read_file(CloudSettings, path)


def parse_settings(text: str, path: Path) -> CloudSettings:
    """The settings of a configuration text; `path` is named in errors."""
    return read_text(CloudSettings, text, path)


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
# password_file = "ingest.password"   # as 'stadtsinn broker write' makes it
# session_days = 30                # how long it keeps messages for an ingest that is away
# [broker.tls]
# ca = "ca.pem"
# certificate = "ingest.pem"
# key = "ingest.key"

[ingest]
edges = true
# share = "ingest-5f0c9b1e"       # several ingests divide the work: a secret name (docs/broker.md);
                                  # give each its client_id
client_id = "stadtsinn-ingest"

# [[network_servers]]             # a central ChirpStack whose events are read without an edge
# name = "town"
# format = "chirpstack"
# tenant = "musterstadt"          # whose devices it may carry; without: everybody's
# application = "7a779d4e-06a2-4fb5-ae22-be6384c35edf"   # where towns share the server
# old_events = true               # a bridge passes them on, perhaps hours late: believe their times
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

# [provisioning]                  # where 'stadtsinn device apply' puts devices: docs/technician.md
# address = "chirpstack.example:8080"     # the gRPC API of a ChirpStack v4
# api_key_file = "chirpstack.key"
# tls = false                     # without: TLS, except to this machine
# application = "stadtsinn"
# codec = true                    # ChirpStack decodes too; stadtsinn needs none
# [provisioning.towns.musterstadt]
# tenant = "Stadt Musterstadt"    # its name at ChirpStack; without: the town's name
# [provisioning.lorawan_versions] # without: 1.0.3
# "milesight/vs133" = "1.0.4"

# [clicker_totals]                # hand counters are told how many are inside
# application = "7a779d4e-06a2-4fb5-ae22-be6384c35edf"   # of the ChirpStack that has them
# tenant = "musterstadt"          # whose hand counters; without: everybody's
# f_port = 10
# every_s = 120                   # not more often; with many of them less often: duty cycle
# [clicker_totals.broker]         # without: the broker above
# host = "chirpstack.example"

[edges]                           # whose certificates say that an edge agent is a town's (CN, O)
# authority = "ca.pem"

[claims]                          # a device that another town has registered
quiet_days = 30                   # a town that received nothing of it for so long …
notice_days = 7                   # … has so long to object before it changes hands

[api]
bind = "127.0.0.1:8000"           # put a reverse proxy with TLS before it
# public_url = "https://daten.musterstadt.de"   # what it is called there; for links in messages
proxies = ["127.0.0.0/8", "::1"] # whose X-Forwarded-For says who asks

[web]                             # the public pages; the first two are required by law
# imprint_url = "https://www.musterstadt.example/impressum"
# privacy_url = "https://www.musterstadt.example/datenschutz"
# accessibility_url = "https://www.musterstadt.example/barrierefreiheit"
# feedback_url = "mailto:barrierefrei@musterstadt.example"
# frame_ancestors = ["https://www.musterstadt.example"]   # who may embed the counter
poll_seconds = 20                 # how often an open page asks for the number

# [limits]                        # of each town and key: docs/limits.md has all of them
# devices = 25000                 # 'stadtsinn tenant limit' gives one town more, or less
# open_requests = 16

[health]                          # used by processes that do not serve the API
bind = "127.0.0.1:9802"

# [heartbeat]                     # dead man's switch: only while ingest, rules and outbox run
# url = "file:heartbeat-url"       # is called; the address is a secret
# every_s = 60

# [operator]                      # who is told of silent devices, lost edges, full disks, …
# tenant = "musterstadt"          # a town, and those of its recipients (docs/operations.md)
# recipients = ["it-bereitschaft"]
# edge_away_minutes = 30
# repeat_hours = 24

[notify.sms]                      # the sandbox never sends anything outside
kind = "sandbox"
"""
