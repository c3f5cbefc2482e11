"""What a duty group is, the same for API, town file and tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    field_validator,
    model_validator,
)

from stadtsinn.base.calendar import EVERY_DAY, Day, Hours
from stadtsinn.base.instant import from_datetime
from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.cloud.alarms.duty.regions import region
from stadtsinn.cloud.alarms.notify.message import Severity
from stadtsinn.cloud.platform.api.fields import PLAIN, LocalTime, Name, ShortText, Slug
from stadtsinn.cloud.platform.api.model import Model
from stadtsinn.cloud.platform.api.times import KeptTime
from stadtsinn.cloud.platform.nouns import NOUNS

_EXAMPLE: dict[str, JsonValue] = {
    "name": "Bereitschaft Ordnungsamt",
    "region": "NW",
    "members": [{"recipient": "ordnungsamt", "known_as": ["Meier, Anna", "a.meier@stadt.example"]}],
    "shifts": [
        {
            "on_duty": "ordnungsamt",
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "start": "08:00",
            "end": "20:00",
        }
    ],
    "quiet_hours": [{"severity": "info", "start": "20:00", "end": "07:00"}],
}


_STAND_IN: dict[str, JsonValue] = {
    "absent": "ordnungsamt",
    "stand_in": "bauhof",
    "start": "2026-12-23",
    "end": "2027-01-02T08:00:00+01:00",
}


def _one_of_the_days(written: Any) -> Any:
    """A day that is not known is named with those that are."""
    if isinstance(written, list | tuple):
        for one in written:
            if one not in list(Day):
                known = ", ".join(Day)
                raise Unusable(
                    f"there is no such day: use some of {known}",
                    f"diesen Tag gibt es nicht: möglich sind {known}",
                )
    return written


def _in_order(days: tuple[Day, ...]) -> tuple[Day, ...]:
    return tuple(day for day in EVERY_DAY if day in days)


def _whole_day(written: Any) -> Any:
    return "00:00" if written == "24:00" else written


def _member(written: Any) -> Any:
    return {"recipient": written} if isinstance(written, str) else written


Days = Annotated[
    tuple[Day, ...],
    BeforeValidator(_one_of_the_days),
    AfterValidator(_in_order),
    Field(
        min_length=1,
        max_length=8,
        description="On which days it begins. On a public holiday only what names 'holiday' "
        "begins, whatever the day of the week.",
    ),
]
Region = Annotated[
    str,
    StringConstraints(max_length=60),
    PLAIN,
    AfterValidator(region),
    Field(description="Whose public holidays count, e.g. NW, BY-augsburg, SN-katholisch."),
]
_End = Annotated[
    LocalTime,
    BeforeValidator(_whole_day),
    Field(description="Not after `start`: on the next day."),
]


class _Weekly(Model):
    """What comes every week at the same time of day, Europe/Berlin."""

    days: Days = EVERY_DAY
    start: LocalTime
    end: _End

    @property
    def hours(self) -> Hours:
        return Hours(self.days, self.start, self.end)


class WeeklyShift(_Weekly):
    """Somebody's shift."""

    on_duty: Annotated[Slug, Field(description="Slug of a member.")]


class QuietHours(_Weekly):
    """When messages of a severity wait. What is critical never waits."""

    severity: Severity

    @model_validator(mode="after")
    def _may_wait(self) -> Self:
        if self.severity is Severity.CRITICAL:
            raise Unusable(
                "what is critical never waits: quiet hours are for info and warning",
                "was kritisch ist, wartet nie: Ruhezeiten gelten für info und warning",
            )
        return self


class Member(Model):
    """Somebody who can be on duty."""

    recipient: Annotated[Slug, Field(description="Slug of a recipient.")]
    known_as: Annotated[
        tuple[Annotated[ShortText, StringConstraints(strip_whitespace=True, min_length=1)], ...],
        Field(
            max_length=20,
            repr=False,
            description="Further names and mail addresses under which plans name them.",
        ),
    ] = ()


