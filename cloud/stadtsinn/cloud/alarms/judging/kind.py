"""What a kind of rule is: its parameters, how it judges a sample, and what messages say of it.

A kind judges one sample at a time. Everything that takes time is the state machine's, the same
for all kinds: how long it has to last, how long it has to be over, and what silence means.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from stadtsinn.base.instant import Instant


class Verdict(Enum):
    """What one sample means for a rule."""

    REACHED = "reached"
    """As bad as the rule is there to find."""
    BETWEEN = "between"
    """Neither: an alarm that is open stays open, one that is not does not begin."""
    RECOVERED = "recovered"
    """Good enough for an open alarm to end."""


@dataclass(frozen=True)
class Sample:
    """A value and the event time at which it was measured."""

    at: Instant
    value: float


@dataclass(frozen=True)
class Past:
    """What is known of the samples before: the newest one, and what the kind noted about them."""

    last: Sample | None = None
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """A verdict, and the notes that the next sample is judged with."""

    verdict: Verdict
    notes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Phrases:
    """German parts of a rule's messages, each a few words."""

    limit: str
    """In brackets behind the value: ``Grenze 900``."""
    reached: str
    """``Grenze 900 erreicht``."""
    was_reached: str
    """Before "ab 14:05 Uhr": ``Grenze 900 war überschritten``."""


class RuleKind(BaseModel, ABC):
    """The parameters of one kind of rule, which stand beside the common ones of a rule."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind_name: ClassVar[str]

    @abstractmethod
    def judge(self, sample: Sample, past: Past) -> Judgement:
        """Judge a sample that is no older than the newest one before it."""

    @abstractmethod
    def phrases(self, show: Callable[[float], str]) -> Phrases:
        """`show` writes a value as messages do, with its unit: ``12,3 %``."""
