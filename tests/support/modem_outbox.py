"""An outbox whose text messages go to a gammu-smsd, in our database or in another one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from databases import fresh_postgres, shared_cluster
from fake_senders import Outbox
from real_gammu import Gammu, lay_tables
from real_parts import wait_until
from stadtsinn.base.clock import SystemClock
from stadtsinn.cloud.alarms.answers.modem import ModemPost
from stadtsinn.cloud.alarms.notify.senders.gammu.sender import GammuSender, gammu_sender
from stadtsinn.cloud.alarms.notify.senders.settings import GammuSettings
from stadtsinn.cloud.platform.database.engine import Database

OURS, OTHER = "our database", "another one"
PLACES = [OURS, OTHER]


@dataclass
class ModemOutbox:
    """`gammu` is not started yet."""

    folder: Path
    box: Outbox
    theirs: Database
    place: str
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gammu = Gammu(self.folder / "gammu", self.theirs)
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.place == OTHER:
            url = self.theirs.engine.url.set(drivername="postgresql")
            secret = self.folder / "gammu-database"
            secret.write_text(url.render_as_string(hide_password=False))
            self.values = {"database": f"file:{secret}", **self.values}
        self.sender = self.new_sender()
        self.post = self.new_post()

    def new_sender(self, **values: Any) -> GammuSender:
        settings = GammuSettings.model_validate({**self.values, **values})
        return gammu_sender(settings, self.box.database, self.box.clock)

    def new_post(self) -> ModemPost:
        return ModemPost(self.box.database, self.sender, self.box.clock, SystemClock())

    def write_config(self) -> Path:
        """The table [notify.sms], for a process of its own."""
        path = self.folder / "senders.toml"
        lines = [f'{name} = "{value}"' for name, value in self.values.items()]
        path.write_text("\n".join(["[sms]", 'kind = "gammu"', *lines]) + "\n")
        return path

    def work(self) -> None:
        self.box.worker(self.sender).run_once()

    def until(self, *statuses: str) -> None:
        """Read what the daemon says until the messages stand so."""

        def are_so() -> bool:
            self.post.run_once()
            return self.box.statuses() == list(statuses)

        wait_until(are_so, f"messages are {statuses}, not {self.box.statuses()}")

    def close(self) -> None:
        self.sender.close()


@contextlib.contextmanager
def modem_outbox(folder: Path, place: str = OURS, **values: Any) -> Iterator[ModemOutbox]:
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(fresh_postgres(shared_cluster()))
        theirs = database
        if place == OTHER:
            theirs = stack.enter_context(fresh_postgres(shared_cluster(), create_tables=False))
        lay_tables(theirs)
        made = ModemOutbox(folder, Outbox(database), theirs, place, values)
        stack.callback(made.close)
        yield made
