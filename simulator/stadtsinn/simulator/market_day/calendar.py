"""The simulated day: a market Saturday in Europe/Berlin, with its programme and its outage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stadtsinn.base import berlin
from stadtsinn.base.instant import Instant

MARKET_DATE = date(2026, 9, 26)


@dataclass(frozen=True)
class Span:
    """From `start` up to, not including, `end`."""

    start: Instant
    end: Instant

    def __contains__(self, moment: Instant) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True)
class DayPlan:
    """What is fixed about the day, in local time of its date."""

    date: date = MARKET_DATE

    def at(self, clock: str) -> Instant:
        """The instant of a local time such as ``"11:40"``."""
        return berlin.at(self.date, clock)

    @property
    def span(self) -> Span:
        """The whole simulation: an hour before the market to half an hour after it."""
        return Span(self.at("06:00"), self.at("15:30"))

    @property
    def opening(self) -> Instant:
        """The market opens; it is empty until then."""
        return self.at("07:00")

    @property
    def outage(self) -> Span:
        """The hour without a line from the town hall to the cloud."""
        return Span(self.at("11:40"), self.at("12:40"))

    @property
    def swap(self) -> Instant:
        """A tree's sensor is replaced, while the line is cut."""
        return self.at("12:00")

    @property
    def rain(self) -> Span:
        return Span(self.at("14:20"), self.at("14:50"))

    @property
    def watering_list(self) -> Instant:
        """The crew prints what has to be watered in the afternoon."""
        return self.at("13:00")

    @property
    def watering(self) -> Instant:
        """The dry tree gets its water."""
        return self.at("13:31")
