"""The radio channel: sessions, frame counters, and which gateway receives which frame.

Frames get lost (their counter value is used up), one tree's sensor joins again at ten, and one
parking sensor of the old kind (activation by personalisation) restarts with a new battery: same
address, counter from 0, and payloads that look like earlier ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.simulator.market_day.calendar import DayPlan
from stadtsinn.simulator.market_day.town import SPACES, TREES
from stadtsinn.simulator.radio.transmission import SETTLING, Transmission
from stadtsinn.simulator.randomness import stream

REJOINING = TREES[5]
RESTARTING = SPACES[11]
_LOST_SHARE = 0.004
_SECOND_GATEWAY_SHARE = 0.6
_WITHOUT_CLOCK_SHARE = 0.08


@dataclass(frozen=True)
class Gateway:
    """A gateway: whether its clock is stamped on frames, and whether GNSS disciplines it."""

    gateway_id: str
    latitude: float
    longitude: float
    altitude: float
    stamps: bool
    gnss: bool


TOWN_HALL = Gateway("0016c001f1400001", 49.4322, 10.4120, 428.0, stamps=True, gnss=True)
DEPOT = Gateway("0016c001f1400002", 49.4261, 10.4206, 411.0, stamps=True, gnss=False)
SCHOOL = Gateway("0016c001f1400003", 49.4351, 10.4077, 419.0, stamps=False, gnss=False)
COUNTY = Gateway("0016c001f1400101", 49.4405, 10.4302, 455.0, stamps=True, gnss=False)
"""Belongs to the county's own network."""


@dataclass(frozen=True)
class Heard:
    """One gateway heard a frame. RSSI in dBm, SNR in dB, `delay` µs until its server had it."""

    gateway: Gateway
    rssi: int
    snr: float
    delay: int


@dataclass(frozen=True)
class Join:
    """A device joined and got an address."""

    time: Instant
    dev_eui: str
    dev_addr: str


@dataclass(frozen=True)
class Frame:
    """A frame on the air that at least one gateway of the town heard."""

    sent: Transmission
    dev_addr: str
    f_cnt: int
    heard: tuple[Heard, ...]
    data_rate: int
    frequency: int


_CHANNELS = (868_100_000, 868_300_000, 868_500_000, 867_100_000, 867_300_000, 867_500_000)


class Air:
    """Gives every transmission its session, counter and receptions, in the order of time."""

    def __init__(self, plan: DayPlan, seed: int) -> None:
        self._plan = plan
        self._seed = seed
        self._chance = stream(seed, "air")

    def joins(self, dev_euis: Iterable[str]) -> list[Join]:
        """Everybody joins in the first minutes, but for the parking sensor without joins."""
        chance = stream(self._seed, "joins")
        first = [
            Join(
                Instant(self._plan.span.start + chance.randrange(SETTLING - 90 * SECOND)),
                dev_eui,
                _address(chance),
            )
            for dev_eui in dev_euis
            if dev_eui != RESTARTING
        ]
        again = Join(self._plan.at("10:07"), REJOINING, _address(chance))
        return sorted([*first, again], key=lambda join: join.time)

    def frames(self, sent: Iterable[Transmission], joins: Iterable[Join]) -> Iterator[Frame]:
        """`sent` in the order of time; lost frames are left out."""
        sessions = _Sessions(joins, self._plan.at("10:15"))
        for transmission in sent:
            dev_addr, f_cnt = sessions.next(transmission)
            if self._chance.random() < _LOST_SHARE:
                continue
            near = _nearness(transmission.dev_eui)
            yield Frame(
                sent=transmission,
                dev_addr=dev_addr,
                f_cnt=f_cnt,
                heard=self._receptions(near),
                data_rate=5 if near else 3,
                frequency=self._chance.choice(_CHANNELS),
            )

    def _receptions(self, near: bool) -> tuple[Heard, ...]:
        if self._chance.random() < _WITHOUT_CLOCK_SHARE:
            return (self._reception(SCHOOL, near=False),)
        first = self._chance.choice((TOWN_HALL, DEPOT))
        heard = [self._reception(first, near=near)]
        if self._chance.random() < _SECOND_GATEWAY_SHARE:
            heard.append(self._reception(SCHOOL, near=False))
        self._chance.shuffle(heard)
        return tuple(heard)

    def _reception(self, gateway: Gateway, *, near: bool) -> Heard:
        return reception(gateway, self._chance, near=near)


def reception(gateway: Gateway, chance: Random, *, near: bool) -> Heard:
    """How a gateway hears a frame from near by or from afar."""
    rssi = round(chance.gauss(-76 if near else -108, 4))
    snr = round(chance.gauss(8.5 if near else -3.0, 1.0) * 4) / 4
    return Heard(gateway, rssi, snr, delay=chance.randrange(20_000, 180_000))


def _nearness(dev_eui: str) -> bool:
    return int(dev_eui[-2:], 16) % 3 > 0


def _address(chance: Random) -> str:
    return f"01{chance.randrange(1 << 24):06x}"


class _Sessions:
    """Address and next counter of every device."""

    def __init__(self, joins: Iterable[Join], restart: Instant) -> None:
        self._waiting = sorted(joins, key=lambda join: join.time)
        self._restart: Instant | None = restart
        self._address = {RESTARTING: "01f00d12"}
        self._next: dict[str, int] = {}

    def next(self, sent: Transmission) -> tuple[str, int]:
        while self._waiting and self._waiting[0].time < sent.time:
            join = self._waiting.pop(0)
            self._address[join.dev_eui] = join.dev_addr
            self._next[join.dev_eui] = 0
        if self._restart is not None and sent.time >= self._restart:
            self._next[RESTARTING] = 0
            self._restart = None
        f_cnt = self._next.get(sent.dev_eui, 0)
        self._next[sent.dev_eui] = f_cnt + 1
        return self._address[sent.dev_eui], f_cnt
