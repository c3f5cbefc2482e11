"""`stadtsinn edge kept`: items of devices that the cloud says are not the town's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from stadtsinn.base.sentence import Explained
from stadtsinn.cli.edge_spool import spool_of
from stadtsinn.cli.frame import refuse
from stadtsinn.cli.language import text
from stadtsinn.cli.options import EdgeConfig, Json
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.times import shown_moment

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Items of devices that are not registered with the town: they stay here until they are.",
        "Einträge von Geräten, die nicht bei der Stadt registriert sind und so lange hier bleiben.",
    ),
)


@app.command(
    "list",
    help=text(
        "List the devices, with how much is kept of each.\n\nExample: stadtsinn edge kept list",
        "Die Geräte auflisten, und wie viel von jedem hier liegt.\n\n"
        "Beispiel: stadtsinn edge kept list",
    ),
)
def list_kept(config: EdgeConfig = Path("edge.toml"), json_lines: Json = False) -> None:
    from stadtsinn.base.berlin import isoformat
    from stadtsinn.edge.agent.kept_devices import kept_devices

    try:
        found = kept_devices(spool_of(config))
    except Explained as error:
        refuse(error)
    print_list(
        found,
        {
            text("device", "Gerät"): lambda one: one.device,
            text("items", "Einträge"): lambda one: str(one.items),
            text("bytes", "Byte"): lambda one: str(one.bytes),
            text("oldest", "ältester"): lambda one: shown_moment(one.oldest),
            text("newest", "neuester"): lambda one: shown_moment(one.newest),
        },
        lambda one: {
            "device": one.device,
            "items": one.items,
            "bytes": one.bytes,
            "oldest": isoformat(one.oldest),
            "newest": isoformat(one.newest),
        },
        as_json=json_lines,
        empty=text(
            "Nothing is kept: the town knows every device that was heard here.",
            "Nichts wird verwahrt: Die Stadt kennt jedes Gerät, das hier zu hören war.",
        ),
    )


@app.command(
    help=text(
        "Delete what is kept of the devices named, or with --all of every one. The cloud's "
        "quarantine has a copy for 90 days. What the network server hears of them later is kept "
        "again: take them out of it first.\n\n"
        "Example: stadtsinn edge kept drop 70b3d57ed0000001",
        "Löschen, was von den genannten Geräten hier liegt, mit --all von jedem. In der Quarantäne "
        "der Zentrale liegt 90 Tage eine Kopie. Was der Netzwerkserver später von ihnen empfängt, "
        "wird wieder verwahrt: zuerst dort austragen.\n\n"
        "Beispiel: stadtsinn edge kept drop 70b3d57ed0000001",
    )
)
def drop(
    device: Annotated[
        list[str] | None,
        typer.Argument(help=text("From 'edge kept list'.", "Aus 'edge kept list'.")),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help=text("Of every device.", "Von jedem Gerät."))
    ] = False,
    config: EdgeConfig = Path("edge.toml"),
) -> None:
    from stadtsinn.edge.agent.kept_devices import drop as drop_kept
    from stadtsinn.edge.agent.kept_devices import kept_devices

    if everything == bool(device):
        refuse(text("name devices, or give --all", "Geräte nennen oder --all angeben"))
    spool = spool_of(config)
    named = {re.sub("[-: ]", "", one).lower() for one in device or ()}
    try:
        count = drop_kept(spool, named or {one.device for one in kept_devices(spool)})
    except Explained as error:
        refuse(error)
    say(text(f"items deleted: {count}", f"gelöschte Einträge: {count}"))
