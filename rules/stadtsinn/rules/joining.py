"""What kinds share that judge several datastreams together: the newest value of each.

A value counts for `fresh_s`. Where one of those that are needed is missing or older nothing is
judged, as if no sample had come: what is open stays open, and missing data is told as ever. A
value that is older than what was judged last is remembered, and judged with the next one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field

from stadtsinn.base.frozen import replace
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.rules.kind import OWN, Judgement, Notes, Past, RuleKind, Sample

Values = Mapping[str, Sequence[Any]]
"""By the number of the datastream: when its newest value was measured, and the value."""

VALUES = "values"
"""Their name in the notes."""

Fresh = Annotated[
    int,
    Field(ge=60, le=7 * 86_400, description="A value counts for so long, in seconds."),
]


class Joining(RuleKind):
    """Judges the newest values of several datastreams together."""

    of_stations: ClassVar[bool] = True
    joins: ClassVar[bool] = True

    fresh_s: Fresh = 3_600

    @property
    def silence_s(self) -> int:
        """Without a value of one that is needed for so long nothing can be judged."""
        return min(self.fresh(number) for number in range(len(self.others) + 1))

    def fresh(self, stream: int) -> int:  # noqa: ARG002 (some do)
        """For how many seconds a value of a datastream counts."""
        return self.fresh_s

    def spans(self, stream: int = OWN) -> Mapping[str, int]:
        return {"fresh_s": self.fresh(stream)}

    def takes(self, sample: Sample, notes: Notes) -> tuple[Notes, Instant | None]:
        values = dict(notes.get(VALUES, {}))
        for stream, value in (sample.streams or {}).items():
            known = values.get(str(stream))
            if known is None or known[0] <= sample.at:
                values[str(stream)] = self.kept(sample.at, value, known)
        taken = {**notes, VALUES: values}
        at = Instant(max(known[0] for known in values.values()))
        return taken, at if self.is_complete(values, at) else None

    def kept(self, at: Instant, value: float, known: Sequence[Any] | None) -> Sequence[Any]:  # noqa: ARG002 (some do)
        """What is remembered of a value: when it was measured, and the value. `known` is what is
        remembered of the one before, or of the same moment."""
        return [at, value]

    def is_complete(self, values: Values, at: Instant) -> bool:
        """Whether the values that are needed are there and count at this time."""
        return all(
            (known := values.get(str(stream))) is not None
            and at - known[0] <= self.fresh(stream) * SECOND
            for stream in range(len(self.others) + 1)
        )

    def judge(self, sample: Sample, past: Past) -> Judgement:
        return replace(self.joined(past.notes[VALUES], sample), notes=past.notes)

    @abstractmethod
    def joined(self, values: Values, sample: Sample) -> Judgement:
        """What the values are together at the time of the sample; all that are needed count."""
