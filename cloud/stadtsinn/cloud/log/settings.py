"""Where old days of the log lie, and how its followers wait."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from stadtsinn.base.settings.fields import FilePath
from stadtsinn.base.settings.reading import Section


class ArchiveSettings(Section):
    """Where `stadtsinn archive` puts old days of the uplink log."""

    folder: FilePath = Path("archive")


class PaceSettings(Section):
    """How often waiting parts look for work, in seconds; shorter only for simulated time."""

    look_seconds: Annotated[float, Field(gt=0, le=10)] = 0.04
    """Between looks at the log, for followers in another process than the ingest."""
    tick_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    """Between calls of a follower's `tick`."""
    outbox_seconds: Annotated[float, Field(gt=0, le=60)] = 0.5
    """Between looks of the sender at the outbox."""
    delivery_seconds: Annotated[float, Field(ge=10, le=3_600)] = 300.0
    """An alarm that has not arrived by then goes to the next in line."""
