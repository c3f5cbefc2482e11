"""The SQL of how far inputs beside the uplink log were judged."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from stadtsinn.cloud.alarms.alerts.tables import alert_inputs
from stadtsinn.cloud.platform.database.upsert import insert_ignore


def input_position(connection: Connection, name: str) -> int:
    """How far an input was judged; 0 before its first sample."""
    query = select(alert_inputs.c.position).where(alert_inputs.c.name == name)
    return connection.scalar(query) or 0


def move_input(connection: Connection, name: str, position: int) -> None:
    changed = connection.execute(
        update(alert_inputs).where(alert_inputs.c.name == name).values(position=position)
    )
    if changed.rowcount == 0:
        insert_ignore(connection, alert_inputs, [{"name": name, "position": position}])


def forget_all(connection: Connection) -> None:
    """All inputs are judged from their beginning."""
    connection.execute(delete(alert_inputs))
