"""Errors of the API as RFC 9457 problem documents (``application/problem+json``)."""

from __future__ import annotations

from typing import ClassVar

from stadtsinn.base.sentence import Explained


class Problem(Explained):
    """An error with an HTTP status. `detail` says what the caller can do about it: in English, as
    all of the API."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    @property
    def detail(self) -> str:
        return self.sentence.english


class Unauthenticated(Problem):
    status = 401
    title = "Unauthenticated"


class Forbidden(Problem):
    status = 403
    title = "Not allowed"


class NotFound(Problem):
    """Also the answer for what another tenant owns, so that its existence stays hidden."""

    status = 404
    title = "Not found"


class Conflict(Problem):
    status = 409
    title = "Conflict"


class Invalid(Problem):
    status = 422
    title = "Invalid request"


class TooMany(Problem):
    """The caller asks for too much at once; the same call works when it has less under way."""

    status = 429
    title = "Too many requests"


class Unavailable(Problem):
    """Something behind the API is away for the moment; the same call may work soon."""

    status = 503
    title = "Temporarily unavailable"
