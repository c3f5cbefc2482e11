"""Which deployments exclude each other: those that put a device's channel at two stations, or
feed a station's channel from two devices, at the same time. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.town.stations.model import Deployment, station_channel

ChannelsOf = Callable[[str], tuple[str, ...] | None]
"""dev_eui → the channels that its type can have (``{}`` stands for a number); None: unknown."""


def objection(
    wanted: Deployment, others: Iterable[Deployment], channels_of: ChannelsOf
) -> Sentence | None:
    """Why this deployment cannot stand beside the others; None where it can."""
    for other in others:
        if wanted.starts >= other.ends or other.starts >= wanted.ends:
            continue
        if wanted.dev_eui == other.dev_eui and (shared := _shared_of_device(wanted, other)):
            return Sentence(
                f"The device '{other.dev_eui}' already measures{shared.english} at station "
                f"'{other.station}' at that time: end that deployment first "
                "('stadtsinn device move' does both).",
                f"Das Gerät '{other.dev_eui}' misst{shared.german} in dieser Zeit schon an der "
                f"Messstelle '{other.station}': diesen Einbau erst beenden ('stadtsinn device "
                "move' tut beides).",
            )
        if wanted.station == other.station and (
            shared := _shared_of_station(wanted, other, channels_of)
        ):
            return Sentence(
                f"The station '{other.station}' is already fed{shared.english} by the device "
                f"'{other.dev_eui}' at that time: end that deployment first ('stadtsinn device "
                "swap' does both), map the channels to others, or mark this one as comparison.",
                f"Die Messstelle '{other.station}' hat in dieser Zeit{shared.german} schon das "
                f"Gerät '{other.dev_eui}': diesen Einbau erst beenden ('stadtsinn device swap' tut "
                "beides), die Kanäle anderen zuordnen oder diesen als Vergleich kennzeichnen.",
            )
    return None


def _shared_of_device(one: Deployment, other: Deployment) -> Sentence | None:
    """The channels of the device that both take, in words; None where there are none."""
    if one.channels is None and other.channels is None:
        return Sentence(" with all channels", " mit allen Kanälen")
    if one.channels is None or other.channels is None:
        return _named(one.channels or other.channels or {})
    return _named(one.channels.keys() & other.channels.keys())


def _shared_of_station(
    one: Deployment, other: Deployment, channels_of: ChannelsOf
) -> Sentence | None:
    """The channels of the station that both feed, in words; None where there are none."""
    if one.comparison != other.comparison:
        return None  # their channels have different endings
    first, second = _fed(one, channels_of), _fed(other, channels_of)
    if first is None or second is None:
        return Sentence(
            " on channels that its type does not name", " auf Kanälen, die sein Typ nicht nennt"
        )
    return _named({min(a, b, key=_is_pattern) for a in first for b in second if _meet(a, b)})


def _fed(deployment: Deployment, channels_of: ChannelsOf) -> set[str] | None:
    """The station's channels that a deployment feeds; None where they are unknown."""
    names = deployment.channels
    if names is None:
        known = channels_of(deployment.dev_eui)
        if known is None:
            return None
        names = dict.fromkeys(known, "")
    fed = (station_channel(deployment, name) for name in names)
    return {name for name in fed if name is not None}


def _meet(one: str, other: str) -> bool:
    return one == other or _fits(one, other) or _fits(other, one)


def _is_pattern(channel: str) -> bool:
    return "{}" in channel


def _fits(pattern: str, channel: str) -> bool:
    if not _is_pattern(pattern):
        return False
    return re.fullmatch(re.escape(pattern).replace(r"\{\}", r"\d+"), channel) is not None


def _named(channels: Iterable[str]) -> Sentence | None:
    names = sorted(channels)
    if not names:
        return None
    english = ", ".join(f"'{name}'" if name else "its only channel" for name in names)
    german = ", ".join(f"'{name}'" if name else "dem einzigen Kanal" for name in names)
    return Sentence(f" on {english}", f" auf {german}")
