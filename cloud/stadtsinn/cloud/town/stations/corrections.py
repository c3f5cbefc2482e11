"""Which parts of stations' series a change of deployments concerns. Pure."""

from __future__ import annotations

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.town.stations.model import Deployment

Part = tuple[str, Instant, Instant]
"""A station's slug, and the first moment and the one to stop before."""

_OF_THE_SERIES = ("dev_eui", "station", "channels", "swapped", "calibration", "comparison")


def concerned(old: Deployment | None, new: Deployment | None) -> list[Part]:
    """The parts that differ between a deployment before and after; empty where none does.

    `old` is None for one that is made, `new` for one that is taken away.
    """
    if old is None or new is None or _differs(old, new):
        return [_whole(one) for one in (old, new) if one is not None]
    return _moved(new.station, old.starts, new.starts) + _moved(new.station, old.ends, new.ends)


def _differs(old: Deployment, new: Deployment) -> bool:
    return any(getattr(old, name) != getattr(new, name) for name in _OF_THE_SERIES)


def _whole(deployment: Deployment) -> Part:
    return deployment.station, deployment.starts, deployment.ends


def _moved(station: str, old: Instant, new: Instant) -> list[Part]:
    """The time between a boundary's old and new value."""
    return [] if old == new else [(station, min(old, new), max(old, new))]
