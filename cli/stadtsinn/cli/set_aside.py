"""`stadtsinn cloud set-aside`: uplinks that a follower could not apply."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stadtsinn.base.berlin import isoformat
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json, Limit
from stadtsinn.cli.output import print_list
from stadtsinn.cli.times import shown_moment

if TYPE_CHECKING:
    from stadtsinn.cloud.log.set_aside.repository import SetAside

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Uplinks in the log that a follower could not apply.",
        "Messungen im Log, die nicht ausgewertet werden konnten.",
    ),
)


@app.callback()
def _group() -> None:
    """Keeps `list` a command of its own while it is the only one."""


@app.command(
    "list",
    help=text(
        "List them with the reason, newest first. They stay in the log: 'stadtsinn cloud rebuild' "
        "tries them again.\n\nExample: stadtsinn cloud set-aside list --follower live",
        "Zeigt, was nicht ausgewertet werden konnte, mit dem Grund, das Neueste zuerst. Es bleibt "
        "im Log: 'stadtsinn cloud rebuild' versucht es erneut.\n\n"
        "Beispiel: stadtsinn cloud set-aside list --follower live",
    ),
)
def list_set_aside(
    config: Config = DEFAULT_CONFIG,
    follower: Annotated[
        str | None,
        typer.Option(
            help=text(
                "Only this follower: series, live, alerts.", "Nur diese: series, live, alerts."
            )
        ),
    ] = None,
    limit: Limit = 50,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.log.set_aside.repository import listed

    with installation(config, reading=True) as parts, parts.database.read() as connection:
        rows = listed(connection, follower, limit)
    print_list(
        rows,
        {
            text("Follower", "Auswertung"): lambda row: row.follower,
            text("Position", "Position"): lambda row: str(row.position),
            text("Set aside", "Beiseitegelegt"): lambda row: shown_moment(row.set_aside_at),
            text("Device", "Gerät"): lambda row: row.dev_eui,
            text("Reason", "Grund"): lambda row: f"{row.reason}: {row.detail}",
        },
        _fields,
        as_json=json_lines,
        empty=text(
            "Nothing is set aside: all that is in the log was evaluated. Where values are missing, "
            "'stadtsinn trace DEVEUI' says why.",
            "Nichts ist beiseitegelegt: Alles im Log wurde ausgewertet. Wo Werte fehlen, sagt "
            "'stadtsinn trace DEVEUI' den Grund.",
        ),
    )


def _fields(row: SetAside) -> dict[str, Any]:
    return {**asdict(row), "set_aside_at": isoformat(row.set_aside_at)}
