"""The technician of the demo: replaces a tree's sensor, as `stadtsinn device swap` does."""

from __future__ import annotations

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.service import change
from stadtsinn.cloud.town.stations.service import Editor, swap_device
from stadtsinn.simulator.market_day.town import REPLACED_SENSOR, SPARE_SENSOR, TENANT


def replace_sensor(database: Database, at: Instant) -> None:
    """From `at` on the spare sensor measures at the tree."""
    editor = Editor(operator_scope(TENANT), at, "Bauhof")
    with change(database) as connection:
        swap_device(connection, editor, REPLACED_SENSOR, SPARE_SENSOR, at)
