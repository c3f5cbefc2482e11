"""What a kind of rule is: its parameters, how it judges a sample, and what messages say of it.

A kind judges one sample at a time. The state machine does what depends on durations, the same
for all kinds: how long the condition has to last and to be over, and what missing data means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from stadtsinn.base.instant import Instant
from stadtsinn.base.language import Language


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

    `permitted` is what a zone's permit allowed at that time; None where there is no permit.
    """

    at: Instant
    value: float
    permitted: float | None = None


@dataclass(frozen=True)
class Past:
    """What is known of the samples before: the newest one, and what the kind noted about them."""

    last: Sample | None = None
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the notes that the next sample is judged with.

    `level` says how bad it is, from `FIRST_LEVEL` on. A level is worth a message of its own.
    """

    verdict: Verdict
    notes: Mapping[str, float] = field(default_factory=dict)
    level: int = FIRST_LEVEL


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
class Stage:
    """What phrases are about: a level, the permitted number, the language, and how to write a
    value in it.

    `show` writes a value as messages do, with its unit: ``12,3 %``.
    """

    show: Callable[[float], str]
    language: Language = Language.DE
    level: int = FIRST_LEVEL
    permitted: float | None = None


class RuleKind(BaseModel, ABC):
    """The parameters of one kind of rule, which stand beside the common ones of a rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind_name: ClassVar[str]
    of_permit: ClassVar[bool] = False
    """It compares with the permitted number of a zone: only zones that have one can be judged."""

    @abstractmethod
    def judge(self, sample: Sample, past: Past) -> Judgement:
        """Judge a sample that is no older than the newest one before it."""

    @abstractmethod
    def phrases(self, stage: Stage) -> Phrases: ...