_TEST_DAYS = EVERY_DAY[:7]


class WeeklyTest(Model):
    """A message to every member, once a week, which says that it is a test."""

    enabled: bool = True
    day: Annotated[Day, Field(description="A day of the week, not 'holiday'.")] = Day.MON
    time: LocalTime = "10:00"

    @field_validator("day")
    @classmethod
    def _of_the_week(cls, day: Day) -> Day:
        if day not in _TEST_DAYS:
            raise Unusable(
                f"a test is on a day of the week: {', '.join(_TEST_DAYS)}",
                f"ein Test ist an einem Wochentag: {', '.join(_TEST_DAYS)}",
            )
        return day


class WateringMail(Model):
    """The day's watering list as a mail to every member that has an e-mail address."""

    send: bool = False
    when_empty: Annotated[bool, Field(description="Also that nothing has to be watered.")] = False


class DutyGroupBody(Model):
    """A duty group without its name in addresses."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    name: Name
    region: Region | None = None
    members: Annotated[
        tuple[Annotated[Member, BeforeValidator(_member)], ...], Field(min_length=1, max_length=200)
    ]
    shifts: Annotated[
        tuple[WeeklyShift, ...],
        Field(max_length=500, description="Of every week; those of an imported plan are apart."),
    ] = ()
    quiet_hours: Annotated[tuple[QuietHours, ...], Field(max_length=50)] = ()
    test_message: Annotated[
        WeeklyTest, Field(description="Whether each telephone gets messages, every week.")
    ] = WeeklyTest()
    watering_list: Annotated[
        WateringMail, Field(description="Whether the members get the watering list, once a day.")
    ] = WateringMail()

    @model_validator(mode="after")
    def _of_members(self) -> Self:
        members = [one.recipient for one in self.members]
        if twice := next((one for one in members if members.count(one) > 1), None):
            raise Unusable(
                f"'{twice}' is there twice among the members",
                f"'{twice}' steht zweimal bei den Mitgliedern",
            )
        for shift in self.shifts:
            if shift.on_duty not in members:
                raise Unusable.of(not_one_of(shift.on_duty, members, "member of this group"))
        if self.region is None and any(one.days == (Day.HOLIDAY,) for one in self.shifts):
            raise Unusable(
                "a shift on public holidays only: name the group's 'region', e.g. NW",
                "eine Schicht nur an Feiertagen: die 'region' der Bereitschaft nennen, z. B. NW",
            )
        return self


class DutyGroup(DutyGroupBody):
    """People who take turns in being told. Leute, die abwechselnd Meldungen bekommen."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"slug": "bereitschaft", **_EXAMPLE}]}
    )
    slug: Slug


class SubstitutionBody(Model):
    """Somebody takes another's shifts for a while."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STAND_IN]})

    absent: Annotated[Slug, Field(description="Slug of a member of the group.")]
    stand_in: Annotated[Slug, Field(description="Slug of any recipient.")]
    start: KeptTime
    end: KeptTime

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if self.absent == self.stand_in:
            raise Unusable(
                "'stand_in' and 'absent' are the same person",
                "'stand_in' und 'absent' sind dieselbe Person",
            )
        if from_datetime(self.end) <= from_datetime(self.start):
            raise Unusable(
                "'end' has to lie after 'start'",
                "'end' muss nach 'start' liegen",
            )
        return self


def not_one_of(slug: str, known: Mapping[str, object] | list[str], what: str) -> Sentence:
    """There is none of this name, and which ones are near."""
    from difflib import get_close_matches

    near = get_close_matches(slug, list(known), n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(one) for one in near)}?" if near else ""
    meant = f" War {' oder '.join(repr(one) for one in near)} gemeint?" if near else ""
    noun = NOUNS[what]
    return Sentence(
        f"There is no {what} '{slug}'.{hint}", f"Es gibt {noun.no} {noun.german} '{slug}'.{meant}"
    )
