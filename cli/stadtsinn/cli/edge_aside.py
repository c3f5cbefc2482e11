"""`stadtsinn edge aside`: items that are too large for the cloud's broker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stadtsinn.base.sentence import Explained
from stadtsinn.cli.edge_spool import spool_of
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text, yes_or_no
from stadtsinn.cli.options import EdgeConfig, Json
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.times import shown_moment

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Items that are too large for the cloud's broker and wait apart.",
        "Einträge, die dem Broker der Zentrale zu groß sind und gesondert warten.",
    ),
)


@app.command(
    "list",
    help=text(
        "List the items that wait apart, with size and reason.\n\n"
        "Example: stadtsinn edge aside list",
        "Gesondert wartende Einträge mit Größe und Grund auflisten.\n\n"
        "Beispiel: stadtsinn edge aside list",
    ),
)
def list_aside(config: EdgeConfig = Path("edge.toml"), json_lines: Json = False) -> None:
    from stadtsinn.base.instant import isoformat
    from stadtsinn.edge.agent.aside import aside

    try:
        found = aside(spool_of(config))
    except Explained as error:
        refuse(error)
    print_list(
        found,
        {
            text("number", "Nummer"): lambda item: str(item.id),
            text("received", "empfangen"): lambda item: shown_moment(item.received_at),
            text("bytes", "Byte"): lambda item: str(item.size),
            text("again", "erneut"): lambda item: yes_or_no(True) if item.retry else "",
            text("reason", "Grund"): lambda item: item.reason,
        },
        lambda item: {
            "id": item.id,
            "received_at": isoformat(item.received_at),
            "set_aside_at": isoformat(item.at),
            "size": item.size,
            "retry": item.retry,
            "reason": item.reason,
        },
        as_json=json_lines,
        empty=text(
            "Nothing is set aside: no item was too large for the town's broker.",
            "Nichts liegt gesondert: Kein Eintrag war dem Broker der Zentrale zu groß.",
        ),
    )


@app.command(
    help=text(
        "Deliver items that wait apart again, all or those named, from the agent's next start "
        "on.\n\n"
        "Example: stadtsinn edge aside retry",
        "Gesondert wartende Einträge erneut liefern, alle oder die genannten, ab dem nächsten "
        "Start des Agenten.\n\n"
        "Beispiel: stadtsinn edge aside retry",
    )
)
def retry(
    number: Annotated[
        list[int] | None,
        typer.Argument(help=text("From 'edge aside list'.", "Aus 'edge aside list'.")),
    ] = None,
    config: EdgeConfig = Path("edge.toml"),
) -> None:
    from stadtsinn.edge.agent.aside import retry as retry_items

    try:
        count = retry_items(spool_of(config), number or [])
    except Explained as error:
        refuse(error)
    say(
        text(
            f"{count} marked: they go out when the agent is started again",
            f"{count} vorgemerkt: sie gehen beim nächsten Start des Agenten hinaus",
        )
    )
