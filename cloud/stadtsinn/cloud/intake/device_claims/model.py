"""Claims as the API and the repository have them.

What the claimant sees says nothing of the owner, nor whether there is one: why a claim waits, and
how it ended without success, look the same in all cases.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stadtsinn.base.instant import DAY, Instant
from stadtsinn.cloud.platform.api.fields import DevEui, OptionalName
from stadtsinn.cloud.platform.api.times import ShownTime
from stadtsinn.cloud.town.model import DeviceBody

LIFE = 30 * DAY
"""A claim ends by itself after this time; so long there is no second one of the same device."""
MOST = 100
"""Claims that a town may open within that time."""
SHOWN = 90 * DAY
"""So long a former owner is shown what went."""


class State(StrEnum):
    """Where a claim stands, as the claimant sees it."""

    WAITING = "waiting"
    DONE = "done"
    ENDED = "ended"


class Ending(StrEnum):
    """How a claim ended, as the operator sees it."""

    CHANGED_HANDS = "changed_hands"
    REGISTERED = "registered"
    """Nobody had the device."""
    OBJECTED = "objected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    IMPOSSIBLE = "impossible"
    """The device as the claimant described it could not be registered any more."""

    @property
    def state(self) -> State:
        succeeded = self in {Ending.CHANGED_HANDS, Ending.REGISTERED}
        return State.DONE if succeeded else State.ENDED


class ClaimBody(DeviceBody):
    """The device as it will be registered with the claimant's town."""

    message: Annotated[
        OptionalName,
        Field(
            description="What the town that has the device reads: who asks, and why. It learns "
            "nothing else of you."
        ),
    ] = ""


class ClaimRequest(ClaimBody):
    """A claim as it is made. Ein Anspruch, wie er gestellt wird."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "dev_eui": "70b3d57ed0005678",
                    "device_type": "dragino/lse01",
                    "name": "Linde am Rathaus",
                    "interval_s": 1200,
                    "message": "Stadtgrün Nebenan, Frau Beispiel, 02501 12345",
                }
            ]
        }
    )
    dev_eui: DevEui


class Claim(BaseModel):
    """A claim, as the town that made it sees it. Ein Anspruch auf ein Gerät."""

    id: int
    dev_eui: str
    device: ClaimBody
    state: State = Field(
        description="`waiting`: for a proof, for the consent of the town that has the device, or "
        "for the end of its time to object. `done`: the device is yours. `ended`: without success."
    )
    opened_at: ShownTime
    ends_at: ShownTime = Field(description="When it ends by itself.")
    proven_at: ShownTime | None = Field(
        description="Since when an uplink of the device through your own edge agent or network "
        "server has proven it."
    )
    settled_at: ShownTime | None


class ClaimedDevice(BaseModel):
    """A claim, as the town that has the device sees it. Ein Gerät, das jemand beansprucht."""

    id: int
    dev_eui: str
    message: str = Field(description="What the claimant wants you to read.")
    state: State
    opened_at: ShownTime
    proven_at: ShownTime | None = Field(
        description="Since when the claimant's own edge agent or network server hears the device."
    )
    goes_at: ShownTime | None = Field(
        description="When the device changes hands unless you object, because you received nothing "
        "of it for long. null: never without your consent."
    )
    settled_at: ShownTime | None


class ClaimRow(BaseModel):
    """A claim as it is stored, for the operator and for what settles it."""

    model_config = ConfigDict(frozen=True)

    id: int
    tenant_id: str
    dev_eui: str
    device: ClaimBody
    opened_by: str
    opened_at: Instant
    ends_at: Instant
    proven_at: Instant | None
    proof: str | None
    agreed_by: str | None
    former_owner: str | None
    ending: Ending | None
    settled_at: Instant | None

    @property
    def state(self) -> State:
        return State.WAITING if self.ending is None else self.ending.state
