"""Parameters in paths that several domains have. Apart from `fields`, which settings and the roles
without an API use too: FastAPI takes half a second to import."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator

from stadtsinn.base.field_errors import SHORT_NAME
from stadtsinn.cloud.platform.api.fields import normalised_dev_eui

SlugInPath = Annotated[str, Path(pattern=SHORT_NAME, max_length=63)]
DevEuiInPath = Annotated[
    str,
    Path(description="DevEUI: 16 hex digits.", max_length=40, examples=["70b3d57ed0001234"]),
    AfterValidator(normalised_dev_eui),
]
IdInPath = Annotated[int, Path(ge=1, le=2**63 - 1)]
