"""Commands that erase: `stadtsinn tenant delete`, `stadtsinn device erase`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.problems import Conflict
from stadtsinn.cli.asking import asked
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json, TownName
from stadtsinn.cli.output import print_facts, print_json, say
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from stadtsinn.cloud.erasure.device import Inventory as OfDevice
    from stadtsinn.cloud.erasure.slices import Slices, Storage
    from stadtsinn.cloud.erasure.town import Inventory as OfTown

Yes = Annotated[
    bool,
    typer.Option("--yes", help=text("Erase without asking.", "Ohne Rückfrage löschen.")),
]

TOWN_HELP = text(
    "Erase a town with everything that is kept of it: registry, log, archive, series, alarms, "
    "messages, keys, audit. Says first what goes and asks for the short name. Stopped on the way, "
    "it goes on when it is run again. Backups are not touched.\n\n"
    "Example: stadtsinn tenant delete musterstadt",
    "Eine Stadt löschen, mit allem, was von ihr aufbewahrt wird: Verzeichnis, Log, Archiv, "
    "Messreihen, Alarme, Meldungen, Schlüssel, Protokoll. Sagt zuerst, was wegfällt, und fragt "
    "nach dem Kurznamen. Unterbrochen geht es beim nächsten Aufruf weiter. Sicherungen bleiben.\n\n"
    "Beispiel: stadtsinn tenant delete musterstadt",
)


def delete_town(
    tenant: TownName,
    yes: Yes = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    with installation(config) as opened:
        from stadtsinn.cloud.erasure.town import TownErasure, inventory

        found = inventory(opened.storage, tenant)
        if not json_lines:
            print_facts(_of_town(found))
        _ask(tenant, yes)
        done = TownErasure(opened.storage, _telling(opened.storage)).run(tenant)
    if json_lines:
        print_json({"erased": tenant, "gone": done.gone, "left": done.left})
        return
    say(text(f"'{tenant}' is erased", f"'{tenant}' ist gelöscht"))
    for left in done.left:
        say(text(f"still there: {left}", f"noch da: {left}"))
    if done.configurations:
        say(
            text(
                f"configurations of edge agents still lie at the broker ({done.configurations}): "
                "the running 'stadtsinn cloud run' takes them back",
                f"Konfigurationen von Edge-Agenten liegen noch am Broker ({done.configurations}): "
                "'stadtsinn cloud run' nimmt sie zurück, sobald es läuft",
            )
        )
    _remind()


DEVICE_HELP = text(
    "Erase what a town keeps of a device: its uplinks in log and archive, the values that it "
    "measured, quarantine, deployments and the device itself. Counts at gates stay, without its "
    "name. Stopped on the way, it goes on when it is run again.\n\n"
    "Example: stadtsinn device erase 70b3d57ed0000001",
    "Löschen, was eine Stadt von einem Gerät aufbewahrt: seine Rohdaten in Log und Archiv, seine "
    "Messwerte, Quarantäne, Einbauten und das Gerät selbst. Zählungen an Zugängen bleiben, ohne "
    "seinen Namen. Unterbrochen geht es beim nächsten Aufruf weiter.\n\n"
    "Beispiel: stadtsinn device erase 70b3d57ed0000001",
)


def erase_device(
    device: Annotated[str, typer.Argument(help="DevEUI.")],
    tenant: Tenant = None,
    yes: Yes = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    with installation(config) as opened:
        from stadtsinn.cli.town_choice import scope_of_town
        from stadtsinn.cloud.erasure.device import DeviceErasure, inventory
        from stadtsinn.cloud.erasure.device_repository import towns_that_know
        from stadtsinn.cloud.town.service import dev_eui

        eui = dev_eui(device)
        with opened.database.read() as connection:
            known = towns_that_know(connection, eui)
            scope = scope_of_town(
                connection, tenant or next(iter(known), None), opened.settings.limits
            )
        found = inventory(opened.storage, scope, eui)
        if not json_lines:
            print_facts(_of_device(found))
        _ask(eui, yes)
        gone = DeviceErasure(opened.storage, _telling(opened.storage)).run(scope, eui)
    others = [one for one in known if one != scope.tenant_id]
    if json_lines:
        print_json({"erased": eui, "tenant": scope.tenant_id, "gone": gone, "others": others})
        return
    say(
        text(
            f"{eui} is erased of '{scope.tenant_id}'",
            f"{eui} ist bei '{scope.tenant_id}' gelöscht",
        )
    )
    for other in others:
        say(
            text(
                f"'{other}' had it, too: its history there stays",
                f"Auch '{other}' hatte es: Dort bleibt der Verlauf",
            )
        )
    _remind()


def _ask(name: str, yes: bool) -> None:
    if yes:
        return
    question = text(
        f"This cannot be undone. Type '{name}' to erase it",
        f"Das lässt sich nicht rückgängig machen. Zum Löschen '{name}' eingeben",
    )
    if asked(question) != name:
        raise Conflict("nothing was erased", "nichts wurde gelöscht")


def _telling(storage: Storage) -> Slices:
    """Says on stderr what a long erasure does."""
    from stadtsinn.cli.output import progress_lines
    from stadtsinn.cloud.erasure.slices import Slices

    show = progress_lines()
    return Slices(storage, report=lambda what, count: show(f"{what}: {count}"))


def _remind() -> None:
    say(
        text(
            "backups that were made before still have it: delete them, too, or erase again after "
            "a restore",
            "Frühere Sicherungen enthalten es noch: auch diese löschen, oder nach dem "
            "Zurückspielen erneut löschen",
        )
    )


_WORDS: Mapping[str, tuple[str, str]] = {
    "devices": ("devices", "Geräte"),
    "edges": ("edge agents", "Edge-Agenten"),
    "stations": ("stations", "Messstellen"),
    "series": ("series", "Messreihen"),
    "zones": ("zones", "Zonen"),
    "rules": ("rules", "Regeln"),
    "incidents": ("alarms", "Alarme"),
    "recipients": ("recipients", "Empfänger"),
    "messages": ("messages", "Meldungen"),
    "keys": ("keys", "Schlüssel"),
}


def _of_town(found: OfTown) -> list[tuple[str, str]]:
    begun = text(" (erasing was begun)", " (Löschen hat begonnen)") if found.begun else ""
    return [
        (text("town", "Stadt"), f"{found.name} ({found.tenant_id}){begun}"),
        (text("uplinks", "Rohdaten"), str(found.uplinks)),
        (text("days of archive", "Archivtage"), str(found.archived_days)),
        *((text(*_WORDS[name]), str(count)) for name, count in found.things.items()),
    ]


def _of_device(found: OfDevice) -> list[tuple[str, str]]:
    return [
        (text("device", "Gerät"), found.dev_eui),
        (text("town", "Stadt"), found.tenant_id),
        (text("uplinks", "Rohdaten"), str(found.uplinks)),
        (text("days of archive", "Archivtage"), str(found.archived_days)),
        (text("quarantine", "Quarantäne"), str(found.quarantined)),
        (text("stations", "Messstellen"), ", ".join(found.stations) or "–"),
    ]
