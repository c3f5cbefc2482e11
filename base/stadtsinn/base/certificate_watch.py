"""The certificates of a running process: days left, as metric and in health."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import nan
from pathlib import Path

from prometheus_client import Gauge

from stadtsinn.base.certificates import (
    SOON_DAYS,
    Lifetime,
    Unreadable,
    lifetime_of,
    lifetimes,
)
from stadtsinn.base.clock import Clock
from stadtsinn.base.counted import counted
from stadtsinn.base.health import Check
from stadtsinn.base.instant import DAY, Instant, isoformat
from stadtsinn.base.logs import one_line
from stadtsinn.base.mqtt.broker import Tls

_LOOK_S = 60.0

Ends = Callable[[], Instant | None]
"""When the certificate ends that the other side of a connection shows; None: there is none."""


class CertificateWatch:
    """Reads the files again now and then: they may be renewed while the process runs.

    `peers` are certificates of others, by what they are called. `gauge` has the label ``file``.
    """

    def __init__(
        self,
        used: Iterable[Tls],
        clock: Clock,
        gauge: Gauge,
        *,
        files: Iterable[Path] = (),
        peers: Mapping[str, Ends] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._used = tuple(dict.fromkeys(used))
        self._files = tuple(files)
        self._peers = dict(peers or {})
        self._clock = clock
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._ends: dict[str, Instant] = {}
        self._unreadable: tuple[str, ...] = ()
        paths = [one for tls in self._used for one in (tls.certificate, tls.ca) if one]
        for name in (*map(str, (*paths, *self._files)), *self._peers):
            gauge.labels(name).set_function(partial(self._days_left, name))

    def ends(self) -> dict[str, Instant]:
        """When each ends, by its file or by whose it is."""
        with self._lock:
            if self._monotonic() - self._looked_at >= _LOOK_S:
                self._look()
            known = dict(self._ends)
        for name, peer in self._peers.items():
            if (moment := peer()) is not None:
                known[name] = moment
        return known

    def first_end(self) -> Instant | None:
        """When the first of them ends."""
        return min(self.ends().values(), default=None)

    def check(self) -> Check:
        """Fails once one has ended; before that, and where a file cannot be read, it warns."""
        now = self._clock.now()
        left = sorted((moment, name) for name, moment in self.ends().items())
        ended = [f"{name} ended {isoformat(at)}" for at, name in left if at <= now]
        soon = tuple(
            f"{name} ends in {counted((at - now) // DAY, 'day', 'days')}: renew it "
            "('stadtsinn ca', docs/broker.md)"
            for at, name in left
            if now < at <= now + SOON_DAYS * DAY
        )
        if ended:
            remedy = "renew it ('stadtsinn ca', docs/broker.md)"
            return Check(False, f"{'; '.join(ended)}: {remedy}", (*soon, *self._unreadable))
        detail = "no certificates are used"
        if left:
            detail = f"the first ends in {counted((left[0][0] - now) // DAY, 'day', 'days')}"
        return Check(True, detail, (*soon, *self._unreadable))

    def _days_left(self, name: str) -> float:
        moment = self.ends().get(name)
        return nan if moment is None else (moment - self._clock.now()) / DAY

    def _look(self) -> None:
        found: list[Lifetime] = []
        unreadable = []
        looks = [partial(lifetimes, tls) for tls in self._used]
        looks += [partial(_alone, path) for path in self._files]
        for look in looks:
            try:
                found += look()
            except Unreadable as error:
                unreadable.append(str(error))
            except Exception as error:  # whatever lies there must not end who only looks at it
                unreadable.append(f"a certificate cannot be read: {one_line(error)}")
        self._ends = {str(life.path): life.ends for life in reversed(found)}
        self._unreadable = tuple(unreadable)
        self._looked_at = self._monotonic()


def _alone(path: Path) -> list[Lifetime]:
    return [lifetime_of(path)]
