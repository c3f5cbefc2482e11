"""Talking to an InfluxDB: writing by its client, asking by InfluxQL, errors sorted by remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.write_precision import WritePrecision
from urllib3.exceptions import HTTPError

from stadtsinn.base.foreign_documents import UNREADABLE
from stadtsinn.base.instant import Instant, from_datetime
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.series.stores.store import SeriesRejected, SeriesUnavailable

_TIMEOUT_S = 60
_NO_ORGANISATION = "-"
_REFUSED = frozenset({400, 413, 422})
_DROPPED = re.compile(r"dropped[= ](\d+)")
_BOUND = re.compile(r"violates an? (.+?) Bound")


class DatabaseMissing(Exception):
    """The bucket is not there (yet, or not any more)."""


class PartlyRejected(SeriesRejected):
    """The server left out `dropped` points and stored the rest: nothing is to be sent again.

    `expired`: it left out only what its retention would delete at once, which is no loss.
    """

    def __init__(self, message: str, dropped: int) -> None:
        said = _short(message)
        super().__init__(said, f"InfluxDB hat Werte ausgelassen: {said}")
        self.dropped = dropped
        self.expired = _only_expired(message)


class Series(msgspec.Struct, frozen=True):
    """A table of a query's answer: one for each combination of tags asked for."""

    columns: list[str]
    name: str = ""
    tags: dict[str, str] = {}
    values: list[list[Any]] = []
    partial: bool = False


class _Result(msgspec.Struct, frozen=True):
    series: list[Series] = []
    error: str = ""


class _Answer(msgspec.Struct, frozen=True):
    results: list[_Result] = []
    error: str = ""


class _Said(msgspec.Struct, frozen=True):
    message: str = ""
    error: str = ""


