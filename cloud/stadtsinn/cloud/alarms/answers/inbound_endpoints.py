"""Where providers bring what people wrote to us."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from stadtsinn.base.instant import Instant
from stadtsinn.base.problems import Invalid, NotFound
from stadtsinn.cloud.alarms.answers.inbound import Inbound
from stadtsinn.cloud.alarms.answers.meaning import LONGEST
from stadtsinn.cloud.alarms.answers.service import take
from stadtsinn.cloud.alarms.notify.endpoints import (
    ProviderInPath,
    TokenInPath,
    posted,
    query_of,
)
from stadtsinn.cloud.alarms.notify.senders import repository
from stadtsinn.cloud.alarms.notify.senders.provider import Answers, pick
from stadtsinn.cloud.alarms.notify.service import document_of, is_for_all
from stadtsinn.cloud.platform.access.dependencies import Services, ServicesDep
from stadtsinn.cloud.platform.database.engine import Database

inbound_router = APIRouter()
"""For providers, who have no key: the token in the address takes its place."""

_LONGEST_ID = 200


@inbound_router.get(
    "/notify/inbound/{provider}/{token}",
    tags=["delivery reports"],
    status_code=204,
    summary="Take an answer by SMS · SMS-Antwort annehmen",
)
def take_inbound(
    services: ServicesDep, provider: ProviderInPath, token: TokenInPath, request: Request
) -> None:
    """For SMS providers, without a key: the configured token proves who it is."""
    _take(services, _answers(services.database, provider, token), query_of(request))


@inbound_router.post(
    "/notify/inbound/{provider}/{token}",
    tags=["delivery reports"],
    status_code=204,
    summary="Take an answer by SMS · SMS-Antwort annehmen",
)
async def take_posted_inbound(
    services: ServicesDep, provider: ProviderInPath, token: TokenInPath, request: Request
) -> None:
    """The same, as a form or as JSON."""
    answers = await run_in_threadpool(_answers, services.database, provider, token)
    fields, body = await posted(request)
    await run_in_threadpool(_take, services, answers, document_of(fields, body))


def _answers(database: Database, provider: str, token: str) -> Answers:
    """Raises NotFound for a wrong token, before a body is read."""
    with database.read() as connection:
        known = repository.report_format(connection, provider)
    if known is None or known.answers is None or not is_for_all(known, token):
        raise NotFound(
            "There is nothing here for this token.",
            "Für dieses Kennwort gibt es hier nichts.",
        )
    return known.answers


def _take(services: Services, answers: Answers, document: Any) -> None:
    now = services.clock.now()
    take(services.database, inbound_of(answers, document, now), now)


def inbound_of(answers: Answers, document: Any, now: Instant) -> Inbound:
    """Raises Invalid where the request is another one than the provider was described with."""
    sender, text = pick(document, answers.from_path), pick(document, answers.text_path)
    if sender is None or text is None:
        missing = answers.from_path if sender is None else answers.text_path
        raise Invalid(
            f"The request has nothing at '{missing}'.",
            f"Die Anfrage hat an der Stelle '{missing}' nichts.",
        )
    name = (pick(document, answers.id_path) if answers.id_path else None) or ""
    return Inbound(sender[:_LONGEST_ID], text[: LONGEST + 1], now, name[:_LONGEST_ID])
