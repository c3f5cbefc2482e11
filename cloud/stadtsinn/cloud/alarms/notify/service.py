"""Changes recipients, and takes delivery reports."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from stadtsinn.base.crash_points import crash_point
from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.problems import Conflict, Invalid, NotFound, Unavailable
from stadtsinn.cloud.alarms.duty.repository import group_ids, groups_of_member
from stadtsinn.cloud.alarms.notify import outbox_repository, report_repository, repository
from stadtsinn.cloud.alarms.notify.recipient import Recipient
from stadtsinn.cloud.alarms.notify.senders import repository as sender_repository
from stadtsinn.cloud.alarms.notify.senders.provider import ReportFormat, pick, token_digest
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.platform.access.scope import Scope
from stadtsinn.cloud.platform.limits.service import require_room


def create_recipient(connection: Connection, scope: Scope, wanted: Recipient) -> None:
    """Raises Conflict when the slug is taken."""
    try:
        repository.recipient(connection, scope, wanted.slug)
    except NotFound:
        _insert(connection, scope, wanted)
    else:
        raise Conflict(
            f"There is already a recipient '{wanted.slug}'. Change it with PUT.",
            f"Es gibt schon einen Empfänger '{wanted.slug}'. Ihn mit PUT ändern.",
        )


def _insert(connection: Connection, scope: Scope, wanted: Recipient) -> None:
    if group_ids(connection, scope, [wanted.slug]):
        raise Conflict(
            f"There is a duty group '{wanted.slug}': rules name groups and recipients alike, so "
            "give the recipient another name.",
            f"Es gibt eine Bereitschaft '{wanted.slug}': Regeln nennen Bereitschaften und "
            "Empfänger gleichermaßen, also dem Empfänger einen anderen Namen geben.",
        )
    require_room(connection, scope, "recipients", recipients)
    repository.insert_recipient(connection, scope, wanted)


def replace_recipient(connection: Connection, scope: Scope, wanted: Recipient) -> None:
    """Raises NotFound."""
    repository.recipient(connection, scope, wanted.slug)
    repository.update_recipient(connection, scope, wanted)


def require_free(connection: Connection, scope: Scope, slug: str) -> None:
    """Raises Conflict naming the duty groups that would be without this recipient."""
    if groups := groups_of_member(connection, scope, slug):
        raise Conflict(
            f"'{slug}' is a member or stand-in in {', '.join(groups)}: take the recipient out of "
            "the duty group first, else shifts would be without anybody.",
            f"'{slug}' ist Mitglied oder Vertretung in {', '.join(groups)}: den Empfänger erst "
            "aus der Bereitschaft herausnehmen, sonst hätten Schichten niemanden.",
        )


def give_up_waiting(connection: Connection, scope: Scope, slug: str) -> bool:
    """Before a recipient is deleted: what waits for it is not sent any more, a part of it; True:
    there may be more. Raises NotFound."""
    done = repository.give_up_waiting(connection, scope, slug, outbox_repository.AT_ONCE)
    return done == outbox_repository.AT_ONCE


def delete_recipient(connection: Connection, scope: Scope, slug: str) -> None:
    """Raises NotFound, and Conflict while a duty group counts on the recipient. What is left that
    waits for this recipient is not sent any more."""
    require_free(connection, scope, slug)
    give_up_waiting(connection, scope, slug)
    repository.delete_recipient(connection, scope, slug)


def apply_recipients(
    connection: Connection, scope: Scope, wanted: Sequence[Recipient]
) -> list[tuple[str, str]]:
    """Bring recipients to what a town file says; those that it does not name stay.

    Returns what changed as (``created`` or ``changed``, what).
    """
    changes = []
    for one in wanted:
        try:
            present = repository.recipient(connection, scope, one.slug)
        except NotFound:
            _insert(connection, scope, one)
            changes.append(("created", f"recipient {one.slug}"))
            continue
        if dict(present) != dict(one):
            repository.update_recipient(connection, scope, one)
            changes.append(("changed", f"recipient {one.slug}"))
    return changes


_LONGEST_NAME = 200
"""Of a message, as its provider calls it."""


def require_token(connection: Connection, provider: str, token: str) -> None:
    """Whether a report with this token is worth reading; raises NotFound. Only reads: who guesses
    tokens costs neither the write lock nor the reading of a body."""
    known = sender_repository.report_format(connection, provider)
    if known is None or not (
        is_for_all(known, token) or report_repository.has_token(connection, token)
    ):
        raise _no_such_message()


def is_for_all(known: ReportFormat, token: str) -> bool:
    digest = known.token_digest
    return digest is not None and hmac.compare_digest(token_digest(token), digest)


def take_report(
    connection: Connection, provider: str, token: str, fields: Mapping[str, str], body: bytes
) -> None:
    """Apply a provider's delivery report.

    `token` is the message's own, or the configured one for all messages where the report
    itself names the message. Raises NotFound for every token that fits no message, whatever
    the reason: who guesses learns nothing. A provider that proves itself but names a message
    not known (yet: the report can be quicker than our commit) gets Unavailable and tries again.
    """
    known = sender_repository.report_format(connection, provider)
    if known is None:
        raise _no_such_message()
    reports, document = known.reports, document_of(fields, body)
    name = _name(reports.id_path, document) if is_for_all(known, token) else None
    status = reports.status_of(pick(document, reports.status_path) or "")
    if status is None:
        return  # an intermediate state that changes nothing
    if name is None:
        if not report_repository.report_by_token(connection, token, status):
            raise _no_such_message()
    elif not report_repository.report_by_name(connection, name, status):
        raise Unavailable(
            "This message is not known yet. Report it again later.",
            "Diese Nachricht ist noch nicht bekannt. Später noch einmal melden.",
        )
    crash_point("notify.reported")


def _name(path: str, document: Any) -> str:
    """Of the message, as the report itself gives it."""
    name = pick(document, path) if path else None
    if name is None:
        raise Invalid(
            f"The report names no message at '{path}'.",
            f"Der Bericht nennt an der Stelle '{path}' keine Nachricht.",
        )
    if len(name) > _LONGEST_NAME or not name.isprintable():  # NUL, which PostgreSQL refuses
        raise Invalid(
            f"What the report has at '{path}' is no message's name.",
            f"Was der Bericht an der Stelle '{path}' hat, ist kein Name einer Nachricht.",
        )
    return name


def document_of(fields: Mapping[str, str], body: bytes) -> Any:
    """Query and form fields, or the JSON body."""
    if body.lstrip()[:1] in (b"{", b"["):
        try:
            return msgspec.json.decode(body)
        except (*UNREADABLE, ValueError):
            # Also what is nested deeper, or has longer numbers, than any report.
            raise Invalid(
                "The report's body is no JSON that we can read.",
                "Der Bericht ist kein lesbares JSON.",
            ) from None
    return dict(fields)


def _no_such_message() -> NotFound:
    return NotFound(
        "There is no message for this report.",
        "Zu diesem Bericht gibt es keine Nachricht.",
    )
