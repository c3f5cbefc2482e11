"""What a ChirpStack keeps, with the constraints of its database and their texts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import grpc


class Refused(Exception):
    """The status that a call ends with."""

    def __init__(self, code: grpc.StatusCode, details: str = "") -> None:
        super().__init__(details)
        self.code = code
        self.details = details


INTERNAL = grpc.StatusCode.INTERNAL
INVALID = grpc.StatusCode.INVALID_ARGUMENT

_TEXTS = {
    "postgresql": (
        'duplicate key value violates unique constraint "{table}_pkey"',
        'insert on table "{table}" violates foreign key constraint "{table}_{column}_fkey"',
    ),
    "sqlite": ("UNIQUE constraint failed: {table}.{key}", "FOREIGN KEY constraint failed"),
}


@dataclass
class Row:
    """A message as it was given, and when."""

    message: Any
    created_at: datetime
    updated_at: datetime


Table = dict[str, Row]


@dataclass
class Store:
    """Tables by id. `database` decides how a violated constraint is worded."""

    database: str = "postgresql"
    tenants: Table = field(default_factory=dict)
    applications: Table = field(default_factory=dict)
    profiles: Table = field(default_factory=dict)
    devices: Table = field(default_factory=dict)
    keys: Table = field(default_factory=dict)

    def add(self, table: Table, key: str, message: Any) -> None:
        now = datetime.now(UTC)
        table[key] = Row(message, now, now)

    def change(self, table: Table, key: str, message: Any) -> None:
        row = found(table, key)
        row.message, row.updated_at = message, datetime.now(UTC)

    def duplicate(self, table: str, key: str) -> Refused:
        return Refused(INTERNAL, _TEXTS[self.database][0].format(table=table, key=key))

    def orphan(self, table: str, column: str) -> Refused:
        return Refused(INTERNAL, _TEXTS[self.database][1].format(table=table, column=column))

    def tenant_of_application(self, application_id: str) -> str | None:
        row = self.applications.get(application_id)
        return row.message.tenant_id if row is not None else None

    def tenant_of_device(self, dev_eui: str) -> str | None:
        row = self.devices.get(dev_eui)
        return self.tenant_of_application(row.message.application_id) if row is not None else None

    def delete_application(self, application_id: str) -> None:
        for dev_eui, row in list(self.devices.items()):
            if row.message.application_id == application_id:
                self.delete_device(dev_eui)
        del self.applications[application_id]

    def delete_device(self, dev_eui: str) -> None:
        self.keys.pop(dev_eui, None)
        del self.devices[dev_eui]


def found(table: Table, key: str) -> Row:
    if (row := table.get(key)) is None:
        raise Refused(grpc.StatusCode.NOT_FOUND, f"Object does not exist (id: {key})")
    return row


def new_id() -> str:
    return str(uuid4())


def uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Refused(INVALID, f"invalid length: found {len(text)}") from None


def eui(text: str) -> str:
    return _hex(text, 16)


def aes_key(text: str) -> str:
    return _hex(text, 32)


def _hex(text: str, digits: int) -> str:
    if len(text) % 2:
        raise Refused(INTERNAL, "Odd number of digits")
    if len(text) != digits:
        raise Refused(INTERNAL, "Invalid string length")
    if (wrong := re.search(r"[^0-9a-fA-F]", text)) is not None:
        place = wrong.start()
        raise Refused(INTERNAL, f"Invalid character {wrong[0]!r} at position {place}")
    return text.lower()
