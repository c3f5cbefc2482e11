"""The comparison that `stadtsinn demo --check` ends with."""

from __future__ import annotations

from collections.abc import Callable

from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesStore
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.simulator.market_day.town import MARKET
from stadtsinn.simulator.market_day.truth import Truth
from stadtsinn.simulator.verification.acknowledged import check_acknowledged
from stadtsinn.simulator.verification.messages import check_messages
from stadtsinn.simulator.verification.occupancy import check_occupancy
from stadtsinn.simulator.verification.readings import check_readings
from stadtsinn.simulator.verification.report import Check, Report, report
from stadtsinn.simulator.verification.uplinks import check_uplinks
from stadtsinn.simulator.verification.watering import check_watering


def verify(
    truth: Truth,
    database: Database,
    series: SeriesStore,
    *,
    progress: Callable[[str], None] = lambda _name: None,
) -> Report:
    """Compare everything the cloud made of the day with the truth; `progress` names each check.

    All followers must have caught up. Raises AmbiguousDay when the day itself decides nothing
    about its incidents, and whatever the stores raise while they are away.
    """
    checks: list[Check] = []
    with database.read() as connection:
        progress("uplinks")
        checks.append(check_uplinks(truth, connection))
    progress("readings")
    directory = DirectoryCache(database).current()
    own = [one.slug for one in directory.stations.values() if one.tenant_id == truth.town.tenant]
    checks.append(check_readings(truth, series, own))
    with database.read() as connection:
        progress("occupancy")
        checks.append(check_occupancy(truth, connection, MARKET))
        progress("messages")
        checks.append(check_messages(truth, connection))
        progress("acknowledgements")
        checks.append(check_acknowledged(truth, connection))
        progress("watering list")
        checks.append(check_watering(truth, connection))
    return report(checks, _counts(truth))


def _counts(truth: Truth) -> dict[str, int]:
    """Counts of what happened, for the report."""
    happened = [one for rule in truth.town.rules for one in truth.incidents(rule.slug)]
    return {
        "devices": len(truth.town.devices),
        "uplinks": len(truth.frames),
        "copies": truth.copies,
        "readings": sum(map(len, truth.readings.values())),
        "visitors": sum(len(gate.persons.inwards) for gate in truth.visitors.gates),
        "incidents": len(happened),
        "incidents_hidden": sum(not one.visible_live for one in happened),
    }
