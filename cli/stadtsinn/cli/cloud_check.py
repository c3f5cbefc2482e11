"""`stadtsinn cloud check`: what a configuration would do, and whether its brokers keep messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stadtsinn.cli.broker_check import Connect, keeps_messages, protection
from stadtsinn.cli.frame import FAILED
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, read_settings, server_errors
from stadtsinn.cli.language import text
from stadtsinn.cli.output import print_facts, say

if TYPE_CHECKING:
    from stadtsinn.base.mqtt.broker import Broker
    from stadtsinn.cloud.settings import CloudSettings

HELP = text(
    "Check a configuration and say what it would do. With --connect, try its brokers out: do they "
    "keep messages for a client that is away?\n\n"
    "Example: stadtsinn cloud check --config cloud.toml --connect",
    "Eine Konfiguration prüfen und sagen, was sie bewirkt. Mit --connect ihre Broker ausprobieren: "
    "Bewahren sie Nachrichten auf, solange ein Empfänger fort ist?\n\n"
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
    refused = [path for path in _written(settings) if not _can_write(path)]
    for path in refused:
        say(_cannot_write(path), error=True)
    if connect:
        _try_brokers(brokers)
    if refused:
        raise typer.Exit(FAILED)


def _try_brokers(brokers: list[tuple[str, Broker]]) -> None:
    from stadtsinn.edge.messages.delivery import CHECK_TOPIC

    tried = {
        (broker.host, broker.port, broker.username): (name, broker) for name, broker in brokers
    }
    kept = [keeps_messages(name, broker, CHECK_TOPIC) for name, broker in tried.values()]
    if not all(kept):
        raise typer.Exit(FAILED)


def _written(settings: CloudSettings) -> Iterator[Path]:
    """The files and folders that the cloud writes."""
    for url in (settings.database.url, settings.series.url):
        if (path := _sqlite_file(url)) is not None:
            yield path
    yield settings.archive.folder.absolute()


def _sqlite_file(url: str) -> Path | None:
    scheme, found, path = url.partition(":///")
    if not found or scheme != "sqlite" or path == ":memory:":
        return None
    return Path(path).absolute()


def _where(url: str) -> str:
    """A file by its whole path; of a server the kind: its address may hold a password."""
    return str(_sqlite_file(url) or url.partition(":")[0])


def _can_write(path: Path) -> bool:
    """Whether this user may write it, or make it; SQLite writes beside its file as well."""
    try:
        if path.is_file():
            return os.access(path, os.R_OK | os.W_OK) and _can_make_in(path.parent)
        return _can_make_in(path)
    except PermissionError:  # in a folder that this user may not enter
        return False


def _can_make_in(folder: Path) -> bool:
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _cannot_write(path: Path) -> str:
    user = getuser()
    return text(
        f"{user} cannot write {path}: put it below a folder that belongs to the user of the "
        "cloud, e.g. /var/lib/stadtsinn",
        f"{user} kann {path} nicht schreiben: unter einen Ordner legen, der dem Benutzer der "
        "Zentrale gehört, z. B. /var/lib/stadtsinn",
    )


def _brokers(settings: CloudSettings) -> Iterator[tuple[str, Broker]]:
    """What the ingest takes from, by the names of its sources."""
    if settings.ingest.edges:
        yield text("edges", "Agenten"), settings.intake.broker_for("edges")
    for server in settings.network_servers:
        yield server.name, settings.intake.broker_for(server.name, server.broker)


def _summary(
    settings: CloudSettings, brokers: list[tuple[str, Broker]]
) -> Iterator[tuple[str, str]]:
    yield text("database", "Datenbank"), _where(settings.database.url)
    yield text("series", "Zeitreihen"), _where(settings.series.url)
    yield text("archive", "Archiv"), str(settings.archive.folder.absolute())
    for name, broker in brokers:
        tls = protection(broker)
        days = broker.session_expiry // 86_400
        yield (
            text(f"takes from {name}", f"nimmt von {name}"),
            text(
                f"{broker.host}:{broker.port}, {tls}, session kept for {days} days",
                f"{broker.host}:{broker.port}, {tls}, Sitzung {days} Tage aufbewahrt",
            ),
        )
    yield text("health", "Zustand"), f"http://{settings.health.bind}/healthz, /metrics"
