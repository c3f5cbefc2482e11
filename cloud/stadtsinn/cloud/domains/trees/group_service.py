"""Changes groups of trees and the settings of watering. All functions take one transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from stadtsinn.base.problems import Invalid, NotFound
from stadtsinn.cloud.domains.trees import repository
from stadtsinn.cloud.domains.trees.model import TreeGroup, TreeSettings
from stadtsinn.cloud.domains.trees.tables import tree_groups
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import require_room
from stadtsinn.cloud.town.service import require_free
from stadtsinn.cloud.town.stations import repository as stations


def create_group(connection: Connection, scope: Scope, record: TreeGroup) -> None:
    require_free(
        lambda: repository.group(connection, scope, record.slug), "group of trees", record.slug
    )
    _require_station(connection, scope, record.station)
    require_room(connection, scope, "tree_groups", tree_groups)
    repository.insert_group(connection, scope, record)


def replace_group(connection: Connection, scope: Scope, record: TreeGroup) -> None:
    repository.group(connection, scope, record.slug)
    _require_station(connection, scope, record.station)
    repository.update_group(connection, scope, record)


def delete_group(connection: Connection, scope: Scope, slug: str) -> None:
    repository.group(connection, scope, slug)
    repository.delete_group(connection, scope, slug)


def replace_settings(connection: Connection, scope: Scope, record: TreeSettings) -> None:
    if record.rain_station is not None:
        _require_station(connection, scope, record.rain_station)
    repository.write_settings(connection, scope, record)


def _require_station(connection: Connection, scope: Scope, slug: str) -> None:
    try:
        stations.station(connection, scope, slug)
    except NotFound as missing:
        raise Invalid(
            f"{missing.detail} Create it first.",
            f"{missing.sentence.german} Erst anlegen.",
        ) from None
