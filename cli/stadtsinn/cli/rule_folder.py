"""`stadtsinn rule plan` and `apply`: rules as files under version control."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.frame import FAILED, refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import in_words, text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, say
from stadtsinn.cli.town_choice import Tenant, scope_of_town

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stadtsinn.base.sentence import Sentence
    from stadtsinn.cloud.alarms.rule_files.planning import Planned, Wish
    from stadtsinn.cloud.alarms.rule_files.reading import FileRule
    from stadtsinn.cloud.parts import Parts
    from stadtsinn.cloud.platform.access.scope import Scope

PLAN_HELP = text(
    "Show what applying a folder of rule files would create, change and remove. Nothing is "
    "changed; it ends with 1 where something stands against it.\n\n"
    "Example: stadtsinn rule plan regeln/",
    "Zeigen, was ein Ordner mit Regeldateien anlegen, ändern und entfernen würde. Es wird nichts "
    "geändert; endet mit 1, wenn etwas dagegen spricht.\n\nBeispiel: stadtsinn rule plan regeln/",
)
APPLY_HELP = text(
    "Bring the rules of a folder into the town. A mistake in any file changes nothing; applied "
    "twice it changes nothing. What somebody else changed since is named and left, unless "
    "--overwrite; what is no longer in the folder stays, unless --remove.\n\n"
    "Example: stadtsinn rule apply regeln/ --remove",
    "Die Regeln eines Ordners in die Stadt bringen. Ein Fehler in einer Datei ändert nichts; ein "
    "zweites Mal ändert nichts. Was jemand anderes inzwischen geändert hat, wird genannt und "
    "bleibt, außer mit --overwrite; was nicht mehr im Ordner steht, bleibt, außer mit --remove.\n\n"
    "Beispiel: stadtsinn rule apply regeln/ --remove",
)
Folder = Annotated[
    Path,
    typer.Argument(metavar="DIR", help=text("Folder with rule files.", "Ordner mit Regeldateien.")),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        help=text(
            "What the rules are kept under; the folder's name.",
            "Unter welchem Namen sie geführt werden; sonst der des Ordners.",
        ),
    ),
]
Remove = Annotated[
    bool,
    typer.Option(
        "--remove",
        help=text(
            "Remove rules that this folder brought and has no more.",
            "Regeln entfernen, die dieser Ordner brachte und nicht mehr enthält.",
        ),
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help=text("Also what somebody else changed.", "Auch, was jemand anderes geändert hat."),
    ),
]


def plan(
    folder: Folder,
    name: Name = None,
    remove: Remove = False,
    overwrite: Overwrite = False,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    with installation(config, reading=True) as opened:
        wish = _wish(folder, name, remove=remove, overwrite=overwrite)
        towns = _planned(opened, folder, wish, tenant)
        for scope, planned in towns:
            _say(scope, planned, as_json=as_json)
    if not as_json and not any(planned for _, planned in towns):
        say(text("nothing to change", "nichts zu ändern"))
    _end(towns)


def apply(
    folder: Folder,
    name: Name = None,
    remove: Remove = False,
    overwrite: Overwrite = False,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.rule_files.applying import apply as bring
    from stadtsinn.cloud.alarms.rule_files.planning import Action

    with installation(config) as opened:
        wish = _wish(folder, name, remove=remove, overwrite=overwrite)
        towns = _planned(opened, folder, wish, tenant)
        done = 0
        for scope, planned in towns:
            for one in bring(opened.database, scope, planned, wish, opened.clock.now()):
                _say(scope, [one], as_json=as_json)
                done += 1
            left = [one for one in planned if one.action in (Action.KEEP, Action.CONFLICT)]
            _say(scope, left, as_json=as_json)
    if not done and not as_json:
        say(text("nothing changed", "nichts geändert"))
    _end(towns)


def _wish(folder: Path, name: str | None, *, remove: bool, overwrite: bool) -> Wish:
    from stadtsinn.cloud.alarms.rule_files.planning import Wish

    return Wish((name or folder.resolve().name)[:63], remove, overwrite)


def _planned(
    opened: Parts, folder: Path, wish: Wish, tenant: str | None
) -> list[tuple[Scope, list[Planned]]]:
    """What is to be done in each town. Ends the command where a file has mistakes."""
    from stadtsinn.cloud.alarms.rule_files.planning import mistakes, plan
    from stadtsinn.cloud.alarms.rule_files.reading import RulesRefused, read_folder

    wrong: list[Sentence] = []
    found: list[tuple[Scope, list[Planned]]] = []
    try:
        towns = _by_town(read_folder(folder), tenant)
    except RulesRefused as refused:
        refuse(_nothing_changed([refused.sentence]), FAILED)
    with opened.database.read() as connection:
        for town, rules in towns.items():
            scope = scope_of_town(connection, town, opened.settings.limits)
            wrong += mistakes(connection, scope, rules)
            found.append((scope, plan(connection, scope, rules, wish)))
    if wrong:
        refuse(_nothing_changed(wrong), FAILED)
    return found


def _nothing_changed(wrong: Sequence[Sentence]) -> str:
    lines = "\n".join(in_words(one) for one in wrong)
    return text(f"nothing was changed\n{lines}", f"nichts geändert\n{lines}")


def _by_town(rules: Sequence[FileRule], tenant: str | None) -> dict[str | None, list[FileRule]]:
    """The rules of each town; with --tenant only of that one. None: the only town there is."""
    found: dict[str | None, list[FileRule]] = {}
    for one in rules:
        town = one.tenant or tenant
        if tenant is None or town == tenant:
            found.setdefault(town, []).append(one)
    return found


def _say(scope: Scope, planned: Sequence[Planned], *, as_json: bool) -> None:
    for one in planned:
        if as_json:
            print_json(_fields(scope, one))
            continue
        place = f" ({one.wanted.place})" if one.wanted else ""
        say(f"{_word(one)} {one.slug}{place}" + _why(one))
        for name, (old, new) in one.fields.items():
            say(f"    {name}: {_value(old)} → {_value(new)}")


def _word(one: Planned) -> str:
    from stadtsinn.cloud.alarms.rule_files.planning import Action

    return {
        Action.CREATE: text("+ create", "+ anlegen"),
        Action.CHANGE: text("~ change", "~ ändern"),
        Action.TAKE_OVER: text("= take over", "= übernehmen"),
        Action.REMOVE: text("- remove", "- entfernen"),
        Action.KEEP: text(
            "  not in the folder any more, --remove removes",
            "  nicht mehr im Ordner, --remove entfernt",
        ),
        Action.CONFLICT: text("! not applied", "! nicht übernommen"),
    }[one.action]


def _why(one: Planned) -> str:
    return "" if one.said is None else f": {in_words(one.said)}"


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None else str(value)


def _fields(scope: Scope, one: Planned) -> dict[str, object]:
    return {
        "tenant": scope.tenant_id,
        "rule": one.slug,
        "action": one.action.value,
        "file": one.wanted.place if one.wanted else None,
        "fields": {name: [str(old), str(new)] for name, (old, new) in one.fields.items()},
        "reason": None if one.said is None else one.said.english,
    }


def _end(towns: Sequence[tuple[Scope, Sequence[Planned]]]) -> None:
    from stadtsinn.cloud.alarms.rule_files.planning import Action

    if any(one.action is Action.CONFLICT for _, planned in towns for one in planned):
        raise typer.Exit(FAILED)
