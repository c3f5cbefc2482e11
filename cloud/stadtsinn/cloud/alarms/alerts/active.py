"""When a rule may fire, as documents have it: a season, days, a time of day. Europe/Berlin."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from stadtsinn.base.active import Active, Recurring, Season
from stadtsinn.base.calendar import EVERY_DAY, Day, Hours
from stadtsinn.base.field_errors import TIME_OF_DAY, TIME_OR_MIDNIGHT
from stadtsinn.base.sentence import Unusable
from stadtsinn.cloud.alarms.duty.model import Days, Region
from stadtsinn.cloud.alarms.duty.regions import is_holiday
from stadtsinn.cloud.platform.api.model import Model

_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _day_of_year(written: Any) -> Any:
    """``MM-DD``, and a day that there is."""
    if isinstance(written, str):
        month, _, day = written.partition("-")
        digits = len(written) == 5 and (month + day).isascii() and (month + day).isdigit()
        if not digits or not 1 <= int(month) <= 12 or not 1 <= int(day) <= _last_of(int(month)):
            raise Unusable(
                "there is no such day of the year: write month and day, e.g. 04-01 for the first "
                "of April",
                "diesen Tag im Jahr gibt es nicht: Monat und Tag angeben, z. B. 04-01 für den "
                "1. April",
            )
    return written


def _last_of(month: int) -> int:
    return _DAYS_OF_MONTH[month - 1]


DayOfYear = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{2}-[0-9]{2}$"),
    BeforeValidator(_day_of_year),
]
_Start = Annotated[
    str,
    StringConstraints(pattern=TIME_OF_DAY),
    Field(description="Time of day, HH:MM."),
]
_End = Annotated[
    str,
    StringConstraints(pattern=TIME_OR_MIDNIGHT),
    Field(description="Time of day; earlier than `start`: on the next day."),
]


class ActiveTime(Model):
    """When a rule may fire: on these days of a season, at this time of day."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    first: Annotated[
        DayOfYear, Field(alias="from", description="First day of the season, MM-DD.")
    ] = "01-01"
    last: Annotated[
        DayOfYear,
        Field(alias="to", description="Last day of it; earlier in the year: over New Year."),
    ] = "12-31"
    days: Days = EVERY_DAY
    region: Annotated[
        Region | None,
        Field(description="Whose public holidays count; null: there is none but the weekdays."),
    ] = None
    start: _Start = "00:00"
    end: _End = "24:00"

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.start == self.end:
            raise Unusable(
                f"a time of day from {self.start} to {self.end} is empty: leave out 'start' and "
                "'end' for the whole day",
                f"eine Uhrzeit von {self.start} bis {self.end} ist leer: für den ganzen Tag "
                "'start' und 'end' weglassen",
            )
        if self.region is None and self.days == (Day.HOLIDAY,):
            raise Unusable(
                "a time on public holidays only: name the 'region', e.g. NW",
                "eine Zeit nur an Feiertagen: die 'region' nennen, z. B. NW",
            )
        return self

    @property
    def recurring(self) -> Recurring:
        end = "00:00" if self.end == "24:00" else self.end
        season = Season(_month_and_day(self.first), _month_and_day(self.last))
        hours = Hours(self.days, self.start, end)
        return Recurring(hours, season, partial(is_holiday, self.region))


def _month_and_day(written: str) -> tuple[int, int]:
    return int(written[:2]), int(written[3:])


@lru_cache(maxsize=1_000)
def active(times: tuple[ActiveTime, ...]) -> Active | None:
    """Some times together; None: there are none, so always."""
    return Active([one.recurring for one in times]) if times else None
