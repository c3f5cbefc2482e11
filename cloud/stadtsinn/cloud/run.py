"""Runs the installation: the roles of one process, from start to an orderly end."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import structlog

from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check, HealthServer
from stadtsinn.base.systemd import Watchdog, notify
from stadtsinn.cloud.log.archive_files.day_files import require_no_days
from stadtsinn.cloud.migrations import is_empty, upgrade
from stadtsinn.cloud.operations.pulses import NEEDED, Pulse
from stadtsinn.cloud.parts import Parts
from stadtsinn.cloud.roles import FOLLOWERS, ROLES, Checks, Role, api_apart, build, log_watch
from stadtsinn.cloud.running import Running, Together
from stadtsinn.cloud.settings import CloudSettings

log = structlog.get_logger()

_LOOK_S = 0.5
"""Between two looks whether every thread still lives."""


class Process:
    """The chosen roles of one process. `run` returns after `stop` was called, or a role died.

    `api_command` starts the API as a process of its own beside them. `beside` are the health pages
    of other processes, shown in that of the API. A process that is `parent`'s ends with it.
    """

    def __init__(
        self,
        settings: CloudSettings,
        clock: Clock,
        roles: Sequence[str],
        *,
        api_command: Sequence[str] = (),
        beside: Sequence[str] = (),
        parent: int | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._roles = [role for role in ROLES if role in roles]
        self._api_command = api_command
        self._beside = beside
        self._parent = parent
        self._stop = threading.Event()

    def stop(self) -> None:
        """End in order; safe in a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Migrate, start the roles, wait, stop them in the opposite order.

        Returns 0, or 1 when a thread of a role ended by itself: no role may be missing while its
        process lives, so it ends and whoever supervises it starts it again. Raises ValueError or
        OSError naming the remedy when something cannot start.
        """
        with ExitStack() as ending:
            parts = Parts(self._settings, self._clock)
            ending.callback(parts.close)
            if is_empty(parts.database):
                require_no_days(parts.archive)
            upgrade(parts.database)
            checks: dict[str, Callable[[], Check]] = {}
            running: list[Running] = []
            alive: dict[str, Checks] = {}

            def begin(role: Role) -> None:
                checks.update(role.checks)
                role.running.start()
                running.append(role.running)
                ending.callback(role.running.stop)

            for name in self._roles:
                role = build(name, parts, checks, self._beside)
                begin(role)
                alive[name] = role.alive
            if "ingest" not in self._roles and set(FOLLOWERS) & set(self._roles):
                begin(log_watch(parts))
            if alive.keys() & set(NEEDED):
                begin(Role(Pulse(parts.database, alive)))
            if self._api_command:
                begin(api_apart(self._api_command))
            if "api" not in self._roles:
                server = HealthServer(self._settings.health.bind, checks)
                server.start()
                running.append(server)
                ending.callback(server.stop)
            # The MQTT thread asks for the interpreter several times per message; with the usual
            # 5 ms it would wait longer for a busy worker than it takes to read the message.
            sys.setswitchinterval(0.0005)
            # Objects that exist now stay for good: leave them out of garbage collection.
            gc.collect()
            gc.freeze()
            log.info("running", roles=self._roles)
            notify("READY=1")
            died = self._watch(Together(running))
            notify("STOPPING=1")
            log.info("stopping", roles=self._roles)
        return 1 if died else 0

    def _watch(self, roles: Together) -> bool:
        """Wait until `stop`; True when a thread ended before. A process that hangs as a whole no
        longer comes by here, and systemd's watchdog ends it."""
        watchdog = Watchdog(time.monotonic)
        watchdog.beat("watch")
        while not self._stop.wait(_LOOK_S):
            watchdog.beat("watch")
            if self._parent not in (None, os.getppid()):
                log.error("parent_ended", meaning="this process ends as well")
                return False
            if name := roles.ended():
                log.critical(
                    "thread_ended",
                    thread=name,
                    meaning="the process ends with code 1, its supervisor starts it again",
                    remedy="nothing is lost; please report this with the log before it",
                )
                return True
        return False
