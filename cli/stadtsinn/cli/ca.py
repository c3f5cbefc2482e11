"""`stadtsinn ca`: certificates for the town's broker and everybody who comes in by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.sentence import Explained
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text, yes_or_no
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_list, say, say_as_it_is
from stadtsinn.cli.times import shown_day

if TYPE_CHECKING:
    from stadtsinn.cloud.broker.authority import Authority, Credentials

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "The town's certificate authority: for its broker and the edge agents (docs/broker.md).",
        "Die Zertifikatsstelle der Stadt: für ihren Broker und die Edge-Agenten (docs/broker.md).",
    ),
)

DEFAULT_FOLDER = Path("/etc/stadtsinn/ca")

Folder = Annotated[
    Path,
    typer.Option(
        "--folder",
        help=text(
            "Where the authority is. Keep a copy elsewhere, as safe as a key.",
            "Wo die Stelle liegt. Eine Kopie anderswo so sicher wie einen Schlüssel verwahren.",
        ),
    ),
]
Days = Annotated[
    int, typer.Option(min=1, max=3650, help=text("Valid for so long.", "So lange gültig."))
]
Renew = Annotated[
    bool,
    typer.Option(
        "--renew",
        help=text(
            "Another one, though one is valid.", "Ein weiteres, obwohl eines noch gültig ist."
        ),
    ),
]
Name = Annotated[str, typer.Argument(help=text("Name at the broker.", "Name am Broker."))]

_DAYS = 3 * 365


@app.command(
    help=text(
        "Make the authority.\n\nExample: stadtsinn ca create --name 'Stadt Musterstadt'",
        "Die Zertifikatsstelle anlegen.\n\n"
        "Beispiel: stadtsinn ca create --name 'Stadt Musterstadt'",
    )
)
def create(
    name: Annotated[str, typer.Option(help=text("Whose it is.", "Wem sie gehört."))],
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    from stadtsinn.cloud.broker.authority import Authority

    with _refusals():
        made = Authority.create(folder, name)
    say(str(made.ca))


@app.command(
    help=text(
        "Make the broker's certificate, for every name and address that it is reached by.\n\n"
        "Example: stadtsinn ca server mqtt.musterstadt.example",
        "Das Zertifikat des Brokers ausstellen, für alle Namen und Adressen, unter denen er "
        "erreicht wird.\n\nBeispiel: stadtsinn ca server mqtt.musterstadt.example",
    )
)
def server(
    host: Annotated[list[str], typer.Argument(help=text("Name, address.", "Name, Adresse."))],
    days: Days = _DAYS,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    with _authority(folder) as authority:
        _print_files(authority.issue_server(host, days))


@app.command(
    help=text(
        "Make an edge agent's certificate and key: copy the folder to its machine.\n\n"
        "Example: stadtsinn ca edge rathaus-1 --tenant musterstadt",
        "Zertifikat und Schlüssel eines Edge-Agenten ausstellen: den Ordner auf dessen Rechner "
        "kopieren.\n\nBeispiel: stadtsinn ca edge rathaus-1 --tenant musterstadt",
    )
)
def edge(
    name: Name,
    tenant: Annotated[
        str | None,
        typer.Option(
            help=text(
                "Short name of the town that it belongs to.",
                "Kurzname der Stadt, der er gehört.",
            )
        ),
    ] = None,
    days: Days = _DAYS,
    renew: Renew = False,
    folder: Folder = DEFAULT_FOLDER,
) -> None:
    with _authority(folder) as authority:
        _print_files(authority.issue_edge(name, days, tenant=tenant, renew=renew))


@app.command(
    help=text(
        "Make a certificate for an ingest or a network server on another machine.\n\n"
        "Example: stadtsinn ca role chirpstack",
        "Ein Zertifikat für die Zentrale oder einen Netzwerkserver auf einem anderen Rechner "
        "ausstellen.\n\nBeispiel: stadtsinn ca role chirpstack",
    )
)
def role(
    name: Name, days: Days = _DAYS, renew: Renew = False, folder: Folder = DEFAULT_FOLDER
) -> None:
    with _authority(folder) as authority:
        _print_files(authority.issue_role(name, days, renew=renew))


@app.command(
    help=text(
        "Revoke all certificates of a name: a machine was lost or stolen.\n\n"
        "Example: stadtsinn ca revoke rathaus-1",
        "Alle Zertifikate eines Namens sperren: ein Rechner ist verloren oder gestohlen.\n\n"
        "Beispiel: stadtsinn ca revoke rathaus-1",
    )
)
def revoke(name: Name, folder: Folder = DEFAULT_FOLDER) -> None:
    with _authority(folder) as authority:
        count = authority.revoke(name)
        listed = authority.revocations
    say(
        text(
            f"{name}: {count} revoked. The broker refuses them once it has the new list and was "
            "started again:",
            f"{name}: {count} gesperrt. Der Broker weist sie ab, sobald er die neue Liste hat und "
            "neu gestartet ist:",
        )
    )
    say_as_it_is(
        f"install -m 0644 {listed} /etc/mosquitto/stadtsinn/revoked.pem && "
        "systemctl restart mosquitto"
    )


@app.command(
    "list",
    help=text(
        "List the certificates of the broker, of edge agents and roles.\n\n"
        "Example: stadtsinn ca list",
        "Zertifikate des Brokers, der Agenten und Rollen auflisten.\n\nBeispiel: stadtsinn ca list",
    ),
)
def list_certificates(folder: Folder = DEFAULT_FOLDER, json_lines: Json = False) -> None:
    with _authority(folder) as authority:
        server = authority.server_certificate
        issued = [("client", one) for one in authority.issued()]
    if server is not None:
        issued.insert(0, ("server", server))
    print_list(
        issued,
        {
            "Name": lambda row: row[1].name,
            text("Whose", "Wessen"): lambda row: _kind(row[0]),
            text("Valid until", "Gültig bis"): lambda row: shown_day(row[1].ends),
            text("Revoked", "Gesperrt"): lambda row: yes_or_no(True) if row[1].revoked else "",
        },
        lambda row: {
            "name": row[1].name,
            "kind": row[0],
            "ends": f"{row[1].ends:%Y-%m-%d}",
            "revoked": row[1].revoked,
        },
        as_json=json_lines,
        empty=text(
            "no certificate was made yet: 'stadtsinn ca server' makes the broker's, 'stadtsinn ca "
            "edge' an agent's",
            "noch kein Zertifikat: 'stadtsinn ca server' stellt das des Brokers aus, 'stadtsinn ca "
            "edge' das eines Agenten",
        ),
    )


def _kind(kind: str) -> str:
    return "Broker" if kind == "server" else text("agent, role", "Agent, Rolle")


def _print_files(files: Credentials) -> None:
    for path in (files.ca, files.certificate, files.key):
        say(str(path))


@contextmanager
def _authority(folder: Path) -> Iterator[Authority]:
    from stadtsinn.cloud.broker.authority import Authority

    with _refusals():
        yield Authority.open(folder)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except (Explained, OSError) as error:
        refuse(error)
