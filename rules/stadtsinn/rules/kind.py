"""What a kind of rule is: its parameters, how it judges a sample, and what messages say of it.

A kind judges one sample at a time, and says what time alone makes of it. The state machine does
what depends on durations, the same for all kinds: how long the condition has to last and to be
over, and what missing data means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence


class Verdict(Enum):
    """What one sample means for a rule."""

    REACHED = "reached"
    """The condition of the rule holds."""
    BETWEEN = "between"
    """Neither: an alarm that is open stays open, one that is not does not begin."""
    RECOVERED = "recovered"
    """Good enough for an open alarm to end."""


FIRST_LEVEL = 1
"""The level of an alarm that has no other; a kind may have further ones above it."""


@dataclass(frozen=True)
class Sample:
    """A value and the event time at which it was measured.

    `permitted` is what a zone's permit allowed at that time; None where there is no permit. Of a
    group that is judged together it is how many stations it has. `source` names the device: another
    one may count or measure from another zero. `streams` is what some datastreams measured then, of
    a rule that judges several together, each by its number; the `value` is of no meaning there.
    """

    at: Instant
    value: float
    permitted: float | None = None
    source: str = ""
    streams: Mapping[int, float] | None = None


Notes = Mapping[str, Any]
"""What a kind notes of samples for later ones, as JSON holds it. It has to stay small: it is
written with each sample."""


@dataclass(frozen=True)
class Past:
    """What is known of the samples before: when the newest was measured, with the value that was
    judged, and what the kind noted about them. One of the same moment is corrected by a sample."""

    last: Sample | None = None
    notes: Notes = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the notes that the next sample is judged with.

    `level` says how bad it is, from `FIRST_LEVEL` on. A level is worth a message of its own.
    `value` is what was judged where that is not the sample's own: a sum, a change.
    """

    verdict: Verdict
    notes: Notes = field(default_factory=dict)
    level: int = FIRST_LEVEL
    value: float | None = None


@dataclass(frozen=True)
class Eased:
    """From `at` on time alone made it better: a span that is looked at holds less."""

    at: Instant
    judgement: Judgement


@dataclass(frozen=True)
class Phrases:
    """Parts of a rule's messages in the language of the stage, each a few words."""

    limit: str
    """In brackets behind the value: ``Grenze 900``."""
    reached: str
    """``Grenze 900 erreicht``."""
    was_reached: str
    """Before ", von 14:05 Uhr bis 14:45 Uhr": ``Grenze 900 war überschritten``."""
    noun: str
    """What a message is called; in capitals at its beginning: ``Alarm``."""
    ended: str
    """The same after its end: ``Beendeter Alarm``."""


@dataclass(frozen=True)
class Noun:
    """What a message is called, and what it is called once it is over."""

    german: str
    german_over: str
    english: str
    english_over: str


ALARM = Noun("Alarm", "Beendeter Alarm", "Alarm", "Past alarm")
WARNING = Noun("Warnung", "Beendete Warnung", "Warning", "Past warning")
NOTICE = Noun("Hinweis", "Beendeter Hinweis", "Notice", "Past notice")
FAULT = Noun("Störung", "Beendete Störung", "Fault", "Past fault")

Said = tuple[str, str, str]
"""The limit, that it is reached, that it was, see `Phrases`."""


@dataclass(frozen=True)
class Stage:
    """What phrases are about: a level, the permitted number, the language, and how to write a
    value in it.

    `show` writes a value as messages do, with its unit: ``12,3 %``.
    """

    show: Callable[[float], str]
    language: Language = Language.DE
    level: int = FIRST_LEVEL
    permitted: float | None = None
    number: Callable[[float], str] = "{:g}".format
    """Writes a number without a unit."""
    label: str = ""
    """What is measured."""
    others: Callable[[str], Stage] | None = None

    def say(self, noun: Noun, german: Said, english: Said) -> Phrases:
        """The phrases in its language."""
        if self.language is Language.EN:
            return Phrases(*english, noun.english, noun.english_over)
        return Phrases(*german, noun.german, noun.german_over)

    def of(self, quantity: str | None) -> Stage:
        """The stage for another quantity."""
        return self if quantity is None or self.others is None else self.others(quantity)


@dataclass(frozen=True)
class Mark:
    """A line in a chart of what is judged: from here on it is an alarm of this level; 0: here the
    alarm is over."""

    value: float
    level: int = FIRST_LEVEL


OVER = 0
"""The level of a mark at which an alarm is over."""

OWN = 0
"""The number of the datastream that a rule itself names; those that its kind names follow."""

_Name = Annotated[str, StringConstraints(max_length=100)]


