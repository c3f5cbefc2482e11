"""`stadtsinn edge`: run the agent beside a network server, check its configuration."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from stadtsinn.base.settings.errors import SettingsError
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text
from stadtsinn.cli.own_devices import use_device_folder
from stadtsinn.edge.agent.config import EXAMPLE, EdgeSettings, load_settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "The agent beside a network server: takes its uplinks, keeps them, delivers them.",
        "Der Agent beim Netzwerkserver: nimmt Messungen an, verwahrt sie, liefert sie.",
    ),
)

Config = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="STADTSINN_EDGE_CONFIG",
        help=text("Configuration file (TOML).", "Konfigurationsdatei (TOML)."),
    ),
]
Clock = Annotated[
    str,
    typer.Option(
        "--clock",
        envvar="STADTSINN_CLOCK",
        help=text(
            "'system', or 'shared:PATH' in a simulation.",
            "'system', oder 'shared:PFAD' in einer Simulation.",
        ),
    ),
]


@app.command(
    help=text(
        "Run until SIGTERM or Ctrl-C.\n\nExample: stadtsinn edge run --config edge.toml",
        "Laufen bis SIGTERM oder Strg-C.\n\nBeispiel: stadtsinn edge run --config edge.toml",
    )
)
def run(config: Config = Path("edge.toml"), clock: Clock = "system") -> None:
    settings = _settings(config)
    from stadtsinn.base.clock import open_clock
    from stadtsinn.base.logs import configure_logs
    from stadtsinn.edge.agent.agent import EdgeAgent

    configure_logs("edge", level=settings.log_level)
    try:
        agent = EdgeAgent(settings, open_clock(clock))
    except (ValueError, OSError) as error:
        refuse(str(error))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    try:
        code = agent.run()
    except OSError as error:
        refuse(f"{config}: health.address: {error}")
    raise typer.Exit(code)


@app.command(
    help=text(
        "Check a configuration and say what it would do; connects nowhere.\n\n"
        "Example: stadtsinn edge check --config edge.toml",
        "Eine Konfiguration prüfen und sagen, was sie bewirkt; verbindet sich nicht.\n\n"
        "Beispiel: stadtsinn edge check --config edge.toml",
    )
)
def check(config: Config = Path("edge.toml")) -> None:
    settings = _settings(config)
    try:
        for broker in (settings.local(), settings.cloud()):
            if broker.tls:
                broker.tls.context()
    except ValueError as error:
        refuse(f"{config}: {error}")
    for line in _summary(settings):
        print(line)
    for name in _unknown_types(settings):
        print(
            text(
                f"warning: device type {name} is not in the catalogue of this version",
                f"Warnung: Gerätetyp {name} fehlt im Katalog dieser Version",
            ),
            file=sys.stderr,
        )


@app.command(
    "config-example",
    help=text(
        "Print a commented configuration.\n\nExample: stadtsinn edge config-example > edge.toml",
        "Eine erläuterte Konfiguration ausgeben.\n\n"
        "Beispiel: stadtsinn edge config-example > edge.toml",
    ),
)
def config_example() -> None:
    print(EXAMPLE, end="")


def _summary(settings: EdgeSettings) -> list[str]:
    local, cloud = settings.local(), settings.cloud()
    server, topics = settings.network_server.title, ", ".join(settings.topics)
    tls = text("TLS", "TLS") if cloud.tls else text("NO encryption", "KEINE Verschlüsselung")
    return [
        text(f"edge id        {settings.edge_id}", f"Kennung        {settings.edge_id}"),
        text(
            f"takes from     {server} at {local.host}:{local.port}, {topics}",
            f"nimmt von      {server} auf {local.host}:{local.port}, {topics}",
        ),
        text(
            f"keeps in       {settings.spool.path}, at most {settings.spool.max_megabytes} MB",
            f"verwahrt in    {settings.spool.path}, höchstens {settings.spool.max_megabytes} MB",
        ),
        text(
            f"commits        every {settings.commit.rows} uplinks or {settings.commit.seconds:g} s",
            f"sichert        je {settings.commit.rows} Meldungen oder "
            f"{settings.commit.seconds:g} s",
        ),
        text(
            f"delivers to    {cloud.host}:{cloud.port}, {tls}",
            f"liefert an     {cloud.host}:{cloud.port}, {tls}",
        ),
        text(
            f"health         http://{settings.health.address}/healthz, /metrics",
            f"Zustand        http://{settings.health.address}/healthz, /metrics",
        ),
        text(
            f"device types   {len(settings.device_types)} mapped here",
            f"Gerätetypen    {len(settings.device_types)} hier zugeordnet",
        ),
    ]


def _unknown_types(settings: EdgeSettings) -> list[str]:
    from stadtsinn.decoders.catalogue import catalogue

    known = catalogue()
    return sorted({name for name in settings.device_types.values() if name not in known})


def _settings(config: Path) -> EdgeSettings:
    try:
        settings = load_settings(config)
    except SettingsError as error:
        refuse(str(error))
    use_device_folder(settings.devices)
    return settings
