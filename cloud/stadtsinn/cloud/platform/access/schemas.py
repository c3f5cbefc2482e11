"""API keys in requests and answers. Only `KeyWithToken` contains a token."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.api.fields import Name
from stadtsinn.cloud.platform.api.times import ShownTime


class NewKey(BaseModel):
    """A key to make. Ein neuer Schlüssel."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Masterportal", "role": "reader"}]},
    )
    name: Annotated[Name, Field(description="Who or what uses the key.")]
    role: Annotated[
        Role,
        Field(description="reader: read; editor: also change; admin: also make keys."),
    ] = Role.READER


class KeyView(BaseModel):
    """A key without its token. Ein Schlüssel ohne sein Geheimnis."""

    id: int
    name: str
    role: Role
    prefix: Annotated[str, Field(description="How the token begins, to recognise the key.")]
    created_at: ShownTime
    revoked_at: ShownTime | None
    last_used_at: Annotated[ShownTime | None, Field(description="To the hour.")]


class KeyWithToken(KeyView):
    """A key just made. The token is shown this once."""

    token: str
