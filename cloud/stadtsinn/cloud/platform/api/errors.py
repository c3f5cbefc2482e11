"""Turns every error into a problem document (RFC 9457) that says what the caller can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException

from stadtsinn.base.foreign_text import visible
from stadtsinn.base.problems import Problem, Unavailable
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.platform.database.failure import kind_of
from stadtsinn.cloud.platform.database.sqlite_file import DatabaseDamaged

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = "5"


class FieldError(BaseModel):
    """One thing wrong with a request."""

    where: str = Field(examples=["body.interval_s"])
    message: str = Field(examples=["Input should be greater than or equal to 1"])


class ProblemDocument(BaseModel):
    """An error, as every endpoint answers it (RFC 9457). Ein Fehler."""

    type: str = "about:blank"
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no zone 'wochenmarkt'."])
    request_id: str = Field(default="", description="Name it when you report the error.")
    errors: list[FieldError] = Field(default=[], description="Only for invalid requests.")


def problem_response(
    request_id: str,
    status: int,
    title: str,
    detail: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for an error."""
    document = ProblemDocument(
        title=title,
        status=status,
        detail=visible(detail, lines=True),
        request_id=request_id,
        errors=list(errors),
    )
    body = document.model_dump(exclude=None if errors else {"errors"})
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def install_error_handlers(app: FastAPI, away: Mapping[type[Exception], Sentence]) -> None:
    """Add the handlers. Exceptions without one become a 500 in the middleware.

    `away` are errors of stores that do not answer, with what the caller reads.
    """
    for error, detail in away.items():
        app.add_exception_handler(error, partial(_on_store_away, detail))
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(UnicodeEncodeError, _on_half_a_character)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(OperationalError, _on_database_unavailable)
    app.add_exception_handler(InterfaceError, _on_database_unavailable)
    app.add_exception_handler(DatabaseDamaged, _on_database_unavailable)


def _request_id(request: Request) -> str:
    return str(request.scope.get("stadtsinn_request_id", ""))


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    headers = {}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="stadtsinn"'
    if error.status in {429, 503}:
        headers["Retry-After"] = _RETRY_AFTER_S
    return problem_response(
        _request_id(request), error.status, error.title, error.detail, headers=headers
    )


def _on_invalid_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # The input is not repeated: it may be a phone number or a part of a token.
    errors = [_field_error(item) for item in error.errors()]
    detail = "; ".join(f"{item.where}: {item.message}" for item in errors)
    return problem_response(
        _request_id(request), 422, "Invalid request", detail[:1_000], errors=errors
    )


def _on_half_a_character(request: Request, _error: Exception) -> Response:
    # Wherever it fails first: in a validator's error text, or on its way to the database.
    return problem_response(
        _request_id(request),
        422,
        "Invalid request",
        "A text holds half of a surrogate pair, which is no character. Send whole characters.",
    )


def _field_error(item: Mapping[str, Any]) -> FieldError:
    where = ".".join(str(part) for part in item["loc"])
    # A misspelt key is the caller's own text; only its first characters are needed to find it.
    return FieldError(where=visible(where[:100]), message=visible(str(item["msg"])))


def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in {204, 304}:
        return Response(status_code=error.status_code, headers=error.headers)
    detail = str(error.detail)
    if error.status_code == 404 and detail == "Not Found":
        detail = "Nothing is at this address. All addresses: /api/v1/docs."
    if error.status_code == 405:
        detail = "This address does not know that method. All addresses: /api/v1/docs."
    title = {404: "Not found", 405: "Method not allowed", 413: "Too large"}.get(
        error.status_code, "Error"
    )
    return problem_response(
        _request_id(request), error.status_code, title, detail, headers=error.headers
    )


def _on_store_away(detail: Sentence, request: Request, error: Exception) -> Response:
    log.warning("store_unavailable", kind=type(error).__name__, error=str(error))
    return _on_problem(request, Unavailable.of(detail))


def _on_database_unavailable(request: Request, error: Exception) -> Response:
    log.error("database_unavailable", error=kind_of(error))
    away = Unavailable(
        "The database does not answer. Try again in a moment.",
        "Die Datenbank antwortet nicht. Gleich noch einmal versuchen.",
    )
    return _on_problem(request, away)
