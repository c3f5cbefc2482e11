"""How long an owner has time before a claimed device changes hands without its word."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from stadtsinn.base.settings.reading import Section


class ClaimSettings(Section):
    """`quiet_days`: an owner that received nothing of a device for so long does not use it.
    `notice_days`: so long such an owner may object, from the claimant's proof on."""

    quiet_days: Annotated[int, Field(ge=1, le=365)] = 30
    notice_days: Annotated[int, Field(ge=0, le=90)] = 7
