"""What senders find around them."""

from __future__ import annotations

from dataclasses import dataclass

from stadtsinn.base.clock import Clock
from stadtsinn.cloud.alarms.notify.enclosed import Enclosing, nothing_enclosed
from stadtsinn.cloud.platform.database.engine import Database


@dataclass(frozen=True)
class Surroundings:
    database: Database
    clock: Clock
    enclosing: Enclosing = nothing_enclosed
