"""What a follower leaves out for a while, because it failed on it: a rule, a zone.

It is kept in memory: a process that starts tries all of it again. An uplink that fails is set aside
for good (`Suspects`), as the log never gives it another content; a rule can be edited, and the
values that it fails on pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from prometheus_client import Gauge

from stadtsinn.base.backoff import Backoff, Retries
from stadtsinn.cloud.log.followers.culprits import blames_uplinks, reason_of
from stadtsinn.cloud.log.followers.follower import TryAgain

log = structlog.get_logger()

LEFT_OUT = Gauge("stadtsinn_follower_left_out", "Rules or zones left out", ["follower", "kind"])

_WAIT = Backoff(first=60, longest=3600)
_NAMED = 3
"""So many are named in health; all are in the log."""


@dataclass
class _Failed:
    reason: str
    version: object
    times: int = 0
    until: float = 0.0
    retries: Retries = field(default_factory=lambda: Retries(_WAIT))


class Aside:
    """Those of one follower, of one kind such as ``rule``."""

    def __init__(
        self, follower: str, kind: str, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._follower = follower
        self._kind = kind
        self._monotonic = monotonic
        self._failed: dict[Hashable, _Failed] = {}
        LEFT_OUT.labels(follower, kind).set_function(lambda: float(len(self._left_out())))

    def holds(self, key: Hashable, version: object) -> bool:
        """Whether this one is left out now; another version of it is tried."""
        failed = self._failed.get(key)
        if failed is None:
            return False
        return failed.version == version and self._monotonic() < failed.until

    def keep(self, is_there: Callable[[Any], bool]) -> None:
        """Forget those that are there no more."""
        for key in [key for key in self._failed if not is_there(key)]:
            del self._failed[key]

    @contextmanager
    def trying(self, key: Hashable, version: object, **about: object) -> Iterator[None]:
        """What fails inside is about this one, unless something else is away.

        Raises TryAgain then: the transaction has to be rolled back. It failed by chance (something
        was changed at that moment), or is left out from the second time on.
        """
        try:
            yield
        except Exception as error:
            if not blames_uplinks(error):
                raise
            self._note(key, version, error, about)
            raise TryAgain(f"without {self._kind} {key}") from error
        if key in self._failed:
            del self._failed[key]
            log.info("no_longer_left_out", follower=self._follower, kind=self._kind, **about)

    def _note(
        self, key: Hashable, version: object, error: Exception, about: Mapping[str, object]
    ) -> None:
        failed = self._failed.get(key)
        if failed is None or failed.version != version:
            failed = self._failed[key] = _Failed("", version)
        failed.times, failed.reason = failed.times + 1, reason_of(error)
        if failed.times < 2:
            return
        wait = failed.retries.failed()
        failed.until = self._monotonic() + wait
        log.error(
            "left_out",
            follower=self._follower,
            kind=self._kind,
            key=str(key),
            **about,
            tried_again_in_s=round(wait),
            exc_info=error,
            remedy="all others go on; report this. Until then: change or delete it",
        )

    def _left_out(self) -> dict[Hashable, _Failed]:
        return {key: failed for key, failed in self._failed.items() if failed.times > 1}

    def said(self) -> str:
        """For the health page; empty while nothing is left out."""
        found = self._left_out()
        if not found:
            return ""
        named = [f"{key}: {failed.reason}" for key, failed in list(found.items())[:_NAMED]]
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        return f"; left out because they fail: {self._kind} {', '.join(named)}{more} (see the log)"
