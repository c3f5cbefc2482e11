"""`stadtsinn personal`: where a person is named, and taking the name out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.counted import counted
from stadtsinn.base.problems import Conflict
from stadtsinn.base.sentence import Unusable
from stadtsinn.cli.asking import asked, confirmed
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.town_choice import Tenant

if TYPE_CHECKING:
    from stadtsinn.cloud.erasure.person import Found
    from stadtsinn.cloud.erasure.searching import Wanted

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text(
        "Where a person is named, and erasing that.",
        "Wo jemand genannt ist, und das Löschen davon.",
    ),
)
_HOW = text(
    "Asks for a name, a telephone number or an e-mail address, or reads it from stdin: as an "
    "argument it would stay in the shell's history and in the list of processes.",
    "Fragt nach Name, Telefonnummer oder E-Mail-Adresse oder liest sie von der Standardeingabe: "
    "Als Argument bliebe sie in der Befehlsliste der Shell und in der Liste der Prozesse.",
)


@app.command(
    help=text(
        f"Say where a person is named, without showing what else stands there. {_HOW}\n\n"
        "Example: stadtsinn personal find --tenant musterstadt",
        f"Sagen, wo jemand genannt ist, ohne zu zeigen, was dort sonst steht. {_HOW}\n\n"
        "Beispiel: stadtsinn personal find --tenant musterstadt",
    )
)
def find(tenant: Tenant = None, config: Config = DEFAULT_CONFIG, json_lines: Json = False) -> None:
    with installation(config, reading=True) as opened:
        from stadtsinn.cloud.erasure.person import find as find_person

        found = list(find_person(opened.database, _wanted(), tenant))
    print_list(
        found,
        {
            text("Town", "Stadt"): lambda one: one.tenant_id or "–",
            text("Where", "Wo"): _where,
            text("Row", "Zeile"): _row,
            text("In", "In"): lambda one: ", ".join(one.columns),
        },
        lambda one: {
            "tenant": one.tenant_id,
            "table": str(one.table.name),
            "key": list(one.key),
            "columns": list(one.columns),
        },
        as_json=json_lines,
        empty=_nowhere(),
    )


@app.command(
    help=text(
        "Take a person out of everything that is stored: recipients go, of messages sent number "
        "and text; in remarks and names a mark stands instead. "
        f"{_HOW}\n\nExample: stadtsinn personal erase --tenant musterstadt",
        "Jemanden aus allem Gespeicherten löschen: Empfänger entfallen, von gesendeten Meldungen "
        "Nummer und Text; in Bemerkungen und Namen steht ein Zeichen dafür. "
        f"{_HOW}\n\nBeispiel: stadtsinn personal erase --tenant musterstadt",
    )
)
def erase(
    tenant: Tenant = None,
    yes: Annotated[
        bool, typer.Option("--yes", help=text("Erase without asking.", "Ohne Rückfrage löschen."))
    ] = False,
    config: Config = DEFAULT_CONFIG,
    json_lines: Json = False,
) -> None:
    with installation(config) as opened:
        from stadtsinn.cloud.erasure.person import erase as erase_person
        from stadtsinn.cloud.erasure.person import find as find_person
        from stadtsinn.cloud.erasure.slices import Slices

        wanted = _wanted()
        count = sum(1 for _ in find_person(opened.database, wanted, tenant))
        if count and not yes:
            _ask(count)
        done = erase_person(Slices(opened.storage), wanted, tenant)
    if json_lines:
        left = [{"table": str(one.table.name), "key": list(one.key)} for one in done.fixed]
        print_json({"changed": done.changed, "left": left})
        return
    for table, rows in sorted(done.changed.items()):
        say(f"{table}: {rows}")
    for one in done.fixed:
        say(
            text(
                f"{_where(one)} {_row(one)}: stays in {', '.join(one.fixed)}, which others refer "
                "to: make it anew under another short name",
                f"{_where(one)} {_row(one)}: bleibt in {', '.join(one.fixed)}, worauf anderes "
                "verweist: unter anderem Kurznamen neu anlegen",
            )
        )
    if not done.changed and not done.fixed:
        say(_nowhere())


def _nowhere() -> str:
    return text(
        "nowhere in the database; earlier backups may still have it (docs/erasing.md)",
        "nirgends in der Datenbank; frühere Sicherungen können es noch enthalten (docs/erasing.md)",
    )


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise Unusable(
            f"{counted(count, 'row', 'rows')} would change: say so with --yes",
            f"{counted(count, 'Zeile würde', 'Zeilen würden')} geändert: mit --yes bestätigen",
        )
    question = text(
        f"Change {counted(count, 'row', 'rows')} for good?",
        f"{counted(count, 'Zeile', 'Zeilen')} endgültig ändern?",
    )
    if not confirmed(question):
        raise Conflict("nothing was erased", "nichts wurde gelöscht")


def _wanted() -> Wanted:
    from stadtsinn.cloud.erasure.searching import Wanted

    if sys.stdin.isatty():
        return Wanted.of(asked(text("Name, number or address", "Name, Nummer, Adresse")))
    return Wanted.of(sys.stdin.readline())


def _where(one: Found) -> str:
    from stadtsinn.cloud.platform.privacy.kept import kept_of

    kept = kept_of(one.table)
    return f"{one.table.name}: {text(kept.english, kept.german)}"


def _row(one: Found) -> str:
    """Numbers only: a short name may be the person's, or another's."""
    return " ".join(str(part) if isinstance(part, int) else "…" for part in one.key)
