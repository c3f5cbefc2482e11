"""How endpoints change the registry."""

from __future__ import annotations

from contextlib import AbstractContextManager

from sqlalchemy import Connection

from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town.service import change


def changing(services: Services, scope: Scope) -> AbstractContextManager[Connection]:
    """A transaction in which the caller changes something now, see `change`."""
    return change(services.database, scope, services.clock.now())