class InfluxServer:
    """One server. The token is kept out of every message.

    Every call raises SeriesUnavailable while the server does not answer, is overloaded or
    refuses the token, SeriesRejected when it refuses what was sent, DatabaseMissing.
    """

    def __init__(self, url: str, token: str | None, org: str | None) -> None:
        self.url = url
        # Any: the client's types are incomplete.
        self.client: Any = InfluxDBClient(
            url=url, token=token or "", org=org or _NO_ORGANISATION, timeout=_TIMEOUT_S * 1000
        )
        self.org = org or _NO_ORGANISATION
        self._writing: Any = self.client.write_api(write_options=SYNCHRONOUS)
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S)

    def write(self, bucket: str, lines: Sequence[str]) -> None:
        """Lines with times in microseconds."""
        body = "\n".join(lines).encode()
        with self.errors_sorted():
            self._writing.write(bucket=bucket, record=body, write_precision=WritePrecision.US)

    def query(self, statements: str, database: str | None = None) -> list[list[Series]]:
        """Tables for each statement; times are in microseconds."""
        form = {"q": statements, "epoch": "u"} | ({"db": database} if database else {})
        with self.errors_sorted():
            response = self._http.post("/query", data=form)
            if response.status_code >= 500 or response.status_code in (401, 403, 429):
                raise self._unavailable(response.status_code, response.text)
            try:
                answer = msgspec.json.decode(response.content, type=_Answer)
            except UNREADABLE:
                raise self._unavailable(response.status_code, response.text) from None
        for error in (answer.error, *(result.error for result in answer.results)):
            if error:
                raise _query_error(error)
        return [result.series for result in answer.results]

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Any other call; the caller judges the answer's status, unless it is 5xx."""
        with self.errors_sorted():
            response = self._http.request(method, path, **arguments)
            if response.status_code >= 500 or response.status_code in (401, 403, 429):
                raise self._unavailable(response.status_code, response.text)
            return response

    def knows(self, path: str, **parameters: str) -> bool:
        """Whether the server has this path; a page for people is none."""
        answer = self.request("GET", path, params=parameters)
        page = answer.headers.get("content-type", "").startswith("text/html")
        return answer.status_code not in (404, 405) and not page

    def may_write(self, target: str) -> bool:
        """Whether the token may write there: servers look at that before they look at what is
        written, which is nothing. Raises DatabaseMissing."""
        path = "/api/v2/write"
        with self.errors_sorted():
            answer = self._http.post(path, params={"bucket": target, "org": self.org}, content=b"")
        if answer.status_code == 404:
            raise self._missing(_said(answer.text))
        if answer.status_code >= 500:
            raise self._unavailable(answer.status_code, answer.text)
        return answer.status_code not in (401, 403)

    def time(self) -> Instant | None:
        """The server's clock, by the header of an answer."""
        with self.errors_sorted():
            said = self._http.get("/ping").headers.get("date")
        return from_datetime(parsedate_to_datetime(said)) if said else None

    def close(self) -> None:
        self._writing.close()
        self.client.close()
        self._http.close()

    @contextmanager
    def errors_sorted(self) -> Iterator[None]:
        """Around a call of the client: its errors become ours."""
        try:
            yield
        except InfluxDBError as error:
            raise self._sorted(error) from None
        except (httpx.HTTPError, HTTPError, OSError) as error:
            raise SeriesUnavailable(
                f"InfluxDB at {self.url} does not answer ({type(error).__name__}): "
                "check that it runs and that the address is right",
                f"InfluxDB unter {self.url} antwortet nicht ({type(error).__name__}): prüfen, ob "
                "sie läuft und die Adresse stimmt",
            ) from None

    def _sorted(self, error: InfluxDBError) -> Exception:
        status = getattr(error.response, "status", None) or getattr(error, "status", None) or 0
        message = error.message or str(getattr(error, "reason", ""))
        if status == 404 and "not found" in message:
            return self._missing(message)
        # Whatever the status: 1.8 says 400, 2.x 422, and 2.0 said 500.
        if "partial write" in message and (found := _DROPPED.search(message)):
            return PartlyRejected(message, int(found.group(1)))
        if status in _REFUSED:
            return SeriesRejected(
                _short(message),
                f"InfluxDB lehnt ab: {_short(message)}",
            )
        return self._unavailable(status, message)

    def _missing(self, message: str) -> Exception:
        """The bucket, or the organisation in which it is looked for."""
        if "organization" not in message:
            return DatabaseMissing(message)
        if self.org == _NO_ORGANISATION:
            return SeriesUnavailable(
                f"InfluxDB at {self.url} asks for an organisation: name it as 'org' of [series]",
                f"InfluxDB unter {self.url} verlangt eine Organisation: sie als 'org' von [series] "
                "nennen",
            )
        return SeriesUnavailable(
            f"InfluxDB at {self.url} has no organisation {self.org!r}: check 'org' of [series]",
            f"InfluxDB unter {self.url} hat keine Organisation {self.org!r}: 'org' von [series] "
            "prüfen",
        )

    def _unavailable(self, status: int, message: str) -> SeriesUnavailable:
        message = _said(message)
        if status in (401, 403):
            remedy = Sentence(
                "check the token of the series store and what it may do",
                "das Token der Messreihen prüfen, und was es darf",
            )
        elif status == 0:  # the client found no organisation, and sent nothing
            return SeriesUnavailable(
                f"InfluxDB at {self.url} does not show the organisation {self.org!r} to the token "
                "of [series]: make the bucket for it, or give its ID as 'org'",
                f"InfluxDB unter {self.url} zeigt dem Token von [series] die Organisation "
                f"{self.org!r} nicht: den Bucket anlegen, oder ihre ID als 'org' angeben",
            )
        elif status == 429:
            remedy = Sentence(
                "it is asked too much; it will be tried again",
                "sie wird zu viel gefragt; es wird wieder versucht",
            )
        else:
            remedy = Sentence("look into its log", "in ihr Log sehen")
        return SeriesUnavailable(
            f"InfluxDB at {self.url} answers {status}: {_short(message)}: {remedy.english}",
            f"InfluxDB unter {self.url} antwortet {status}: {_short(message)}: {remedy.german}",
        )


def _said(answer: str) -> str:
    """What an error's answer says to people: its message, or all of it."""
    try:
        found = msgspec.json.decode(answer, type=_Said)
    except UNREADABLE:
        return answer
    return found.message or found.error or answer


def _only_expired(message: str) -> bool:
    """1.8 and older 2.x: "points beyond retention policy dropped=3". Newer ones name the bound that
    the oldest and the newest point violate: "a Retention Policy Lower Bound" is retention's, "a
    Write Window" or an upper bound is another limit, whose points are lost.
    """
    bounds = _BOUND.findall(message)
    if bounds:
        return all(bound == "Retention Policy Lower" for bound in bounds)
    return "beyond retention policy" in message or "outside retention policy" in message


def _query_error(message: str) -> Exception:
    if "not found" in message and ("database" in message or "bucket" in message):
        return DatabaseMissing(message)
    if "default retention policy not set" in message:  # 2: there is a bucket `name/…`, none `name`
        return DatabaseMissing(message)
    if "timeout" in message or "engine is closed" in message:
        return SeriesUnavailable(
            f"InfluxDB could not answer a query: {_short(message)}",
            f"InfluxDB konnte eine Abfrage nicht beantworten: {_short(message)}",
        )
    return SeriesRejected(
        f"InfluxDB refuses a query: {_short(message)}",
        f"InfluxDB lehnt eine Abfrage ab: {_short(message)}",
    )


def _short(message: str) -> str:
    """One line that fits a log: servers quote the whole refused line back."""
    text = " ".join(message.split())
    return text if len(text) <= 300 else f"{text[:200]} … {text[-90:]}"
