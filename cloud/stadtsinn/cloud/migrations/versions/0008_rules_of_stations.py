"""Rules name stations or groups of them; each member has its own state and incidents"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_ONE_SUBJECT = (
    "(CASE WHEN station_id IS NULL THEN 0 ELSE 1 END"
    " + CASE WHEN station_group IS NULL THEN 0 ELSE 1 END"
    " + CASE WHEN zone_id IS NULL THEN 0 ELSE 1 END) = 1"
)


def upgrade() -> None:
    _incidents(_stations_of_rules())
    _rules()
    _states()


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _recreate() -> Literal["always", "never"]:
    return "always" if _is_sqlite() else "never"


def _after(column: str) -> dict[str, Any]:
    """Where a copied table gets its new column; others can only append it."""
    return {"insert_after": column} if _is_sqlite() else {}


def _stations_of_rules() -> Mapping[int, sa.Row[Any]]:
    """The station where the device of each rule is, or was last."""
    query = sa.text(
        "SELECT r.id AS rule_id, s.id, s.slug, s.name FROM rules r"
        " JOIN deployments d ON d.dev_eui = r.dev_eui AND d.tenant_id = r.tenant_id"
        " JOIN stations s ON s.id = d.station_id"
        " ORDER BY r.id, d.start"
    )
    return {row.rule_id: row for row in op.get_bind().execute(query)}


def _incidents(stations: Mapping[int, sa.Row[Any]]) -> None:
    op.drop_index("uq_incidents_one_open_per_rule", table_name="incidents")
    with op.batch_alter_table("incidents", recreate=_recreate()) as batch_op:
        batch_op.add_column(sa.Column("member", sa.BigInteger()), **_after("rule_name"))
        batch_op.add_column(sa.Column("station_id", _KEY), **_after("member"))
        batch_op.add_column(sa.Column("station", sa.String(length=63)), **_after("station_id"))
        batch_op.add_column(sa.Column("station_name", sa.String(length=200)), **_after("station"))
    incidents = sa.table(
        "incidents",
        *(
            sa.column(name)
            for name in ("rule_id", "member", "station_id", "station", "station_name")
        ),
    )
    connection = op.get_bind()
    connection.execute(sa.update(incidents).values(member=0))
    for rule_id, station in stations.items():
        connection.execute(
            sa.update(incidents)
            .where(incidents.c.rule_id == rule_id)
            .values(station_id=station.id, station=station.slug, station_name=station.name)
        )
    with op.batch_alter_table("incidents", recreate=_recreate()) as batch_op:
        batch_op.alter_column("member", existing_type=sa.BigInteger(), nullable=False)
    op.create_index(
        "uq_incidents_one_open_per_member",
        "incidents",
        ["rule_id", "member"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _rules() -> None:
    last_id = _last_id()
    kwargs = {"sqlite_autoincrement": True}
    with op.batch_alter_table("rules", recreate=_recreate(), table_kwargs=kwargs) as batch_op:
        batch_op.add_column(sa.Column("station_id", _KEY), **_after("name"))
        group = sa.Column("station_group", sa.JSON(none_as_null=True))
        batch_op.add_column(group, **_after("station_id"))
        batch_op.drop_constraint("one_subject", type_="check")
        batch_op.create_foreign_key(op.f("fk_rules_station_id"), "stations", ["station_id"], ["id"])
    op.execute(
        "UPDATE rules SET station_id = (SELECT d.station_id FROM deployments d"
        " WHERE d.dev_eui = rules.dev_eui AND d.tenant_id = rules.tenant_id"
        " ORDER BY d.start DESC LIMIT 1)"
    )
    with op.batch_alter_table("rules", recreate=_recreate(), table_kwargs=kwargs) as batch_op:
        batch_op.drop_column("dev_eui")
        batch_op.create_check_constraint("one_subject", _ONE_SUBJECT)
    if last_id is not None:
        _go_on_after(last_id)


def _last_id() -> int | None:
    """The id that was given last: incidents are named after rules, so none is used again."""
    if not _is_sqlite():
        return None  # PostgreSQL does not copy the table
    query = "SELECT seq FROM sqlite_sequence WHERE name = 'rules'"
    return op.get_bind().execute(sa.text(query)).scalar_one_or_none()


def _go_on_after(last_id: int) -> None:
    connection = op.get_bind()
    connection.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'rules'"))
    statement = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('rules', :seq)")
    connection.execute(statement, {"seq": last_id})


def _states() -> None:
    """A primary key is changed by making the table again; nothing refers to it."""
    former = sa.table("rule_states", *(sa.column(name, kind) for name, kind in _STATE.items()))
    rows = [dict(row) for row in op.get_bind().execute(sa.select(former)).mappings()]
    op.drop_table("rule_states")
    op.create_table(
        "rule_states",
        sa.Column("rule_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("member", sa.BigInteger(), autoincrement=False, nullable=False),
        *(
            sa.Column(name, kind, nullable=name in _MAY_BE_NULL)
            for name, kind in _STATE.items()
            if name != "rule_id"
        ),
        sa.ForeignKeyConstraint(["rule_id"], ["rules.id"], name=op.f("fk_rule_states_rule_id")),
        sa.PrimaryKeyConstraint("rule_id", "member", name=op.f("pk_rule_states")),
    )
    op.create_index(op.f("ix_rule_states_due_at"), "rule_states", ["due_at"], unique=False)
    states = sa.table(
        "rule_states",
        sa.column("member"),
        *(sa.column(name, kind) for name, kind in _STATE.items()),
    )
    for row in rows:
        op.get_bind().execute(sa.insert(states).values(member=0, **row))


_STATE: dict[str, sa.types.TypeEngine[Any]] = {
    "rule_id": _KEY,
    "rule_revision": sa.Integer(),
    "phase": sa.String(length=10),
    "level": sa.Integer(),
    "since": sa.BigInteger(),
    "samples": sa.Integer(),
    "stale": sa.Boolean(),
    "last_event": sa.BigInteger(),
    "last_value": sa.Float(),
    "notes": sa.JSON(),
    "opened_at": sa.BigInteger(),
    "announced": sa.Boolean(),
    "silences": sa.Integer(),
    "quiet_until": sa.BigInteger(),
    "due_at": sa.BigInteger(),
}
_MAY_BE_NULL = {"since", "last_event", "last_value", "opened_at", "due_at"}
