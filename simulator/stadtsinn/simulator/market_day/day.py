"""The market day: everything that is sent, in the order of time, and the truth behind it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from stadtsinn.base.instant import Instant
from stadtsinn.cloud.town_file.model import Town
from stadtsinn.simulator.devices.counters import counter_transmissions
from stadtsinn.simulator.devices.parking import parking_transmissions
from stadtsinn.simulator.devices.soil import tree_transmissions
from stadtsinn.simulator.devices.weather import Weather, station_transmissions
from stadtsinn.simulator.market_day.calendar import DayPlan, Span
from stadtsinn.simulator.market_day.town import musterstadt
from stadtsinn.simulator.market_day.truth import Truth
from stadtsinn.simulator.market_day.visitors import market_visitors
from stadtsinn.simulator.radio.network_servers import CountyServer, Publication, TownServer
from stadtsinn.simulator.radio.radio import Air, Frame
from stadtsinn.simulator.radio.transmission import ExpectedReading, Transmission


@dataclass(frozen=True)
class SimulatedUplink:
    """One uplink with every message that carries it: the town's event and the county's copy."""

    frame: Frame
    event: Publication
    copies: tuple[Publication, ...]

    @property
    def time(self) -> Instant:
        """When the device sent it: the event time it must end up with."""
        return self.frame.sent.time

    @property
    def dev_eui(self) -> str:
        return self.frame.sent.dev_eui

    @property
    def payload(self) -> bytes:
        return self.frame.sent.payload

    @property
    def readings(self) -> tuple[ExpectedReading, ...]:
        return self.frame.sent.readings


class MarketDay:
    """A day in Musterstadt; equal seeds give equal days, byte by byte."""

    def __init__(
        self, seed: int = 1, *, plan: DayPlan | None = None, town: Town | None = None
    ) -> None:
        self.seed = seed
        self.plan = plan or DayPlan()
        self.town = town or musterstadt()
        self._visitors = market_visitors(self.plan, seed)
        self._air = Air(self.plan, seed)
        self._joins = self._air.joins(device.dev_eui for device in self.town.devices)

    @property
    def span(self) -> Span:
        return self.plan.span

    @cached_property
    def truth(self) -> Truth:
        """What a faultless system would have at the end of the day."""
        frames = tuple(uplink.frame for uplink in self._uplinks)
        copies = sum(len(uplink.copies) for uplink in self._uplinks)
        return Truth(self.town, self.plan, self._visitors, frames, copies)

    def uplinks(self) -> Iterator[SimulatedUplink]:
        """Every uplink that a gateway of the town heard, in the order it was sent."""
        yield from self._uplinks

    def publications(self) -> Iterator[Publication]:
        """Every message of both network servers in the order it is published."""
        town_server = TownServer(self.town, self.seed + 1)
        messages = [town_server.joined(join) for join in self._joins]
        for uplink in self._uplinks:
            messages += [uplink.event, *uplink.copies]
        yield from sorted(messages, key=lambda message: message.time)

    @cached_property
    def _uplinks(self) -> tuple[SimulatedUplink, ...]:
        town_server = TownServer(self.town, self.seed)
        county_server = CountyServer(self.town, self.plan, self.seed)
        uplinks = []
        for frame in self._air.frames(self._transmissions(), self._joins):
            copy = county_server.received(frame)
            copies = () if copy is None else (copy,)
            uplinks.append(SimulatedUplink(frame, town_server.received(frame), copies))
        return tuple(uplinks)

    def _transmissions(self) -> Iterator[Transmission]:
        """All that all devices send, in the order of time."""
        weather = Weather(self.plan)
        sources = (
            counter_transmissions(self._visitors, self.plan, self.seed),
            tree_transmissions(weather, self.seed),
            station_transmissions(weather, self.seed),
            parking_transmissions(weather, self.seed),
        )
        by_time = (sorted(source, key=lambda sent: sent.time) for source in sources)
        return heapq.merge(*by_time, key=lambda sent: sent.time)
