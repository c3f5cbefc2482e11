"""`stadtsinn key`: API keys, made on the server; a town's first key is made by this command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.base.berlin import write_time
from stadtsinn.cli.installation import DEFAULT_CONFIG, Config, installation
from stadtsinn.cli.language import text, translated
from stadtsinn.cli.options import Json
from stadtsinn.cli.output import print_list, say
from stadtsinn.cli.times import shown_moment

if TYPE_CHECKING:
    from stadtsinn.cloud.platform.access.repository import Key

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help=text("API keys.", "API-Schlüssel."),
)

_ROLES = {
    "reader": "lesen (reader)",
    "editor": "ändern (editor)",
    "admin": "verwalten (admin)",
}


@app.command(
    help=text(
        "Make a key; its token is printed this once.\n\n"
        "Example: stadtsinn key create musterstadt --name Masterportal --role reader",
        "Schlüssel anlegen; er wird nur dieses eine Mal gezeigt.\n\n"
        "Beispiel: stadtsinn key create musterstadt --name Masterportal --role reader",
    )
)
def create(
    tenant: Annotated[str, typer.Argument(help=text("Whose data.", "Wessen Daten."))],
    name: Annotated[str, typer.Option(help=text("Who uses it.", "Wer ihn benutzt."))],
    role: Annotated[
        str,
        typer.Option(
            help=text(
                "reader: read, editor: also change, admin: also make keys.",
                "reader: lesen, editor: auch ändern, admin: auch Schlüssel anlegen.",
            )
        ),
    ] = "reader",
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.cloud.platform.access.scope import Role
    from stadtsinn.cloud.platform.access.service import create_key

    if role not in set(Role):
        raise typer.BadParameter(f"'{role}': {', '.join(Role)}", param_hint="--role")
    with installation(config) as opened:
        key_id, token = create_key(
            opened.database,
            tenant,
            name,
            Role(role),
            opened.clock.now(),
            opened.settings.limits,
        )
    say(
        text(
            f"key {key_id}, role {role}; keep the token (on standard output), it is not "
            "shown again:",
            f"Schlüssel {key_id}, Rolle {role}; gut aufbewahren (steht auf der Standardausgabe), "
            "er wird nicht wieder gezeigt:",
        ),
        error=True,
    )
    say(token)  # alone on stdout, for scripts


@app.command(
    "list",
    help=text(
        "List keys without their tokens.\n\nExample: stadtsinn key list",
        "Schlüssel auflisten.\n\nBeispiel: stadtsinn key list",
    ),
)
def list_keys(config: Config = DEFAULT_CONFIG, json_lines: Json = False) -> None:
    from stadtsinn.cloud.platform.access.repository import all_keys

    with installation(config, reading=True) as opened, opened.database.read() as connection:
        keys = all_keys(connection)
    print_list(
        keys,
        {
            text("No.", "Nr."): lambda key: str(key.id),
            text("Town", "Stadt"): lambda key: key.tenant_id,
            text("Role", "Rolle"): lambda key: translated(key.role.value, _ROLES),
            text("Begins with", "Beginnt mit"): lambda key: f"{key.prefix}…",
            "Name": lambda key: key.name,
            text("Created", "Angelegt"): lambda key: _shown(key.created_at),
            text("Last used", "Zuletzt benutzt"): lambda key: _shown(key.last_used_at),
            text("Revoked", "Gesperrt"): lambda key: _shown(key.revoked_at),
        },
        _fields,
        as_json=json_lines,
        empty=text(
            "no key was made yet: 'stadtsinn key create' makes one",
            "noch kein Schlüssel: 'stadtsinn key create' legt einen an",
        ),
    )


@app.command(
    help=text(
        "Revoke a key, effective immediately.\n\nExample: stadtsinn key revoke 3",
        "Schlüssel sofort sperren.\n\nBeispiel: stadtsinn key revoke 3",
    )
)
def revoke(
    key_id: Annotated[int, typer.Argument(help=text("From 'key list'.", "Aus 'key list'."))],
    config: Config = DEFAULT_CONFIG,
) -> None:
    from stadtsinn.cloud.platform.access.service import revoke_as_operator

    with installation(config) as opened:
        revoke_as_operator(opened.database, key_id, opened.clock.now())
    say(text(f"key {key_id} is revoked", f"Schlüssel {key_id} ist gesperrt"))


def _shown(moment: int | None) -> str:
    return "–" if moment is None else shown_moment(moment)


def _fields(key: Key) -> dict[str, str | int | None]:
    return {
        "id": key.id,
        "tenant": key.tenant_id,
        "name": key.name,
        "role": key.role.value,
        "prefix": key.prefix,
        "created": write_time(key.created_at),
        "revoked": write_time(key.revoked_at),
        "last_used": write_time(key.last_used_at),
    }
