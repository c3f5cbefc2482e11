"""Settles claims: finds proofs, and lets devices change hands by the rule of decision 21.

Works for all towns and serves no request: what towns want stands in the claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from stadtsinn.base.backoff import Backoff
from stadtsinn.base.clock import Clock
from stadtsinn.base.health import Check
from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Problem
from stadtsinn.base.repeating import Repeating
from stadtsinn.cloud.intake.device_claims import repository
from stadtsinn.cloud.intake.device_claims.model import ClaimRow, Ending
from stadtsinn.cloud.intake.device_claims.service import goes_at
from stadtsinn.cloud.intake.device_claims.settings import ClaimSettings
from stadtsinn.cloud.platform.access.service import claim_scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.platform.limits.model import DEFAULTS, Limits
from stadtsinn.cloud.town.model import Device
from stadtsinn.cloud.town.repository import tenant_of_device
from stadtsinn.cloud.town.service import change, create_device, give_device
from stadtsinn.cloud.town.stations.repository import last_start
from stadtsinn.cloud.town.stations.service import Editor

log = structlog.get_logger()

_LOOK_S = 10
_BACKOFF = Backoff(first=1, longest=300)


class ClaimsWorker(Repeating):
    """Looks at all waiting claims every ten seconds. Several processes may run one each."""

    def __init__(
        self, database: Database, clock: Clock, settings: ClaimSettings, limits: Limits = DEFAULTS
    ) -> None:
        super().__init__(
            "device-claims",
            _BACKOFF,
            failed="claims_not_settled",
            remedy="it tries again by itself; claims wait meanwhile",
        )
        self._database = database
        self._clock = clock
        self._settings = settings
        self._limits = limits

    def step(self) -> float:
        self.settle_all()
        return _LOOK_S

    def check(self) -> Check:
        """Unhealthy while claims cannot be settled."""
        return self.untroubled("settled in time", "claims of devices wait")

    def settle_all(self) -> None:
        """Note new proofs, then settle each claim that is due, in a transaction of its own."""
        now = self._clock.now()
        with self._database.read() as connection:
            if not repository.any_waits(connection):
                return
            proofs = repository.find_proofs(connection)
        for number, source in proofs:
            with self._database.write() as connection:
                row = repository.note_proof(connection, number, source, now)
            if row is not None:
                log.info("device_claim_proven", **_named(row), proof=row.proof)
        with self._database.read() as connection:
            looked_at = [
                _look(connection, row, now, self._settings)
                for row in repository.claims_that_may_end(connection, now)
            ]
        for due in looked_at:
            if due.ending is not None:
                self._settle(due, due.ending, now)

    def _settle(self, due: _Due, ending: Ending, now: Instant) -> None:
        row = due.row
        try:
            taker = claim_scope(row.tenant_id, self._limits)
            with change(self._database, taker, now) as connection:
                settled = self._carry_out(connection, due, ending, now)
        except Problem as problem:
            # The device as it was described cannot be registered, or the owner's deployments
            # forbid it to go: nobody but the operator learns which.
            log.warning("device_claim_impossible", **_named(row), reason=problem.detail)
            with self._database.write() as connection:
                repository.settle(connection, row, Ending.IMPOSSIBLE, now, None)
            return
        if settled:
            log.info("device_claim_settled", **_named(row), ending=ending.value)

    def _carry_out(self, connection: Connection, due: _Due, ending: Ending, now: Instant) -> bool:
        """End a claim, and give the device to the claimant where that is its end. False where
        something has changed since it was looked at: the next look decides."""
        row, owner = due.row, due.owner
        present = repository.waiting_claim(connection, row.id)
        if (present, tenant_of_device(connection, row.dev_eui)) != (row, owner):
            return False
        taker = claim_scope(row.tenant_id, self._limits)
        body = row.device.model_dump(exclude={"message"})
        wanted = Device(dev_eui=row.dev_eui, **body)
        if ending is Ending.REGISTERED:
            create_device(connection, taker, wanted, now)
        elif ending is Ending.CHANGED_HANDS and owner not in (None, row.tenant_id):
            giver = claim_scope(str(owner), self._limits)
            since = now if row.agreed_by == owner else row.opened_at
            # An owner that deployed it again meanwhile keeps what was measured until now.
            since = max(since, min(now, last_start(connection, giver, row.dev_eui)))
            editor = Editor(giver, Instant(since), f"claim {row.id}")
            give_device(connection, editor, Editor(taker, now, f"claim {row.id}"), wanted)
        repository.settle(connection, row, ending, now, owner)
        return True


@dataclass(frozen=True)
class _Due:
    """A claim, who had the device when it was looked at, and how it ends; None: it waits."""

    row: ClaimRow
    owner: str | None
    ending: Ending | None


def _look(connection: Connection, row: ClaimRow, now: Instant, settings: ClaimSettings) -> _Due:
    """Looks through all that the owner received of the device: nobody may wait for that."""
    owner = tenant_of_device(connection, row.dev_eui)
    return _Due(row, owner, _ending(connection, row, owner, now, settings))


def _ending(
    connection: Connection,
    row: ClaimRow,
    owner: str | None,
    now: Instant,
    settings: ClaimSettings,
) -> Ending | None:
    """How a claim ends now; None while it waits."""
    if owner == row.tenant_id:
        return Ending.CHANGED_HANDS  # the operator handed it over
    if owner is None:
        registered = Ending.REGISTERED if row.proven_at is not None else None
        return registered or _expired(row, now)
    if row.agreed_by == owner:
        return Ending.CHANGED_HANDS
    goes = goes_at(connection, owner, row, settings)
    if goes is not None and goes <= now:
        return Ending.CHANGED_HANDS
    return _expired(row, now)


def _expired(row: ClaimRow, now: Instant) -> Ending | None:
    return Ending.EXPIRED if row.ends_at <= now else None


def _named(row: ClaimRow) -> dict[str, object]:
    return {"claim": row.id, "dev_eui": row.dev_eui, "claimant": row.tenant_id}
