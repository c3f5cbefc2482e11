"""`stadtsinn broker`: Mosquitto's files for the town's own broker."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from stadtsinn.base.sentence import Explained
from stadtsinn.cli.ca import DEFAULT_FOLDER
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text
from stadtsinn.cli.output import say

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "The town's own broker, a Mosquitto (docs/broker.md).",
        "Der Broker der Stadt, ein Mosquitto (docs/broker.md).",
    ),
)


@app.callback()
def broker() -> None:
    """A noun with verbs, though it has only one so far."""


@app.command(
    help=text(
        "Write configuration, access list, accounts and certificates for Mosquitto. Passwords that "
        "are there already are kept.\n\nExample: stadtsinn broker write",
        "Konfiguration, Zugriffsliste, Konten und Zertifikate für Mosquitto schreiben. Vorhandene "
        "Passwörter bleiben.\n\nBeispiel: stadtsinn broker write",
    )
)
def write(
    to: Annotated[
        Path, typer.Option(help=text("Mosquitto's folder.", "Mosquittos Ordner."))
    ] = Path("/etc/mosquitto"),
    ca: Annotated[
        Path, typer.Option(help=text("The authority.", "Die Zertifikatsstelle."))
    ] = DEFAULT_FOLDER,
    passwords: Annotated[
        Path,
        typer.Option(
            help=text("Where NAME.password are or come.", "Wo NAME.password liegen oder hinkommen.")
        ),
    ] = Path("/etc/stadtsinn"),
    owner: Annotated[
        str,
        typer.Option(
            help=text("The user that Mosquitto runs as.", "Der Benutzer, als der Mosquitto läuft.")
        ),
    ] = "mosquitto",
    port: Annotated[
        int, typer.Option(min=1, max=65535, help=text("For certificates.", "Für Zertifikate."))
    ] = 8883,
    local_port: Annotated[
        int, typer.Option(min=1, max=65535, help=text("On this machine.", "Auf diesem Rechner."))
    ] = 1883,
    session_days: Annotated[
        int,
        typer.Option(
            min=1,
            max=365,
            help=text(
                "How long a client may be away: as session_days in edge.toml and cloud.toml.",
                "Wie lange jemand fort sein darf: wie session_days in edge.toml und cloud.toml.",
            ),
        ),
    ] = 30,
) -> None:
    from stadtsinn.base.whole_files import give_to, write_public
    from stadtsinn.cloud.broker.authority import Authority
    from stadtsinn.cloud.broker.files import (
        CONFIGURATION,
        Listening,
        configuration,
        own_passwords,
        write_broker,
    )

    folder, conf = to / "stadtsinn", to / "conf.d" / CONFIGURATION
    try:
        content = configuration(folder, Listening(port, local_port, session_days))
        written = write_broker(folder, Authority.open(ca), own_passwords(passwords))
        if os.geteuid() == 0:
            give_to(owner, *written)
        conf.parent.mkdir(exist_ok=True)
        write_public(conf, content.encode())
    except (Explained, OSError) as error:
        refuse(error)
    except LookupError:
        refuse(
            text(
                f"there is no user '{owner}': install Mosquitto first, or say --owner",
                f"es gibt keinen Benutzer '{owner}': erst Mosquitto installieren oder --owner",
            )
        )
    for path in (conf, *written[1:], *sorted(passwords.glob("*.password"))):
        say(str(path))
    say(text("Now: systemctl restart mosquitto", "Jetzt: systemctl restart mosquitto"))
