"""For every request: an id, a log line, a size limit, security headers, no traceback in answers."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import MutableMapping
from traceback import format_exception
from typing import Any

import structlog
from fastapi.responses import Response
from prometheus_client import Histogram
from sqlalchemy.exc import StatementError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stadtsinn.cloud.platform.api.errors import problem_response

log = structlog.get_logger()

API_PREFIX = "/api/v1"

MAX_BODY = 1024 * 1024
"""Bytes of a request's body at most."""

_TOO_LARGE = f"A request may have {MAX_BODY} bytes at most. Send it in several parts."

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_REQUESTS = Histogram(
    "stadtsinn_http_request_seconds",
    "Requests to the API by route and status.",
    ["method", "route", "status"],
)
_GONE = 499
"""In log and metrics: the caller left before its request was complete."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class RequestMiddleware:
    """The outermost middleware: it handles every exception of an endpoint."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _id_of(Headers(scope=scope))
        scope["stadtsinn_request_id"] = request_id
        exchange = _Exchange(scope, receive, send, request_id)
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await exchange.run(self._app)


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._request_id = request_id
        self._status = 0
        self._received = 0

    async def run(self, app: ASGIApp) -> None:
        started = time.perf_counter()
        try:
            if refused := self._refusal():
                await self._answer(refused)
            else:
                await app(self._scope, self.receive, self.send)
        except ClientDisconnect:
            self._status = _GONE
        except Exception as error:
            _log_failure(error)
            await self._answer(
                problem_response(
                    self._request_id,
                    500,
                    "Internal error",
                    "Something went wrong here. Report it with this request_id.",
                )
            )
        finally:
            self._note(time.perf_counter() - started)

    async def receive(self) -> Message:
        message = await self._receive()
        self._received += len(message.get("body", b""))
        if self._received > MAX_BODY:
            raise HTTPException(413, _TOO_LARGE)  # any other kind ends in FastAPI's 400
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            _add_headers(message, self._request_id)
        await self._send(message)

    def _refusal(self) -> Response | None:
        """Refuse requests that no endpoint should get."""
        if _is_too_large(Headers(scope=self._scope).get("content-length", "0")):
            return self._too_large()
        # No name contains NUL, and PostgreSQL refuses it with an error.
        if "\x00" in self._scope["path"] or b"%00" in self._scope["query_string"]:
            return problem_response(
                self._request_id, 400, "Bad request", "The address holds a NUL character."
            )
        # Where a slash is too many the caller is led on, by an address that has to be UTF-8. The
        # provider of a delivery report may write its query as it likes.
        if self._scope["path"].endswith("/") and not _is_utf8(self._scope["query_string"]):
            return problem_response(
                self._request_id, 400, "Bad request", "The address is not UTF-8: escape it with %."
            )
        return None

    def _too_large(self) -> Response:
        return problem_response(
            self._request_id,
            413,
            "Too large",
            _TOO_LARGE,
        )

    async def _answer(self, response: Response) -> None:
        if self._status == 0:  # otherwise the answer has begun and can only be cut off
            await response(self._scope, self._receive, self.send)

    def _note(self, seconds: float) -> None:
        """One line per request. The route, not the path: a path may hold a token.

        Who called is named by the key's number, never by the key.
        """
        route = _route_of(self._scope)
        method = self._scope["method"] if self._scope["method"] in _METHODS else "other"
        observe(method, route, self._status, seconds)
        caller = self._scope.get("state", {}).get("caller")
        log.info(
            "request",
            tenant=caller.tenant_id if caller else None,
            key_id=caller.key_id if caller else None,
            method=method,
            route=route,
            status=self._status,
            milliseconds=round(seconds * 1_000, 1),
        )


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_too_large(length: str) -> bool:
    """By what a request says of itself; a header is any text, and `int` takes no long one."""
    digits = length.lstrip("0")
    if not (digits.isascii() and digits.isdigit()):
        return False
    return len(digits) > len(str(MAX_BODY)) or int(digits) > MAX_BODY


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request in the metrics."""
    _REQUESTS.labels(method, route, str(status)).observe(seconds)


def _log_failure(error: BaseException) -> None:
    """The traceback as text, without values: a logger that prints variables would print the
    caller's token, and SQLAlchemy would print the parameters of its statement."""
    if isinstance(error, StatementError):
        error.hide_parameters = True
    log.error("request_failed", traceback="".join(format_exception(error)))


def _id_of(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _route_of(scope: Scope) -> str:
    """The route's template, e.g. ``/api/v1/devices/{dev_eui}``; "unknown" where none matched."""
    template = str(getattr(scope.get("route"), "path", "unknown"))
    below_api = scope["path"].startswith(API_PREFIX) and template.startswith("/")
    return template if template.startswith(API_PREFIX) or not below_api else API_PREFIX + template


SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
"""In every answer."""


def _add_headers(message: MutableMapping[str, Any], request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-ID"] = request_id
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    # What an endpoint does not declare cacheable may be for its caller only.
    headers.setdefault("Cache-Control", "no-store")
    if headers.get("content-type", "").startswith("text/html"):
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
