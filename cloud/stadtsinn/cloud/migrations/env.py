"""What alembic's own commands run. They get their connection from us, never from an ini file."""

from __future__ import annotations

from alembic import context

from stadtsinn.cloud.schema import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise RuntimeError(
        "alembic has no database here: use 'stadtsinn cloud upgrade' to migrate and "
        "'python -m stadtsinn.cloud.migrations.generate' to write a migration"
    )
# SQLite cannot change most things of a table in place: batches copy it.
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
