"""Checks of domains whether they use a device, so that no device in use is deleted.

This package imports no domain: the application is set up with one function per domain that names
what uses a device. Without them the database's foreign keys still refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy import Connection

from stadtsinn.cloud.platform.access.scope import Scope

DeviceUses = Callable[[Connection, Scope, str], Sequence[str]]
"""Returns what uses the device with this DevEUI, as paths of the API."""


def _device_uses(request: Request) -> Sequence[DeviceUses]:
    return cast(Sequence[DeviceUses], request.app.state.device_uses)


DeviceUsesDep = Annotated[Sequence[DeviceUses], Depends(_device_uses)]
