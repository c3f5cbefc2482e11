"""Texts without hidden characters, reasons of our own, an audit, a phone for one town"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"
branch_labels = None
depends_on = None

_POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# What input refuses from now on; models that read these rows would refuse it as well.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029"
    "\u180e\u200b\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_HIDDEN_IN_LINES = re.compile(rf"(?![\n\t]){_HIDDEN.pattern}")
_TEXTS: dict[str, tuple[str, ...]] = {
    "tenants": ("name",),
    "api_keys": ("name",),
    "sites": ("name",),
    "devices": ("name",),
    "edges": ("name",),
    "stations": ("name", "name_en", "office"),
    "deployments": ("installed_by",),
    "datastreams": ("label",),
    "zones": ("name", "name_en"),
    "gates": ("name",),
    "zone_corrections": ("name", "reason"),
    "recipients": ("name",),
    "rules": ("name", "channel"),
}
_LINES: dict[str, tuple[str, ...]] = {"stations": ("remarks",), "deployments": ("remarks",)}
_JSON: dict[str, tuple[str, ...]] = {"devices": ("tags",), "stations": ("attributes", "tags")}

_REASONS = (
    *("unknown_topic", "too_large", "malformed_json", "malformed_protobuf", "missing_field"),
    *("bad_field", "bad_dev_eui", "bad_dev_addr", "wrong_base64", "oversized_payload"),
    *("encrypted_payload", "unknown_format", "damaged_in_spool", "set_aside_by_edge"),
    *("unreadable_at_edge", "malformed_batch", "unsupported_version", "unknown_edge"),
    *("unregistered_device", "wrong_tenant", "implausible_time", "refused_by_database"),
    "internal_error",
)


def upgrade() -> None:
    connection = op.get_bind()
    for table in _TEXTS.keys() | _JSON.keys():
        texts = (*_TEXTS.get(table, ()), *_LINES.get(table, ()))
        _clean(connection, table, texts, _JSON.get(table, ()))
    _quarantine(connection)
    # Without a tenant the phone is off, until a demo names its town.
    op.add_column("sandbox_phone", sa.Column("tenant_id", sa.String(length=63)))
    _audit()


def _clean(
    connection: sa.Connection, name: str, texts: tuple[str, ...], documents: tuple[str, ...]
) -> None:
    """Take what nobody sees out of a table's texts."""
    keys = sa.inspect(connection).get_pk_constraint(name)["constrained_columns"]
    table = sa.table(
        name,
        *(sa.column(key) for key in keys),
        *(sa.column(text, sa.String()) for text in texts),
        *(sa.column(document, sa.JSON()) for document in documents),
    )
    for row in connection.execute(sa.select(table)).mappings().all():
        lines = _LINES.get(name, ())
        cleaned: dict[str, Any] = {text: _plain(row[text], text in lines) for text in texts}
        cleaned |= {document: _plain_document(row[document]) for document in documents}
        changed = {column: value for column, value in cleaned.items() if value != row[column]}
        if changed:
            mine = sa.and_(*(table.c[key] == row[key] for key in keys))
            connection.execute(sa.update(table).where(mine).values(changed))


def _plain(text: str, lines: bool = False) -> str:
    hidden = _HIDDEN_IN_LINES if lines else _HIDDEN
    return (hidden.sub("", text).strip() or "?") if hidden.search(text) else text


def _plain_document(document: Any) -> Any:
    if isinstance(document, str):
        return _plain(document)
    if isinstance(document, dict):
        return {_plain(key): _plain_document(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_plain_document(value) for value in document]
    return document


def _quarantine(connection: sa.Connection) -> None:
    rows = sa.table("quarantine", sa.column("reason", sa.String()))
    connection.execute(
        sa.update(rows).where(rows.c.reason.not_in(_REASONS)).values(reason="unreadable_at_edge")
    )
    op.create_index("ix_quarantine_source", "quarantine", ["reason", "source", "id"])


def _audit() -> None:
    op.create_table(
        "audit_lines",
        sa.Column("id", _POSITION, nullable=False),
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("key_id", sa.Integer()),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_lines_tenant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_lines")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_lines_tenant_id", "audit_lines", ["tenant_id"])
    op.create_index("ix_audit_lines_tenant_id_at", "audit_lines", ["tenant_id", "at"])
