"""Gates count at stations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from stadtsinn.base.sentence import Explained

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table("gates", recreate="always") as batch_op:
            # In the order of the tables: SQLite's text is then what they would make.
            batch_op.add_column(sa.Column("station_id", _STATION), insert_after="name")
    else:
        op.add_column("gates", sa.Column("station_id", _STATION))
    op.execute(_STATION_OF_DEVICE)
    _require_stations(op.get_bind())
    with op.batch_alter_table("gates") as batch_op:
        batch_op.alter_column("station_id", existing_type=_STATION, nullable=False)
        batch_op.drop_constraint("uq_gates_zone_id_dev_eui_channel", type_="unique")
        batch_op.drop_constraint("fk_gates_dev_eui", type_="foreignkey")
        batch_op.drop_column("dev_eui")
        batch_op.create_foreign_key("fk_gates_station_id", "stations", ["station_id"], ["id"])
        batch_op.create_unique_constraint(
            "uq_gates_zone_id_station_id_channel", ["zone_id", "station_id", "channel"]
        )


_STATION_OF_DEVICE = """
UPDATE gates SET station_id = (
    SELECT deployments.station_id FROM deployments
    WHERE deployments.dev_eui = gates.dev_eui
    ORDER BY deployments.start DESC, deployments.id DESC LIMIT 1
)
"""


def _require_stations(connection: sa.Connection) -> None:
    query = sa.text("SELECT dev_eui FROM gates WHERE station_id IS NULL")
    if nowhere := list(connection.scalars(query)):
        raise Explained(
            f"devices of gates that are at no station: {', '.join(nowhere)}. Delete these gates "
            "or deploy the devices with the version before, then start this one again.",
            f"Geräte von Zugängen, die an keiner Messstelle sind: {', '.join(nowhere)}. Diese "
            "Zugänge löschen oder die Geräte mit der Version davor einbauen, dann diese wieder "
            "starten.",
        )
