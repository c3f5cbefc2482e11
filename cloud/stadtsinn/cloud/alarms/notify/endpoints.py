"""Recipients, messages, delivery reports, and the sandbox phone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from itertools import groupby
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Row
from starlette.concurrency import run_in_threadpool

from stadtsinn.base.berlin import date_and_time, isoformat, write_time
from stadtsinn.base.problems import Invalid, NotFound
from stadtsinn.cloud.alarms.notify import repository, service
from stadtsinn.cloud.alarms.notify.message import masked
from stadtsinn.cloud.alarms.notify.outbox_repository import text_of
from stadtsinn.cloud.alarms.notify.recipient import Recipient, RecipientBody
from stadtsinn.cloud.alarms.notify.schemas import MessageView, RecipientView, WayView
from stadtsinn.cloud.alarms.notify.senders.repository import (
    PhoneMessage,
    phone_messages,
    phone_owner,
)
from stadtsinn.cloud.platform.access.dependencies import EditorDep, ReaderDep, ServicesDep
from stadtsinn.cloud.platform.api.pages import Page, PageDep, page_of
from stadtsinn.cloud.platform.api.path_parameters import SlugInPath
from stadtsinn.cloud.platform.api.templates import templates_of
from stadtsinn.cloud.platform.database.engine import Database
from stadtsinn.cloud.town.changing import changing

router = APIRouter()
"""Endpoints that need an API key."""
report_router = APIRouter()
"""For providers, who have no key: the token in the address takes its place."""
page_router = APIRouter()
"""A page for everybody, in a demo."""


# --- recipients ------------------------------------------------------------------------


def _view(known: Recipient) -> RecipientView:
    return RecipientView(
        slug=known.slug,
        name=known.name,
        channel=known.channel,
        address=masked(known.address),
        language=known.language,
        channels=tuple(
            WayView(channel=one.channel, address=masked(one.address)) for one in known.channels
        ),
    )


@router.get("/recipients", tags=["recipients"], summary="List recipients · Empfänger auflisten")
def list_recipients(scope: ReaderDep, services: ServicesDep, page: PageDep) -> Page[RecipientView]:
    """Addresses are masked for everybody: they can be written, never read."""
    with services.database.read() as connection:
        rows = repository.recipients_page(connection, scope, page.after_text, page.fetch)
    return page_of(rows, page, lambda row: row.slug, _view)


@router.post(
    "/recipients",
    tags=["recipients"],
    status_code=201,
    summary="Create a recipient · Empfänger anlegen",
)
def create_recipient(scope: EditorDep, services: ServicesDep, body: Recipient) -> RecipientView:
    with changing(services, scope) as connection:
        service.create_recipient(connection, scope, body)
        return _view(repository.recipient(connection, scope, body.slug))


@router.get(
    "/recipients/{recipient}", tags=["recipients"], summary="Read a recipient · Empfänger lesen"
)
def read_recipient(scope: ReaderDep, services: ServicesDep, recipient: SlugInPath) -> RecipientView:
    with services.database.read() as connection:
        return _view(repository.recipient(connection, scope, recipient))


@router.put(
    "/recipients/{recipient}", tags=["recipients"], summary="Replace a recipient · Empfänger ändern"
)
def replace_recipient(
    scope: EditorDep, services: ServicesDep, recipient: SlugInPath, body: RecipientBody
) -> RecipientView:
    wanted = Recipient(slug=recipient, **dict(body))
    with changing(services, scope) as connection:
        service.replace_recipient(connection, scope, wanted)
        return _view(repository.recipient(connection, scope, recipient))


@router.delete(
    "/recipients/{recipient}",
    tags=["recipients"],
    status_code=204,
    summary="Delete a recipient · Empfänger löschen",
)
def delete_recipient(scope: EditorDep, services: ServicesDep, recipient: SlugInPath) -> None:
    with services.database.read() as connection:
        service.require_free(connection, scope, recipient)
    services.database.in_slices(
        lambda connection: service.give_up_waiting(connection, scope, recipient)
    )
    with changing(services, scope) as connection:
        service.delete_recipient(connection, scope, recipient)


# --- messages --------------------------------------------------------------------------


def _message(row: Row[Any]) -> MessageView:
    return MessageView(
        id=row.id,
        created_at=isoformat(row.created_at),
        event_time=isoformat(row.event_time),
        sent_at=write_time(row.sent_at),
        kind=row.kind,
        incident_id=row.incident_id,
        recipient=row.recipient or "",
        address=masked(row.address),
        text=text_of(row),
        status=row.status,
        attempts=row.attempts,
        reason=row.reason,
    )


@router.get(
    "/messages", tags=["messages"], summary="List messages, newest first · Nachrichten auflisten"
)
def list_messages(
    scope: ReaderDep,
    services: ServicesDep,
    page: PageDep,
    incident: Annotated[
        str | None, Query(max_length=42, description="Only of one incident.")
    ] = None,
) -> Page[MessageView]:
    with services.database.read() as connection:
        rows = repository.messages_page(
            connection, scope, page.after_number, page.fetch, incident_id=incident
        )
    return page_of(rows, page, lambda row: int(row.id), _message)


# --- delivery reports ------------------------------------------------------------------

_FIELDS = 100
"""Of a report's form or query at most: providers send about ten."""
ProviderInPath = Annotated[str, Path(pattern=r"^[a-z]{1,32}$", examples=["kannel"])]
TokenInPath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{16,128}$")]