class Stream(BaseModel):
    """A datastream beside the rule's own. What is left out is as in that."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    station: Annotated[
        _Name | None, Field(description="Slug of a station; left out: the rule's own.")
    ] = None
    quantity: Annotated[_Name | None, Field(description="Left out: the rule's own.")] = None
    channel: Annotated[_Name | None, Field(description="Left out: the rule's own.")] = None

    @property
    def is_the_rule_s_own(self) -> bool:
        return self.station is None and self.quantity is None and self.channel is None


@dataclass(frozen=True)
class Reach:
    """Between which numbers something lies, whatever happens."""

    low: float
    high: float


@dataclass(frozen=True)
class Setting:
    """Where a rule is to stand: of each quantity the values that there may be (None: the rule's
    own), and how many stations its group has now."""

    reach: Callable[[str | None], Reach]
    stations: int = 1


class RuleKind(BaseModel, ABC):
    """The parameters of one kind of rule, which stand beside the common ones of a rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind_name: ClassVar[str]
    title: ClassVar[Sentence]
    """What people call this kind, in lists."""
    of_permit: ClassVar[bool] = False
    """It compares with the permitted number of a zone: only zones that have one can be judged."""
    of_stations: ClassVar[bool] = False
    """It judges quantities of stations, not the persons of a zone."""
    of_silence: ClassVar[bool] = False
    """Missing data is what it fires for; each sample ends the alarm."""
    has_trend: ClassVar[bool] = True
    """Whether an alarm says if the value rises or falls."""
    of_second_sensor: ClassVar[bool] = False
    """It notes what a comparison sensor of the same station measures (`beside`)."""
    joins: ClassVar[bool] = False
    """It judges several datastreams together (`Sample.streams`)."""
    of_one_unit: ClassVar[bool] = False
    """It compares the values of its datastreams with each other."""
    of_group: ClassVar[bool] = False
    """It judges the stations of a group together, not each for itself."""
    unit: ClassVar[str | None] = None
    """Of what is judged, where that is not the unit of the quantity."""
    in_steps: ClassVar[bool] = False
    """What is judged stays as it is between two samples: a number of things, a state."""

    @abstractmethod
    def judge(self, sample: Sample, past: Past) -> Judgement:
        """Judge a sample that is no older than the newest one before it."""

    def eases(self, past: Past) -> Eased | None:  # noqa: ARG002 (some do)
        """When the last judgement gets better while no further sample comes, and to what; None:
        only a sample can change it."""
        return None

    @property
    def others(self) -> tuple[Stream, ...]:
        """The datastreams beside the rule's own that are needed with it."""
        return ()

    def takes(self, sample: Sample, notes: Notes) -> tuple[Notes, Instant | None]:
        """The notes with what some of its datastreams measured, and the time of the newest of what
        is judged together; None: something is missing that is needed."""
        return notes, sample.at

    @abstractmethod
    def phrases(self, stage: Stage) -> Phrases: ...

    def beside(self, second: Sample, notes: Notes) -> Notes:  # noqa: ARG002 (some do)
        """The notes with what a comparison sensor measured. It is not judged."""
        return notes

    def remark(self, notes: Notes, stage: Stage) -> str:  # noqa: ARG002 (some do)
        """A short sentence of an alarm about what was noted; empty: nothing is to be said."""
        return ""

    def measures(self, level: int) -> str:  # noqa: ARG002 (some do)
        """What the town wants done at a level, in its own words; empty: it says nothing."""
        return ""

    @property
    def hold_s(self) -> int | None:
        """How long the condition has to last, where the kind itself says it."""
        return None

    @property
    def silence_s(self) -> int | None:
        """What counts as missing data, where the kind itself says it."""
        return None

    def refuses(self, quantity: str, aggregate: str) -> Sentence | None:  # noqa: ARG002 (some do)
        """Why it cannot judge this quantity, whose samples combine as `aggregate`, and what can,
        as a whole sentence; None: it can."""
        return None

    def senseless(self, setting: Setting) -> Sentence | None:  # noqa: ARG002 (some do)
        """Why it could never fire or never end there, and what to change; None: it could."""
        return None

    def spans(self, stream: int = OWN) -> Mapping[str, int]:  # noqa: ARG002 (some do)
        """Its spans of time that hold nothing to judge where they are shorter than the interval
        of a datastream, in seconds, by their names."""
        return {}

    def example(self, level: int) -> tuple[float, float]:  # noqa: ARG002 (some do)
        """A value at which it fires at a level, and one at which it is over, for a preview; of a
        permit in per cent."""
        fires = float(getattr(self, "on", 1.0))
        return fires, float(getattr(self, "off", fires))

    def marks(self, permitted: float | None) -> tuple[Mark, ...]:  # noqa: ARG002 (some do)
        """Its limits, as a chart of what is judged has them. `permitted` is what the permit of a
        zone allows; None where there is none."""
        return ()

    def told(self, value: float, stage: Stage) -> str:
        """What was judged, as messages write it: ``26,3 mm``."""
        return stage.show(value)

    def measured(self, label: str, shown: str) -> str:
        """What was judged, as messages in any language say it: ``Niederschlag 26,3 mm``."""
        return f"{label} {shown}"
