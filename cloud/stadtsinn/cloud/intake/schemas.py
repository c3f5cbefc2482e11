"""Quarantine as the API shows it."""

from __future__ import annotations

from pydantic import BaseModel, Field

from stadtsinn.base.berlin import isoformat
from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.intake.reasons import NOT_THEIRS, Reason
from stadtsinn.cloud.intake.repository import QuarantineRow
from stadtsinn.cloud.platform.api.times import ShownTime

_SHOWN_BYTES = 512
_NOT_YOURS = (
    "this device is not registered with you: register it (POST /api/v1/devices) or, where that is "
    "refused, claim it (POST /api/v1/claims), then replay"
)


class QuarantineItem(BaseModel):
    """Something that came and was not taken into the log."""

    id: int
    reason: Reason = Field(examples=["unregistered_device"])
    detail: str = Field(description="What is wrong and what to do about it.")
    dev_eui: str | None = Field(examples=["70b3d50000000100"])
    source: str = Field(examples=["edge:rathaus"])
    format: str | None = Field(
        description="The network server's format; null for what an edge made itself.",
        examples=["chirpstack"],
    )
    topic: str
    first_received_at: ShownTime
    last_received_at: ShownTime
    times: int = Field(description="How often the same bytes came.")
    size: int = Field(description="Bytes as they came.")
    beginning: str = Field(description="The first bytes, as hex digits.")
    replayable: bool = Field(
        description="False where it can never be taken, whatever is registered or corrected."
    )


class Replayed(BaseModel):
    """What became of the rows that were tried again."""

    taken: int = Field(description="New uplinks in the log.")
    copies: int = Field(description="The log already held them.")
    refused: dict[str, int] = Field(
        description="Still not taken, by reason.", examples=[{"unregistered_device": 2}]
    )
    resent: int = Field(
        description="Entries about an edge that is registered now: it sends everything again."
    )
    never: dict[str, int] = Field(
        description="Can never be taken, by reason; `cut`: only the beginning was kept.",
        examples=[{"cut": 1}],
    )


def view(row: QuarantineRow) -> QuarantineItem:
    """That another tenant owns a device stays hidden: it is shown like one that nobody has."""
    not_theirs = row.reason in NOT_THEIRS
    return QuarantineItem(
        id=row.id,
        reason=Reason.UNREGISTERED_DEVICE if not_theirs else row.reason,
        detail=_NOT_YOURS if not_theirs else row.detail,
        dev_eui=row.dev_eui,
        source=row.source,
        format=row.format,
        topic=visible(row.topic),
        first_received_at=isoformat(row.received_at),
        last_received_at=isoformat(row.last_at),
        times=row.times,
        size=row.size,
        beginning=row.payload[:_SHOWN_BYTES].hex(),
        replayable=row.never is None,
    )
