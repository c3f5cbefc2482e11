"""What is kept of a tenant how long, and changing it."""

from __future__ import annotations

from pydantic import ValidationError
from sqlalchemy import Connection

from stadtsinn.base.field_errors import field_sentence
from stadtsinn.base.problems import Invalid
from stadtsinn.cloud.platform.retention import repository
from stadtsinn.cloud.platform.retention.model import DEFAULTS, Retention


def retention_of(connection: Connection, tenant_id: str) -> Retention:
    """How long a tenant's data are kept."""
    return DEFAULTS.with_those_of(repository.own_days(connection, tenant_id))


def change_retention(
    connection: Connection, tenant_id: str, name: str, days: int | None, *, usual: bool = False
) -> None:
    """Keep something of a tenant for so many days, None: for ever; or as is `usual`.

    Raises Invalid where a setting cannot be so, alone or beside the others.
    """
    if name not in Retention.model_fields:
        raise Invalid(
            f"There is no retention of '{name}'. All: {', '.join(Retention.model_fields)}.",
            f"Eine Aufbewahrung von '{name}' gibt es nicht. Alle: "
            f"{', '.join(Retention.model_fields)}.",
        )
    own = repository.own_days(connection, tenant_id)
    wanted = {key: one for key, one in own.items() if key != name}
    try:
        DEFAULTS.with_those_of(wanted if usual else {**wanted, name: days})
    except ValidationError as error:
        said = field_sentence(error.errors()[0])
        raise Invalid(f"'{name}': {said.english}.", f"'{name}': {said.german}.") from None
    if usual:
        repository.remove_days(connection, tenant_id, name)
    else:
        repository.set_days(connection, tenant_id, name, days)
