"""The SQL of how far inputs beside the uplink log were judged."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from stadtsinn.cloud.alarms.alerts.tables import alert_inputs
from stadtsinn.cloud.platform.database.upsert import insert_or_update

Round = tuple[str, str]
"""The names under which a round keeps the rule and the member that it came to."""


def input_position(connection: Connection, name: str) -> int:
    """How far an input was judged; 0 before its first sample."""
    query = select(alert_inputs.c.position).where(alert_inputs.c.name == name)
    return connection.scalar(query) or 0


def move_input(connection: Connection, name: str, position: int) -> None:
    insert_or_update(connection, alert_inputs, {"name": name, "position": position})


def round_position(connection: Connection, names: Round) -> tuple[int, int]:
    """How far a round over states came, a few in each transaction; (0, 0) between two rounds."""
    rule, member = names
    return input_position(connection, rule), input_position(connection, member)


def move_round(connection: Connection, names: Round, reached: tuple[int, int]) -> None:
    for name, position in zip(names, reached, strict=True):
        move_input(connection, name, position)


def forget_all(connection: Connection) -> None:
    """All inputs are judged from their beginning."""
    connection.execute(delete(alert_inputs))
