"""Writes the configuration files of the demo's processes: the same files an operator writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from stadtsinn.cloud.broker.authority import Credentials
from stadtsinn.simulator.market_day.town import TENANT


@dataclass(frozen=True)
class Ports:
    """TCP ports on the loopback."""

    local: int
    """Broker of the local network server."""
    cloud: int
    """The cloud's broker, for ingest and the central network server."""
    secure: int
    """The cloud's broker with TLS, for edge agents."""
    api: int
    ingest_health: int
    edge_health: int


def edge_toml(
    edge_id: str,
    ports: Ports,
    backhaul: int,
    credentials: Credentials,
    spool: Path,
    local_format: str,
    old_events: bool,
) -> str:
    """An edge agent that reaches the cloud through `backhaul`.

    It commits more often than a real agent, which spares its SD card: simulated minutes are short.
    """
    return f"""\
edge_id = {_text(edge_id)}
[local_broker]
port = {ports.local}
format = {_text(local_format)}
old_events = {str(old_events).lower()}
[cloud_broker]
host = "127.0.0.1"
port = {backhaul}
reconnect_seconds = 1
[cloud_broker.tls]
ca = {_text(credentials.ca)}
certificate = {_text(credentials.certificate)}
key = {_text(credentials.key)}
[spool]
path = {_text(spool)}
[commit]
rows = 200
seconds = 0.02
[delivery]
ack_timeout_seconds = 3.0
[health]
address = "127.0.0.1:{ports.edge_health}"
"""


def cloud_toml(database_url: str, series_url: str, ports: Ports, passwords: Path) -> str:
    """The cloud: edges and the county's central network server, text messages to the sandbox.

    `passwords` is the folder with those of the broker's accounts.
    It looks for work often for the same reason as the edge commits often.
    """
    return f"""\
[database]
url = {_text(database_url)}
[series]
url = {_text(series_url)}
[broker]
port = {ports.cloud}
username = "ingest"
password_file = {_text(passwords / "ingest.password")}
[[network_servers]]
name = "landkreis"
[pace]
look_seconds = 0.01
tick_seconds = 0.05
outbox_seconds = 0.05
[api]
bind = "127.0.0.1:{ports.api}"
[web]
poll_seconds = 1
[health]
bind = "127.0.0.1:{ports.ingest_health}"
[notify.sms]
kind = "sandbox"
phone = {_text(TENANT)}
"""


def _text(value: str | Path) -> str:
    """A TOML string: JSON's escapes are a subset of TOML's."""
    return json.dumps(str(value))
