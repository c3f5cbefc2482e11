"""What was told, and what was permitted, is on record also of the time before the update (0022)."""

from __future__ import annotations

from sqlalchemy import text

from first_version import bring_to
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.database.engine import Database

MINUTE = 60_000_000

ROWS = f"""
INSERT INTO tenants (id, name, created_at) VALUES ('musterstadt', 'Musterstadt', 0);
INSERT INTO zones (id, tenant_id, slug, name, name_en, reset_at, interval_s, error_in, error_out,
    max_rate, public, permitted) VALUES (1, 'musterstadt', 'markt', 'Markt', '', '04:00', 60, 0.02,
    0.02, 120, false, 800);
INSERT INTO zone_states (zone_id, version, sampled_at) VALUES (1, 7, {9 * MINUTE});
INSERT INTO alert_inputs (name, position) VALUES ('registry', 12), ('zone_samples', 6);
INSERT INTO incidents (id, tenant_id, rule_id, rule_name, member, level, opened_at, opening_value,
    late, announced_at) VALUES
    ('1-{MINUTE}', 'musterstadt', 1, 'Markt', 0, 2, {MINUTE}, 950, false, {MINUTE}),
    ('2-{MINUTE}', 'musterstadt', 2, 'Markt', 0, 1, {MINUTE}, 950, true, NULL)
"""


def _message(number: int, kind: str, level: int, sequence: int, at: int) -> str:
    return f"""
INSERT INTO outbox (uuid, tenant_id, incident_id, subject, kind, level, sequence, channel,
    recipient_id, dedup_key, address, text, status, reason, attempts, resent, reworded, settled,
    next_attempt, report_token, event_time, created_at, expires_at, purged) VALUES
    ('{number}', 'musterstadt', '1-{MINUTE}', '1', '{kind}', {level}, {sequence}, 'sms', 3,
    '{number}', '', '', 'ACCEPTED', '', 1, false, false, true, 0, '{number}', {at}, 0, 0, false)
"""


def _sample(position: int, at: int, permitted: str) -> str:
    return f"""
INSERT INTO zone_samples (position, tenant_id, zone_id, event_time, occupancy, low, high, degraded,
    reported_at, permitted) VALUES
    ({position}, 'musterstadt', 1, {at}, 5, 5, 5, false, {at}, {permitted})
"""


def test_it_is_taken_over(empty: Database) -> None:
    bring_to(empty, "0021")
    messages = [
        _message(1, "ALARM", 1, 0, MINUTE),
        _message(2, "ALARM", 2, 120, 3 * MINUTE),
        _message(3, "STALE", 1, 1, 5 * MINUTE),
    ]
    permitted = ("900", "900", "NULL", "NULL", "800", "700")
    moments = (1, 2, 3, 4, 5, 5)
    samples = [
        _sample(number, at * MINUTE, allowed)
        for number, (at, allowed) in enumerate(zip(moments, permitted, strict=True), 1)
    ]
    with empty.write() as connection:
        for statement in [*ROWS.split(";"), *messages, *samples]:
            connection.execute(text(statement))
    upgrade(empty)
    with empty.read() as connection:

        def rows(statement: str) -> list[tuple[object, ...]]:
            return [tuple(row) for row in connection.execute(text(statement))]

        assert rows("SELECT told_at FROM incidents ORDER BY id") == [(3 * MINUTE,), (None,)]
        assert rows("SELECT since, permitted FROM zone_permits ORDER BY since") == [
            (MINUTE, 900),
            (3 * MINUTE, None),
            (5 * MINUTE, 700),
        ]
        assert rows("SELECT resets_until FROM zone_states") == [(9 * MINUTE,)]
        assert rows("SELECT sequence, dedup_key FROM outbox WHERE kind = 'STALE'") == [
            (240, f"1-{MINUTE}|STALE|1|240|sms|3")
        ]
        assert rows("SELECT name FROM alert_inputs") == [("zone_samples",)]
