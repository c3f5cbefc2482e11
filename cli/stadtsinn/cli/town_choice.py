"""Which town a command on the server means: the one that is named, or the only one there is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from stadtsinn.cli.installation import installation
from stadtsinn.cli.language import text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from stadtsinn.cloud.parts import Parts
    from stadtsinn.cloud.platform.access.scope import Scope
    from stadtsinn.cloud.platform.limits.model import Limits

Tenant = Annotated[
    str | None,
    typer.Option(
        "--tenant",
        "-t",
        help=text("The town, where there are several.", "Die Stadt, wo es mehrere gibt."),
    ),
]


@contextmanager
def read_town(config: Path, tenant: str | None) -> Iterator[tuple[Parts, Connection, Scope]]:
    """The installation, a connection that only reads, and the town."""
    with installation(config, reading=True) as opened, opened.database.read() as connection:
        yield opened, connection, scope_of_town(connection, tenant, opened.settings.limits)


@contextmanager
def open_town(config: Path, tenant: str | None) -> Iterator[tuple[Parts, Scope]]:
    """The installation and the town, for a command that changes something."""
    with installation(config) as opened:
        with opened.database.read() as connection:
            scope = scope_of_town(connection, tenant, opened.settings.limits)
        yield opened, scope


def scope_of_town(connection: Connection, tenant: str | None, limits: Limits) -> Scope:
    """The operator's scope of a town; raises Problem naming the towns where it is not clear."""
    from stadtsinn.base.problems import Invalid, NotFound
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.platform.tenants.repository import all_tenants, being_erased

    towns = all_tenants(connection)
    if any(one.id == tenant and one.erasing_since is not None for one in towns):
        raise being_erased(str(tenant))
    known = [one.id for one in towns if one.erasing_since is None]
    if tenant is None and len(known) == 1:
        return operator_scope(known[0], limits)
    if tenant in known:
        return operator_scope(tenant, limits)
    names = ", ".join(known)
    if not known:
        raise NotFound(
            "there is no town yet: make one with 'stadtsinn registry apply'",
            "es gibt noch keine Stadt: 'stadtsinn registry apply' legt eine an",
        )
    if tenant is None:
        raise Invalid(
            f"there are several towns: name one with --tenant ({names})",
            f"es gibt mehrere Städte: eine mit --tenant nennen ({names})",
        )
    raise NotFound(
        f"there is no town '{tenant}'; known: {names}",
        f"es gibt keine Stadt '{tenant}'; bekannt: {names}",
    )


def scope_of_device(connection: Connection, dev_eui: str, limits: Limits) -> Scope:
    """The operator's scope of the town that has the device; raises NotFound."""
    from stadtsinn.base.problems import NotFound
    from stadtsinn.cloud.platform.access.service import operator_scope
    from stadtsinn.cloud.town.repository import tenant_of_device

    tenant = tenant_of_device(connection, dev_eui)
    if tenant is None:
        raise NotFound(
            f"the device '{dev_eui}' is not registered: 'stadtsinn registry apply' or "
            "'stadtsinn registry import-devices' registers it",
            f"das Gerät '{dev_eui}' ist nicht angelegt: 'stadtsinn registry apply' oder "
            "'stadtsinn registry import-devices' legt es an",
        )
    return operator_scope(tenant, limits)
