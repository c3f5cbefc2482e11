"""Makes each town's verdicts at its hour, in a thread of its own."""

from __future__ import annotations

import structlog

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.domains.trees import repository
from stadtsinn.cloud.domains.trees.daily import judge_due
from stadtsinn.cloud.platform.access.service import operator_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.series.stores.store import SeriesReader, SeriesUnavailable

log = structlog.get_logger()

_LOOK_S = 60.0
_BACKOFF = Backoff(first=10, longest=600)


class TreeWorker(Repeating):
    """Judges the groups of all towns, each once a day from its hour on."""

    def __init__(self, database: Database, store: SeriesReader, clock: Clock) -> None:
        super().__init__(
            "trees",
            _BACKOFF,
            failed="trees_not_judged",
            remedy="it tries again by itself; until then there is no watering list of today",
            hindered=SeriesUnavailable,
        )
        self._database = database
        self._store = store
        self._clock = clock

    def check(self) -> Check:
        return self.untroubled("judged once a day", "no watering list of today")

    def step(self) -> float:
        with self._database.read() as connection:
            towns = repository.tenants_with_groups(connection)
        self.for_each(towns, self._judge)
        return _LOOK_S

    def _judge(self, tenant_id: str) -> None:
        scope = operator_scope(tenant_id)
        judged = judge_due(self._database, self._store, scope, self._clock.now())
        if judged:
            log.info("trees_judged", tenant=tenant_id, groups=judged)
