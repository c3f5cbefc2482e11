"""A worker in a process of its own, which a test can kill at a named moment.

python real_outbox_child.py DATABASE_URL SENDERS_TOML CRASH_POINT
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from stadtsinn.base.clock import ManualClock
from stadtsinn.base.instant import SECOND
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.platform.database.engine import Database, open_database


def load_senders(path: Path) -> NotifySettings:
    """The table `[notify]` of a configuration, as a file of its own."""
    return NotifySettings.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))


def run_child(database: Database, senders: Path, crash_at: str) -> int:
    """One round of a worker that dies at `crash_at`; returns how its process ended."""
    url = database.engine.url.render_as_string(hide_password=False)
    done = subprocess.run(
        [sys.executable, __file__, url, str(senders)],
        env={**os.environ, "STADTSINN_CRASH_AT": crash_at},
        check=False,
    )
    return done.returncode


def main() -> None:
    from fake_senders import NOON

    database = open_database(sys.argv[1])
    clock = ManualClock(NOON)
    senders = open_senders(load_senders(Path(sys.argv[2])), database, clock)
    OutboxWorker(database, senders, clock, lease=SECOND, doubt_waits=SECOND).run_once()


if __name__ == "__main__":
    main()
