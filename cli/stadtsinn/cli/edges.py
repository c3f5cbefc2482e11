"""`stadtsinn edges`: the edge agents of the installation, as the cloud hears of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from stadtsinn.base.berlin import write_time
from stadtsinn.base.foreign_text import visible
from stadtsinn.cli.ages import age
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import decimal, text
from stadtsinn.cli.options import Clock, Json
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.town_choice import Tenant, scope_of_town

if TYPE_CHECKING:
    from stadtsinn.base.instant import Instant
    from stadtsinn.cloud.operations.edges import EdgeView

app = typer.Typer(add_completion=False)


@app.command(
    help=text(
        "Show all edge agents: are they there, what waits in their spools, is their clock right, "
        "how far are they committed.\n\nExample: stadtsinn edges --tenant musterstadt",
        "Alle Edge-Agenten zeigen: Sind sie da, was wartet in ihrem Zwischenspeicher, stimmt ihre "
        "Uhr, wie weit sind sie übernommen.\n\nBeispiel: stadtsinn edges --tenant musterstadt",
    )
)
def edges(
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    clock: Clock = None,
    json_lines: Json = False,
) -> None:
    from stadtsinn.cloud.operations.edges import edges as all_edges

    with installation(config, clock, reading=True) as opened:
        now = opened.clock.now()
        with opened.database.read() as connection:
            if tenant is not None:
                scope_of_town(connection, tenant, opened.settings.limits)
            found = all_edges(connection, now, tenant)
    print_list(
        found,
        {
            text("Edge", "Agent"): lambda one: one.id,
            text("State", "Stand"): lambda one: _state(one, now),
            text("Seen", "Gesehen"): lambda one: age(one.seen_at, now),
            text("Waiting", "Wartet"): lambda one: _waiting(one, now),
            "Version": lambda one: one.report.version if one.report else "–",
            text("Clock", "Uhr"): _clock,
            "Stream": _stream,
        },
        _fields,
        as_json=json_lines,
        empty=text(
            "no edge is registered: 'stadtsinn registry give-edge' or a town file registers one",
            "kein Agent ist angelegt: 'stadtsinn registry give-edge' oder eine Stadtdatei legt "
            "einen an",
        ),
    )
    if not json_lines:
        _say_warnings(found)


def _say_warnings(found: list[EdgeView]) -> None:
    for one in found:
        if one.report is None and one.seen_at is not None:
            say(
                text(
                    f"{one.id}: it delivers, and nothing is heard of its state: may the ingest "
                    "read stadtsinn/edge/+/status? ('stadtsinn broker write', docs/operations.md)",
                    f"{one.id}: er liefert, doch von seinem Zustand ist nichts zu hören: Darf die "
                    "Zentrale stadtsinn/edge/+/status lesen? ('stadtsinn broker write', "
                    "docs/operations.md)",
                )
            )
        for warning in one.report.warnings if one.report else ():
            say(visible(f"{one.id}: {warning}"))


def _state(one: EdgeView, now: Instant) -> str:
    words = {
        "online": text("there", "da"),
        "away": text("away", "fort"),
        "stopped": text("stopped", "beendet"),
        "never": text("never", "nie"),
    }
    since = f" {age(one.away_since, now)}" if one.away_since is not None else ""
    return words[one.presence] + since


def _waiting(one: EdgeView, now: Instant) -> str:
    if one.report is None:
        return "–"
    waiting = one.report.spool
    return f"{waiting.items} ({age(one.oldest_waiting, now)})" if waiting.items else "0"


def _clock(one: EdgeView) -> str:
    ahead = one.report.clock_ahead if one.report else None
    return "–" if ahead is None else decimal(f"{ahead:+.1f} s")


def _stream(one: EdgeView) -> str:
    if one.report is None or not one.report.stream:
        return "–"
    return f"{one.report.stream[:6]}… {one.report.acknowledged_position}"


def _fields(one: EdgeView) -> dict[str, object]:
    report = one.report
    return {
        "id": one.id,
        "name": one.name,
        "tenant": one.tenant_id,
        "state": one.presence.value,
        "seen": write_time(one.seen_at),
        "away_since": write_time(one.away_since),
        "version": report.version if report else None,
        "waiting": report.spool.items if report else None,
        "oldest_waiting": write_time(one.oldest_waiting),
        "spool_bytes": report.spool.bytes if report else None,
        "clock_ahead_seconds": report.clock_ahead if report else None,
        "certificate_ends": write_time(one.certificate_ends),
        "stream": report.stream if report else None,
        "acknowledged_position": report.acknowledged_position if report else None,
        "network_server_connected": report.local_broker if report else None,
        "last_uplink": report.last_uplink if report else None,
        "warnings": report.warnings if report else [],
    }
