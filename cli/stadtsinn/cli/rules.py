"""`stadtsinn rule`: a town's rules, tried over the history and kept as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli import rule_backtest, rule_folder
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config
from stadtsinn.cli.language import in_words, shown_value, text, translated, yes_or_no
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_facts, print_json, print_list
from stadtsinn.cli.town_choice import Tenant, read_town

if TYPE_CHECKING:
    from stadtsinn.cloud.alarms.alerts.rule import Rule

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Rules of a town: when to raise an alarm.", "Regeln einer Stadt: wann Alarm ist."),
)
app.command("backtest", help=rule_backtest.HELP)(rule_backtest.backtest)
app.command("plan", help=rule_folder.PLAN_HELP)(rule_folder.plan)
app.command("apply", help=rule_folder.APPLY_HELP)(rule_folder.apply)

RuleName = Annotated[
    str, typer.Argument(help=text("The rule's short name.", "Kurzname der Regel."))
]


@app.command(
    "list",
    help=text(
        "List the rules of a town.\n\nExample: stadtsinn rule list",
        "Die Regeln einer Stadt auflisten.\n\nBeispiel: stadtsinn rule list",
    ),
)
def list_rules(
    tenant: Tenant = None, config: Config = DEFAULT_CONFIG, as_json: Json = False
) -> None:
    from stadtsinn.cloud.alarms.alerts import repository

    with read_town(config, tenant) as (_, connection, scope):
        found = [one.rule for one in repository.rules_page(connection, scope, None, None)]
    print_list(
        found,
        {
            text("Rule", "Regel"): lambda rule: rule.slug,
            "Name": lambda rule: rule.name,
            text("Watches", "Beobachtet"): watches,
            text("Kind", "Art"): lambda rule: in_words(rule.parameters.title),
            text("Active", "Aktiv"): lambda rule: yes_or_no(rule.enabled),
            text("Recipients", "Empfänger"): lambda rule: ", ".join(rule.recipients),
        },
        lambda rule: rule.model_dump(mode="json"),
        as_json=as_json,
        empty=text(
            "there is no rule yet: 'stadtsinn rule apply' brings them from files",
            "es gibt noch keine Regel: 'stadtsinn rule apply' bringt sie aus Dateien",
        ),
    )


@app.command(
    help=text(
        "Show a rule with all its settings.\n\nExample: stadtsinn rule show wochenmarkt-voll",
        "Eine Regel mit allen Einstellungen zeigen.\n\n"
        "Beispiel: stadtsinn rule show wochenmarkt-voll",
    )
)
def show(
    rule: RuleName,
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    from stadtsinn.cloud.alarms.alerts import repository

    with read_town(config, tenant) as (_, connection, scope):
        found = repository.rule(connection, scope, rule).rule
    fields = found.model_dump(mode="json")
    if as_json:
        print_json(fields)
    else:
        print_facts((name, shown_value(value)) for name, value in fields.items())


def watches(rule: Rule) -> str:
    """What a rule is about, in few words."""
    if rule.zone is not None:
        return f"{text('zone', 'Zone')} {rule.zone}"
    if rule.station is not None:
        return f"{rule.station}: {rule.quantity}"
    group = rule.group.model_dump(exclude_none=True) if rule.group else {}
    common = ", ".join(f"{translated(name, _COMMON)} {value}" for name, value in group.items())
    return f"{common}: {rule.quantity}"


_COMMON = {"kind": "Art", "site": "Ort", "tag": "Merkmal"}
"""What the stations of a group have in common."""
