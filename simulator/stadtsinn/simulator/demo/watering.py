"""The gardeners of the demo: their register, the list they print, the tree they water."""

from __future__ import annotations

from pathlib import Path

from stadtsinn.base.berlin import local
from stadtsinn.base.instant import Instant
from stadtsinn.cloud.domains.trees import group_service
from stadtsinn.cloud.domains.trees.daily import judge_groups
from stadtsinn.cloud.domains.trees.list_page import list_page
from stadtsinn.cloud.domains.trees.model import WateringBody
from stadtsinn.cloud.domains.trees.register_service import Wanted, import_register
from stadtsinn.cloud.domains.trees.watering_list import WateringList
from stadtsinn.cloud.domains.trees.watering_service import log_watering, watering_list
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesReader
from stadtsinn.simulator.market_day.town import TENANT
from stadtsinn.simulator.market_day.tree_register import (
    GROUPS,
    SETTINGS,
    WATERED_TREE,
    register_csv,
)

_LITRES = 100


def enter_trees(database: Database, now: Instant) -> None:
    """Import the register and create its groups, as `stadtsinn tree import` and the API do."""
    scope = operator_scope(TENANT)
    import_register(database, scope, register_csv(), Wanted(), now)
    with database.write() as connection:
        for group in GROUPS:
            group_service.create_group(connection, scope, group)
        group_service.replace_settings(connection, scope, SETTINGS)


def judge_now(database: Database, series: SeriesReader, now: Instant) -> WateringList:
    """The list as it is now, as `stadtsinn tree watering-list --now` makes it."""
    scope = operator_scope(TENANT)
    judge_groups(database, series, scope, [one.slug for one in GROUPS], now)
    with database.read() as connection:
        return watering_list(connection, scope, local(now).date(), now)


def print_list(made: WateringList, town: str, file: Path) -> None:
    file.write_text(list_page(made, town), encoding="utf-8")


def water_tree(database: Database, now: Instant) -> None:
    body = WateringBody(tree=WATERED_TREE, litres=_LITRES, crew="Kolonne 2")
    with database.write() as connection:
        log_watering(connection, operator_scope(TENANT), body, now)
