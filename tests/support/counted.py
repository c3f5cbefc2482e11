"""Counts what a database is asked to do: how long one is depends on the machine, this does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event

from stadtsinn.cloud.platform.database.engine import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Those that the driver is called with in the block."""
    found: list[str] = []

    def executing(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    event.listen(database.engine, "before_cursor_execute", executing)
    try:
        yield found
    finally:
        event.remove(database.engine, "before_cursor_execute", executing)


@dataclass
class Transaction:
    """One write transaction."""

    texts: list[str] = field(default_factory=list)

    @property
    def statements(self) -> int:
        return len(self.texts)

    @property
    def changes(self) -> int:
        """Statements that write."""
        return sum(text.startswith(("INSERT", "UPDATE", "DELETE")) for text in self.texts)


@contextmanager
def write_transactions(database: Database) -> Iterator[list[Transaction]]:
    """Those of the block, in their order; also the ones that were rolled back."""
    found: list[Transaction] = []

    def begun(connection: Any) -> None:
        if connection.get_execution_options().get("stadtsinn_access") == "write":
            found.append(Transaction())

    def executing(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if connection.get_execution_options().get("stadtsinn_access") == "write" and found:
            found[-1].texts.append(statement)

    event.listen(database.engine, "begin", begun)
    event.listen(database.engine, "before_cursor_execute", executing)
    try:
        yield found
    finally:
        event.remove(database.engine, "begin", begun)
        event.remove(database.engine, "before_cursor_execute", executing)
