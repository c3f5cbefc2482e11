"""Rules, states, incidents and messages of the first version: a firing alarm goes on."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from fake_alert_town import minute, uplink
from fake_senders import with_texts
from first_version import bring_to
from stadtsinn.base.clock import ManualClock
from stadtsinn.cloud.alarms.alerts import repository
from stadtsinn.cloud.alarms.alerts.follower import AlertsFollower
from stadtsinn.cloud.alarms.alerts.repository import insert_rule
from stadtsinn.cloud.alarms.alerts.rule import Rule
from stadtsinn.cloud.alarms.alerts.tables import incidents, rule_recipients, rule_states
from stadtsinn.cloud.alarms.notify.tables import outbox
from stadtsinn.cloud.migrations import upgrade
from stadtsinn.cloud.platform.access.scope import Role, Scope
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.directory import DirectoryCache
from stadtsinn.decoders.reading import Reading

pytestmark = pytest.mark.slow

SCOPE = Scope("musterstadt", Role.ADMIN, 0)
DEVICE = "70b3d57ed0001234"

ROWS = f"""
INSERT INTO tenants VALUES ('musterstadt', 'Musterstadt', 1);
INSERT INTO devices VALUES ('{DEVICE}', 'musterstadt', 'dragino/lse01', 'Linde am Markt',
    NULL, NULL, NULL, 1200, '{{}}', 5);
INSERT INTO zones (id, tenant_id, slug, name, name_en, reset_at, interval_s, error_in, error_out,
    max_rate, public) VALUES (1, 'musterstadt', 'markt', 'Markt', '', '04:00', 60, 0.02, 0.02,
    120, false);
INSERT INTO recipients VALUES (1, 'musterstadt', 'bauhof', 'Bauhof', 'sms', '+491702222222');
INSERT INTO rules (id, tenant_id, slug, name, dev_eui, quantity, channel, zone_id, direction,
    on_level, off_level, for_s, min_samples, keep_firing_s, stale_after_s, max_age_s,
    resolve_notice, alert_on_stale, enabled, revision, valid_from) VALUES
    (1, 'musterstadt', 'trocken', 'Boden trocken', '{DEVICE}', 'soil_moisture', '', NULL, 'below',
    15, 20, 0, 1, 0, NULL, 900, true, false, true, 3, 0),
    (7, 'musterstadt', 'voll', 'Markt voll', NULL, '', '', 1, 'above',
    900, 850, 0, 1, 0, NULL, 900, true, false, true, 1, 0);
INSERT INTO rule_recipients VALUES (1, 1, 'alarm');
INSERT INTO rule_states (rule_id, rule_revision, phase, level, since, samples, stale, last_event,
    last_value, opened_at, announced, silences, quiet_until, due_at) VALUES
    (1, 3, 'firing', 1, NULL, 0, false, {minute(0)}, 12, {minute(0)}, true, 0, 0, NULL);
INSERT INTO incidents VALUES ('1-{minute(0)}', 'musterstadt', 1, 'Boden trocken', 1, {minute(0)},
    12, false, {minute(0)}, NULL, NULL, NULL);
INSERT INTO outbox (uuid, tenant_id, incident_id, kind, level, sequence, channel, recipient_id,
    dedup_key, address, text, status, reason, attempts, resent, reworded, settled, next_attempt,
    report_token, event_time, created_at, expires_at, purged) VALUES
    ('u', 'musterstadt', '1-{minute(0)}', 'ALARM', 1, 0, 'sms', 1, 'k', '+491702222222',
    'ALARM', 'ACCEPTED', '', 1, false, false, true, 0, 't', 0, 0, 0, false)
"""


@pytest.fixture
def upgraded(empty: Database) -> Database:
    """A database that the first version filled, brought to this version."""
    bring_to(empty, "0002")
    with empty.write() as connection:
        for statement in ROWS.split(";"):
            connection.execute(text(statement))
    upgrade(empty)
    return empty


def test_rules_name_the_station_of_their_device(upgraded: Database) -> None:
    with upgraded.read() as connection:
        soil = repository.rule(connection, SCOPE, "trocken")
        crowd = repository.rule(connection, SCOPE, "voll")
        assert len(connection.execute(select(rule_recipients)).all()) == 1
        state = connection.execute(select(rule_states)).one()
    assert soil.rule == Rule(
        slug="trocken",
        name="Boden trocken",
        station="linde-am-markt",
        quantity="soil_moisture",
        parameters=soil.rule.parameters,
        recipients=("bauhof",),
    )
    assert soil.rule.parameters.model_dump() == {"direction": "below", "on": 15.0, "off": 20.0}
    assert (crowd.rule.zone, crowd.rule.station, soil.revision) == ("markt", None, 3)
    assert (state.member, state.phase, state.notes) == (0, "firing", {})


def test_a_firing_alarm_stays_open_and_ends_as_itself(upgraded: Database) -> None:
    follower = AlertsFollower(DirectoryCache(upgraded), ManualClock(minute(5)))
    with upgraded.write() as connection:
        follower.tick(connection, minute(5))
        (incident,) = connection.execute(select(incidents)).all()
        assert (incident.id, incident.closed_at) == (f"1-{minute(0)}", None)
        assert (incident.station, incident.station_name) == ("linde-am-markt", "Linde am Markt")
        follower.apply(connection, [uplink(1, 5, Reading("soil_moisture", 30.0))])
        (incident,) = connection.execute(select(incidents)).all()
        assert (incident.id, incident.closed_at) == (f"1-{minute(0)}", minute(5))
        rows = with_texts(connection.execute(select(outbox).order_by(outbox.c.id)))
    (_, all_clear) = rows
    assert all_clear.text == (
        "ENTWARNUNG Linde am Markt, Boden trocken: Bodenfeuchte 30 %. Alarm von 10:00 Uhr "
        "beendet um 10:05 Uhr."
    )


def test_ids_of_rules_are_not_used_again(upgraded: Database) -> None:
    if not upgraded.is_sqlite:
        with upgraded.write() as connection:  # rows with ids of their own moved no sequence
            connection.execute(text("SELECT setval(pg_get_serial_sequence('rules', 'id'), 7)"))
    with upgraded.write() as connection:
        repository.delete_rule(connection, repository.rule(connection, SCOPE, "voll"))
        wanted = Rule.model_validate(
            {"slug": "neu", "name": "Neu", "zone": "markt", "on": 2, "off": 1}
        )
        assert insert_rule(connection, SCOPE, wanted, repository.Subject(zone_id=1)) == 8
