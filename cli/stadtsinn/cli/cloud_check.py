"""`stadtsinn cloud check`: what a configuration would do, and whether its brokers keep messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from stadtsinn.cli.broker_check import Connect, keeps_messages
from stadtsinn.cli.frame import FAILED
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, read_settings, server_errors
from stadtsinn.cli.language import text
from stadtsinn.cli.output import print_facts

if TYPE_CHECKING:
    from stadtsinn.base.mqtt.broker import Broker
    from stadtsinn.cloud.settings import CloudSettings

HELP = text(
    "Check a configuration and say what it would do. With --connect, try its brokers out: do they "
    "keep messages for a client that is away?\n\n"
    "Example: stadtsinn cloud check --config cloud.toml --connect",
    "Eine Konfiguration prüfen und sagen, was sie bewirkt. Mit --connect ihre Broker ausprobieren: "
    "Bewahren sie Nachrichten für Abwesende auf?\n\n"
    "Beispiel: stadtsinn cloud check --config cloud.toml --connect",
)


def check(config: Config = DEFAULT_CONFIG, connect: Connect = False) -> None:
    with server_errors(config):
        settings = read_settings(config)
        brokers = list(_brokers(settings))
        for _, broker in brokers:
            if broker.tls:
                broker.tls.context()
    print_facts(_summary(settings, brokers))
    if not connect:
        return
    from stadtsinn.edge.messages.delivery import CHECK_TOPIC

    tried = {
        (broker.host, broker.port, broker.username): (name, broker) for name, broker in brokers
    }
    kept = [keeps_messages(name, broker, CHECK_TOPIC) for name, broker in tried.values()]
    if not all(kept):
        raise typer.Exit(FAILED)


def _brokers(settings: CloudSettings) -> Iterator[tuple[str, Broker]]:
    """What the ingest takes from, by the names of its sources."""
    if settings.ingest.edges:
        yield text("edges", "Agenten"), settings.intake.broker_for("edges")
    for server in settings.network_servers:
        yield server.name, settings.intake.broker_for(server.name, server.broker)


def _summary(
    settings: CloudSettings, brokers: list[tuple[str, Broker]]
) -> Iterator[tuple[str, str]]:
    yield text("database", "Datenbank"), settings.database.url.partition(":")[0]
    yield text("series", "Zeitreihen"), settings.series.url.partition(":")[0]
    for name, broker in brokers:
        tls = "TLS" if broker.tls else text("NO encryption", "KEINE Verschlüsselung")
        days = broker.session_expiry // 86_400
        yield (
            text(f"takes from {name}", f"nimmt von {name}"),
            text(
                f"{broker.host}:{broker.port}, {tls}, session kept for {days} days",
                f"{broker.host}:{broker.port}, {tls}, Sitzung {days} Tage aufbewahrt",
            ),
        )
    yield text("health", "Zustand"), f"http://{settings.health.bind}/healthz, /metrics"
