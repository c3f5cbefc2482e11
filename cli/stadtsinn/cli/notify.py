"""`stadtsinn notify`: whether messages arrive."""

from __future__ import annotations

from typing import Annotated

import typer

from stadtsinn.cli.frame import refuse
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text
from stadtsinn.cli.output import say
from stadtsinn.cli.town_choice import Tenant, scope_of_town

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("Whether messages arrive.", "Ob Meldungen ankommen."),
)


@app.callback()
def _notify() -> None:
    """Commands by name, also while there is but one."""


@app.command(
    "test",
    help=text(
        "A test message to a recipient, on each of their channels. The running cloud sends it.\n\n"
        "Example: stadtsinn notify test meier",
        "Eine Testmeldung an einen Empfänger, auf jedem seiner Meldewege. Die laufende Zentrale "
        "verschickt sie.\n\nBeispiel: stadtsinn notify test meier",
    ),
)
def send_test(
    recipient: Annotated[
        str, typer.Argument(help=text("The recipient's short name.", "Kurzname des Empfängers."))
    ],
    tenant: Tenant = None,
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.cloud.alarms.notify.trying import write_test

    with installation(config) as parts, parts.database.write() as connection:
        scope = scope_of_town(connection, tenant, parts.settings.limits)
        served = parts.settings.notify.root
        tried = write_test(connection, scope, recipient, parts.clock.now(), served)
    if tried.written:
        channels = ", ".join(tried.written)
        say(
            text(
                f"Test message to {recipient} by {channels}: waits in the outbox.",
                f"Testmeldung an {recipient} über {channels}: liegt im Postausgang.",
            )
        )
    if tried.unserved:
        tables = ", ".join(f"[notify.{channel}]" for channel in tried.unserved)
        refuse(
            text(
                f"{recipient} cannot be reached by {', '.join(tried.unserved)}: the configuration "
                f"has no {tables} (docs/channels.md)",
                f"{recipient} ist über {', '.join(tried.unserved)} nicht zu erreichen: in der "
                f"Konfiguration fehlt {tables} (docs/channels.md)",
            )
        )
