"""A worker in a process of its own, which a test can kill at a named moment."""

from __future__ import annotations

import tomllib
from pathlib import Path

from fake_senders import NOON
from loaded_child import run_child
from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import SECOND
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.platform.database.engine import Database, open_database


def load_senders(path: Path) -> NotifySettings:
    """The table `[notify]` of a configuration, as a file of its own."""
    return NotifySettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def sent_elsewhere(database: Database, senders: Path, crash_at: str) -> int:
    """One round of a worker that dies at `crash_at`; returns how its process ended."""
    url = database.engine.url.render_as_string(hide_password=False)
    return run_child(main, url, str(senders), crash_at=crash_at)


def main(url: str, path: str) -> None:
    database = open_database(url)
    clock = ManualClock(NOON)
    senders = open_senders(load_senders(Path(path)), Surroundings(database, clock))
    OutboxWorker(database, senders, clock, lease=SECOND, doubt_waits=SECOND).run_once()
