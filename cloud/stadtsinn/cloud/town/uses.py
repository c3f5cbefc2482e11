"""What domains above the town use of it, so that nothing in use is deleted.

The town knows no domain: the application is put together with one function per domain that
names what uses a device. Where none is asked, the database's foreign keys still refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy import Connection

from stadtsinn.cloud.platform.access.scope import Scope

DeviceUses = Callable[[Connection, Scope, str], Sequence[str]]
"""Names what uses the device of a DevEUI, as paths of the API."""


def _device_uses(request: Request) -> Sequence[DeviceUses]:
    return cast(Sequence[DeviceUses], request.app.state.device_uses)


DeviceUsesDep = Annotated[Sequence[DeviceUses], Depends(_device_uses)]
