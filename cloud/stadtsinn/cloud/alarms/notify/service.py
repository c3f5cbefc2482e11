"""Changes recipients, and takes delivery reports."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, or_

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.problems import Conflict, Invalid, NotFound, Unavailable
from stadtsinn.cloud.alarms.notify import outbox, repository
from stadtsinn.cloud.alarms.notify.schemas import NewRecipient
from stadtsinn.cloud.alarms.notify.senders.open import token_digest
from stadtsinn.cloud.alarms.notify.senders.provider import Reports, pick
from stadtsinn.cloud.alarms.notify.tables import outbox as messages
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.town_file.model import RecipientSpec


def create_recipient(connection: Connection, scope: Scope, body: NewRecipient) -> None:
    """Raises Conflict when the slug is taken."""
    try:
        repository.recipient(connection, scope, body.slug)
    except NotFound:
        repository.insert_recipient(connection, scope, body.model_dump())
    else:
        raise Conflict(f"There is already a recipient '{body.slug}'. Change it with PUT.")


def replace_recipient(connection: Connection, scope: Scope, body: NewRecipient) -> None:
    """Raises NotFound."""
    repository.recipient(connection, scope, body.slug)
    repository.update_recipient(connection, scope, body.model_dump())


def delete_recipient(connection: Connection, scope: Scope, slug: str) -> None:
    """Raises NotFound. What is still waiting for this recipient is not sent any more."""
    known = repository.recipient(connection, scope, slug)
    repository.delete_recipient(connection, scope, known)


def apply_recipients(
    connection: Connection, scope: Scope, specs: Sequence[RecipientSpec]
) -> list[tuple[str, str]]:
    """Bring recipients to what a town file says.

    Returns what changed as (``created`` or ``changed``, what). Raises Invalid, without the
    number, for one that cannot be.
    """
    changes = []
    for spec in specs:
        body = _checked(spec)
        try:
            known = repository.recipient(connection, scope, body.slug)
        except NotFound:
            repository.insert_recipient(connection, scope, body.model_dump())
            changes.append(("created", f"recipient {body.slug}"))
            continue
        present = {"name": known.name, "channel": known.channel, "address": known.address}
        if present != body.model_dump(exclude={"slug"}):
            repository.update_recipient(connection, scope, body.model_dump())
            changes.append(("changed", f"recipient {body.slug}"))
    return changes


def _checked(spec: RecipientSpec) -> NewRecipient:
    try:
        return NewRecipient.model_validate(msgspec.structs.asdict(spec))
    except ValidationError as error:
        # The messages, not the error itself: it would quote the number.
        wrong = "; ".join(f"{item['loc'][0]}: {item['msg']}" for item in error.errors())
        raise Invalid(f"recipient {spec.slug}: {wrong}") from None


def take_report(
    connection: Connection, provider: str, token: str, fields: Mapping[str, str], body: bytes
) -> None:
    """Apply a provider's delivery report.

    `token` is the message's own, or the configured one for all messages where the report
    itself names the message. Raises NotFound for every token that fits no message, whatever
    the reason: who guesses learns nothing. A provider that proves itself but names a message
    not known (yet: the report can be quicker than our commit) gets Unavailable and tries again.
    """
    known = repository.report_format(connection, provider)
    if known is None:
        raise _no_such_message()
    reports = msgspec.json.decode(known[0], type=Reports)
    document = _document(fields, body)
    for_all = known[1] is not None and hmac.compare_digest(token_digest(token), known[1])
    where = _named(reports, document) if for_all else messages.c.report_token == token
    status = reports.status_of(pick(document, reports.status_path) or "")
    if status is None:
        return  # an intermediate state we have no use for
    if not outbox.report(connection, where, status):
        if for_all:
            raise Unavailable("This message is not known yet. Report it again later.")
        raise _no_such_message()
    crash_point("notify.reported")


def _named(reports: Reports, document: Any) -> ColumnElement[bool]:
    """The message that the report itself names."""
    name = pick(document, reports.id_path) if reports.id_path else None
    if name is None:
        raise Invalid(f"The report names no message at '{reports.id_path}'.")
    return or_(messages.c.provider_id == name, messages.c.uuid == name)


def _document(fields: Mapping[str, str], body: bytes) -> Any:
    """Query and form fields, or the JSON body."""
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            return msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Invalid("The report's body is no JSON.") from None
    return dict(fields)


def _no_such_message() -> NotFound:
    return NotFound("There is no message for this report.")
