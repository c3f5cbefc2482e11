"""Brings a tree register into a town: read and checked as a whole first, then written in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from stadtsinn.base.batches import batched
from stadtsinn.base.berlin import local
from stadtsinn.base.counted import counted
from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Conflict
from stadtsinn.cloud.domains.trees import repository
from stadtsinn.cloud.domains.trees.register_file import Register, read_register
from stadtsinn.cloud.domains.trees.register_row import Tree
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.audit.line import Action, Kind, Line
from stadtsinn.cloud.platform.audit.recording import record
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.service import limits_for

_AT_ONCE = 1_000
"""Trees in one transaction: all towns wait for it."""
_PLACES = 200


@dataclass(frozen=True)
class Imported:
    """What an import changed, or would change."""

    register: Register
    new: int
    changed: int
    same: int
    missing: int
    """Trees of the town that the file does not have."""
    removed: int = 0


@dataclass(frozen=True)
class Wanted:
    """How a register is to be taken."""

    system: str | None = None
    numbered_by: tuple[str, ...] = ()
    remove_missing: bool = False
    dry_run: bool = False


def import_register(
    database: Database, scope: Scope, content: bytes, wanted: Wanted, now: Instant
) -> Imported:
    """Register the trees of a file. Those that are there become as the file says; those that it
    does not have stay, unless `remove_missing`.

    Raises RegisterRefused with all that is wrong, Conflict where there is no room; then nothing is
    changed. A power cut may leave a part: importing the same file again goes on.
    """
    with database.read() as connection:
        places = repository.known_positions(connection, scope, _PLACES)
    register = read_register(
        content,
        local(now).year,
        stated_system=wanted.system,
        places=places,
        numbered_by=wanted.numbered_by,
    )
    with database.read() as connection:
        present = {one.number: one for one in repository.all_trees(connection, scope)}
        _require_room(connection, scope, register.trees, present)
    written = [one for one in register.trees if present.get(one.number) != one]
    new = sum(1 for one in written if one.number not in present)
    gone = sorted(present.keys() - {one.number for one in register.trees})
    found = Imported(
        register,
        new=new,
        changed=len(written) - new,
        same=len(register.trees) - len(written),
        missing=len(gone),
        removed=len(gone) if wanted.remove_missing else 0,
    )
    if not wanted.dry_run:
        _write(database, scope, written, gone if wanted.remove_missing else [])
        _note(database, scope, found, now)
    return found


def _require_room(
    connection: Connection, scope: Scope, wanted: Sequence[Tree], present: dict[str, Tree]
) -> None:
    most = limits_for(connection, scope.limits, scope.tenant_id).trees
    total = len(present.keys() | {one.number for one in wanted})
    if total > most:
        raise Conflict(
            f"'{scope.tenant_id}' would have {counted(total, 'tree', 'trees')} and may have "
            f"{most}: ask the operator of this server for more: 'stadtsinn tenant limit "
            f"{scope.tenant_id} trees {total}'.",
            f"'{scope.tenant_id}' hätte {counted(total, 'Baum', 'Bäume')} und darf {most} haben: "
            "den Betreiber dieses Servers um mehr bitten: 'stadtsinn tenant limit "
            f"{scope.tenant_id} trees {total}'.",
        )


def _write(database: Database, scope: Scope, written: Sequence[Tree], gone: Sequence[str]) -> None:
    for some in batched(written, _AT_ONCE):
        with database.write() as connection:
            repository.write_trees(connection, scope, list(some))
        database.let_others_write()
    for numbers in batched(gone, _AT_ONCE // 2):
        with database.write() as connection:
            repository.delete_trees(connection, scope, list(numbers))
        database.let_others_write()


def _note(database: Database, scope: Scope, found: Imported, now: Instant) -> None:
    """One line of the audit for all of them."""
    if not found.new + found.changed + found.removed:
        return
    detail = f"{found.new} new; {found.changed} changed; {found.removed} removed"
    line = Line(scope.tenant_id, Action.DONE, Kind.TREE_REGISTER, "", detail)
    with database.write() as connection:
        record(connection, scope, now, [line])


def delete_tree(database: Database, scope: Scope, number: str, now: Instant) -> None:
    """Take a tree off the register; its waterings stay on record. Raises NotFound."""
    with database.write() as connection:
        repository.tree(connection, scope, number)
        repository.delete_trees(connection, scope, [number])
        line = Line(scope.tenant_id, Action.DELETED, Kind.TREE_REGISTER, number)
        record(connection, scope, now, [line])