@report_router.get(
    "/notify/delivery-reports/{provider}/{token}",
    tags=["delivery reports"],
    status_code=204,
    summary="Take a delivery report · Zustellbericht annehmen",
)
def take_report(
    services: ServicesDep, provider: ProviderInPath, token: TokenInPath, request: Request
) -> None:
    """For SMS providers, without a key: the unguessable token names the message."""
    _require_token(services.database, provider, token)
    _take(services.database, provider, token, query_of(request), b"")


@report_router.post(
    "/notify/delivery-reports/{provider}/{token}",
    tags=["delivery reports"],
    status_code=204,
    summary="Take a delivery report · Zustellbericht annehmen",
)
async def take_posted_report(
    services: ServicesDep, provider: ProviderInPath, token: TokenInPath, request: Request
) -> None:
    """The same report, sent as a form or as JSON."""
    await run_in_threadpool(_require_token, services.database, provider, token)
    fields, body = await posted(request)
    await run_in_threadpool(_take, services.database, provider, token, fields, body)


def _take(
    database: Database, provider: str, token: str, fields: Mapping[str, str], body: bytes
) -> None:
    with database.write() as connection:
        service.take_report(connection, provider, token, fields, body)


def _require_token(database: Database, provider: str, token: str) -> None:
    with database.read() as connection:
        service.require_token(connection, provider, token)


async def posted(request: Request) -> tuple[dict[str, str], bytes]:
    """The fields of query and form, and the body, which may be JSON instead."""
    body = await request.body()
    return {**query_of(request), **_fields(body.decode("utf-8", "replace"))}, body


def query_of(request: Request) -> dict[str, str]:
    return _fields(request.scope["query_string"].decode("latin-1"))


def _fields(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError:
        raise Invalid(
            f"A delivery report may have {_FIELDS} fields at most.",
            f"Ein Zustellbericht darf höchstens {_FIELDS} Felder haben.",
        ) from None


# --- sandbox phone ---------------------------------------------------------------------

_pages = templates_of("stadtsinn.cloud.alarms.notify")
_style = (files("stadtsinn.cloud.alarms.notify") / "templates" / "phone.css").read_text(
    encoding="utf-8"
)
_style_hash = base64.b64encode(hashlib.sha256(_style.encode()).digest()).decode()
_CSP = (
    f"default-src 'none'; style-src 'sha256-{_style_hash}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_SHOWN = 100


@page_router.get(
    "/sandbox-phone",
    tags=["sandbox"],
    response_class=HTMLResponse,
    summary="Messages of the sandbox as a phone shows them · Test-Telefon",
)
def sandbox_phone(
    services: ServicesDep,
    lang: Annotated[Literal["de", "en"], Query()] = "de",
    paused: Annotated[bool, Query(description="Do not reload.")] = False,
) -> Response:
    """Exists only in a demo, and shows the messages of the demo's town alone."""
    with services.database.read() as connection:
        tenant = phone_owner(connection)
        if tenant is None:
            raise NotFound(
                "There is no sandbox phone: it belongs to 'stadtsinn demo'.",
                "Es gibt kein Probetelefon: es gehört zu 'stadtsinn demo'.",
            )
        messages = phone_messages(connection, tenant, _SHOWN)
    page = _pages.get_template("phone.html").render(
        style=_style, lang=lang, paused=paused, phones=_phones(messages)
    )
    return HTMLResponse(page, headers={"Content-Security-Policy": _CSP})


def _phones(messages: list[PhoneMessage]) -> list[dict[str, Any]]:
    """One phone per number, the one with the newest message first."""
    order = list(dict.fromkeys(message.address for message in messages))
    ordered = sorted(messages, key=lambda message: order.index(message.address))
    phones = []
    for address, group in groupby(ordered, key=lambda message: message.address):
        texts = list(group)
        phones.append(
            {
                "name": next((text.name for text in texts if text.name), ""),
                "number": masked(address),
                "messages": [
                    {
                        "text": text.text,
                        "at": date_and_time(text.received_at),
                        "iso": isoformat(text.received_at),
                    }
                    for text in texts
                ],
            }
        )
    return phones
