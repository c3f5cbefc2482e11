"""The shared metadata is complete."""

from __future__ import annotations

from pathlib import Path

import stadtsinn.cloud.schema as schema

_CLOUD = Path(schema.__file__).parent
_OF_OTHERS = {str(_CLOUD / "alarms" / "notify" / "senders" / "gammu" / "tables.py")}
"""Another program makes these."""


def test_every_domain_with_tables_is_in_the_schema() -> None:
    """A tables.py that schema.py does not import would have no migration and no table."""
    domains = {str(path) for path in _CLOUD.rglob("tables.py")} - _OF_OTHERS
    named = {module.__file__ for module in schema.TABLE_MODULES}
    assert named == domains


# Tables without an owner, none of which the API shows: what they are for instead.
INTERNAL = {
    "tenants": "the owners themselves",
    "registry_revision": "one number for the whole registry",
    "alert_inputs": "a follower's second cursor",
    "archived_days": "every town's uplinks of a day lie in one file",
    "log_revision": "one number for the whole log",
    "series_filling": "what the series store of all tenants was filled with",
    "follower_cursors": "how far a follower has come",
    "set_aside": "what a follower could not apply, for the operator",
    "configured_edges": "what lies at the broker for an edge",
    "edge_streams": "how far an edge's spool has come",
    "edge_states": "what an edge agent says of itself",
    "operator_alarms": "what those were told who run the installation",
    "disk_samples": "how full the disks of machines were",
    "pulses": "which parts of the centre run",
    "sandbox_messages": "the demo's telephone",
    "sandbox_phone": "the demo's telephone",
    "report_formats": "how providers write delivery reports",
}


def test_every_table_names_its_tenant_or_belongs_to_something_that_does() -> None:
    """A row without a tenant could not be restricted by a scope."""
    owned = {
        name
        for name, table in schema.metadata.tables.items()
        if "tenant_id" in table.c
        or any(key.column.table.name != name for key in table.foreign_keys)
    }
    unowned = set(schema.metadata.tables) - owned
    assert unowned <= INTERNAL.keys(), f"give these a tenant_id: {unowned - INTERNAL.keys()}"
