"""`stadtsinn edge`: run the agent beside a network server, check its configuration."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.base.disk import MEGABYTE
from stadtsinn.base.sentence import Explained
from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cli import certificate_check, edge_aside, edge_kept
from stadtsinn.cli.broker_check import Connect, keeps_messages, protection
from stadtsinn.cli.findings import Finding, end_with, report
from stadtsinn.cli.frame import BAD_USAGE, FAILED, refuse
from stadtsinn.cli.language import decimal, in_words, text
from stadtsinn.cli.machine_check import (
    clock_fact,
    of_clock,
    of_clock_against,
    of_disk,
    time_of,
)
from stadtsinn.cli.options import Clock, EdgeConfig
from stadtsinn.cli.output import print_facts, say, say_as_it_is
from stadtsinn.cli.own_devices import use_device_folder
from stadtsinn.edge.agent.settings import EXAMPLE, EdgeSettings, load_settings

if TYPE_CHECKING:
    from stadtsinn.base.clock import Clock as RunningClock
    from stadtsinn.base.mqtt.broker import Broker

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "The agent beside a network server: takes its uplinks, keeps them, delivers them.",
        "Der Agent beim Netzwerkserver: nimmt Messungen an, verwahrt sie, liefert sie.",
    ),
)
app.add_typer(edge_aside.app, name="aside")
app.add_typer(edge_kept.app, name="kept")


@app.command(
    help=text(
        "Run the agent until SIGTERM or Ctrl-C.\n\nExample: stadtsinn edge run --config edge.toml",
        "Den Agenten starten; endet mit SIGTERM oder Strg-C.\n\n"
        "Beispiel: stadtsinn edge run --config edge.toml",
    )
)
def run(config: EdgeConfig = Path("edge.toml"), clock: Clock = None) -> None:
    settings = _settings(config)
    from stadtsinn.base.clock import open_clock
    from stadtsinn.base.logs import configure_logs
    from stadtsinn.base.settings.reading import warn_of_open_secrets
    from stadtsinn.edge.agent.agent import EdgeAgent

    configure_logs("edge", level=settings.log_level)
    warn_of_open_secrets(settings)
    try:
        agent = EdgeAgent(settings, open_clock(clock or "system"))
    except (ValueError, OSError) as error:
        refuse(error)
    except sqlite3.Error as error:  # a damaged spool is set aside; this one cannot be opened
        refuse(
            text(
                f"the spool {settings.spool.path} cannot be opened ({error}): check disk space and "
                "whose it is",
                f"der Spool {settings.spool.path} lässt sich nicht öffnen ({error}): freien Platz "
                "und Besitzer prüfen",
            ),
            FAILED,
        )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    try:
        code = agent.run()
    except OSError as error:
        refuse(f"{config}: health.address: {in_words(error)}")
    raise typer.Exit(code)


@app.command(
    help=text(
        "Check a configuration and this machine: certificates, keys, disk, clock. With --connect, "
        "try both brokers out: do they keep messages for a client that is away?\n\n"
        "Example: stadtsinn edge check --config edge.toml --connect",
        "Eine Konfiguration und diesen Rechner prüfen: Zertifikate, Schlüssel, Datenträger, Uhr. "
        "Mit --connect beide Broker ausprobieren: Bewahren sie Nachrichten auf, solange ein "
        "Empfänger fort ist?\n\n"
        "Beispiel: stadtsinn edge check --config edge.toml --connect",
    )
)
def check(
    config: EdgeConfig = Path("edge.toml"),
    connect: Connect = False,
    api: Annotated[
        str | None,
        typer.Option(
            "--api",
            help=text(
                "Compare the clock with the town's API, e.g. https://daten.musterstadt.example.",
                "Die Uhr mit der API der Stadt vergleichen, z. B. "
                "https://daten.musterstadt.example.",
            ),
        ),
    ] = None,
    clock: Clock = None,
) -> None:
    from stadtsinn.base.clock import open_clock

    settings = _settings(config)
    try:
        local, cloud = settings.local(), settings.cloud()
        machine = open_clock(clock or "system")
    except (ValueError, OSError) as error:
        refuse(f"{config}: {in_words(error)}")
    print_facts((*_summary(settings), clock_fact(machine)))
    for name in _unknown_types(settings):
        say(
            text(
                f"warning: device type {name} is not in the catalogue of this version",
                f"Warnung: Gerätetyp {name} fehlt im Katalog dieser Version",
            ),
            error=True,
        )
    code = report(_findings(settings, local, cloud, machine, api))
    if code != BAD_USAGE and connect and not _brokers_keep(settings):
        code = FAILED
    end_with(code)


def _findings(
    settings: EdgeSettings, local: Broker, cloud: Broker, clock: RunningClock, api: str | None
) -> Iterator[Finding]:
    """What is wrong on this machine."""
    now, spool = clock.now(), settings.spool.path
    yield from of_clock(clock)
    yield from certificate_check.of_broker(local, now)
    yield from certificate_check.of_broker(cloud, now, settings.edge_id)
    for secret in (settings.local_broker.password, settings.cloud_broker.password):
        if secret.file is not None:
            yield from certificate_check.of_secret(secret.file)
    yield from certificate_check.of_folder(spool.parent)
    yield from _of_spool(spool)
    used = spool.stat().st_size if spool.exists() else 0
    yield from of_disk(spool, max(0, settings.spool.max_megabytes * MEGABYTE - used))
    if api is not None:
        try:
            yield from of_clock_against(clock, api, time_of(api))
        except (Explained, OSError) as error:
            yield Finding(in_words(error))


def _of_spool(spool: Path) -> Iterator[Finding]:
    """Whether the file can be read, where there is one."""
    from stadtsinn.edge.agent.beside import open_beside

    if not spool.exists():
        return
    try:
        with open_beside(spool, "meta"):
            pass
    except Explained as error:
        yield Finding(in_words(error))


def _brokers_keep(settings: EdgeSettings) -> bool:
    from stadtsinn.edge.messages.delivery import CHECK_TOPIC, check_topic

    kept = [
        keeps_messages(text("local broker", "Broker vor Ort"), settings.local(), CHECK_TOPIC),
        keeps_messages(
            text("cloud broker", "Broker der Zentrale"),
            settings.cloud(),
            check_topic(settings.edge_id),
        ),
    ]
    return all(kept)


@app.command(
    "config-example",
    help=text(
        "Print a commented configuration.\n\nExample: stadtsinn edge config-example > edge.toml",
        "Eine erläuterte Konfiguration ausgeben.\n\n"
        "Beispiel: stadtsinn edge config-example > edge.toml",
    ),
)
def config_example() -> None:
    say_as_it_is(EXAMPLE)


def _summary(settings: EdgeSettings) -> Iterator[tuple[str, str]]:
    local, cloud, commit = settings.local(), settings.cloud(), settings.commit
    server, topics = settings.network_server.title, ", ".join(settings.topics)
    size = f"{settings.spool.max_megabytes} MB"
    yield text("edge id", "Kennung"), settings.edge_id
    yield (
        text("takes from", "nimmt von"),
        text(
            f"{server} at {local.host}:{local.port}, {topics}",
            f"{server} auf {local.host}:{local.port}, {topics}",
        ),
    )
    yield (
        text("keeps in", "verwahrt in"),
        f"{settings.spool.path}, {text('at most', 'höchstens')} {size}",
    )
    seconds = decimal(f"{commit.seconds:g}")
    yield (
        text("commits", "sichert"),
        text(
            f"every {counted(commit.rows, 'uplink', 'uplinks')} or {seconds} s",
            f"je {counted(commit.rows, 'Meldung', 'Meldungen')} oder {seconds} s",
        ),
    )
    yield text("delivers to", "liefert an"), f"{cloud.host}:{cloud.port}, {protection(cloud)}"
    yield text("health", "Zustand"), f"http://{settings.health.address}/healthz, /metrics"
    yield (
        text("device types", "Gerätetypen"),
        text(
            f"{len(settings.device_types)} mapped here",
            f"{len(settings.device_types)} hier zugeordnet",
        ),
    )


def _unknown_types(settings: EdgeSettings) -> list[str]:
    from stadtsinn.decoders.catalogue import catalogue

    known = catalogue()
    return sorted({name for name in settings.device_types.values() if name not in known})


def _settings(config: Path) -> EdgeSettings:
    try:
        settings = load_settings(config)
    except SettingsError as error:
        refuse(error)
    use_device_folder(settings.devices)
    return settings
