"""Who is told when something is wrong with the installation, and from when on it counts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stadtsinn.base.certificates import SOON_DAYS
from stadtsinn.base.settings.fields import FilePath
from stadtsinn.base.settings.reading import Section
from stadtsinn.base.settings.secret import Secret

Minutes = Annotated[int, Field(ge=1, le=100_000)]
Days = Annotated[int, Field(ge=1, le=1_000)]


class HeartbeatSettings(Section):
    """A dead man's switch. `url` is called every `every_s` seconds, and `file` touched, only while
    ingest, rules and outbox really run. The address is a secret."""

    url: Secret = Field(default_factory=Secret)
    file: FilePath | None = None
    every_s: Annotated[int, Field(ge=10, le=3_600)] = 60

    @property
    def is_set(self) -> bool:
        return bool(self.url) or self.file is not None


class OperatorSettings(Section):
    """`recipients` are recipients of the town `tenant`, by their short names: they get messages by
    the same channels as a town's alarms. Without any, /healthz and the metrics say it alone.

    `certificates` are files watched besides those that are used here, e.g. the broker's.
    """

    tenant: str | None = None
    recipients: tuple[str, ...] = ()
    nothing_minutes: Minutes = 120
    edge_away_minutes: Minutes = 30
    silent_intervals: Annotated[int, Field(ge=2, le=1_000)] = 4
    battery_percent: Annotated[float, Field(ge=0, le=100)] = 15
    certificate_days: Days = SOON_DAYS
    disk_days: Days = 14
    duty_days: Days = 7
    repeat_hours: Annotated[int, Field(ge=1, le=10_000)] = 24
    certificates: tuple[FilePath, ...] = ()
