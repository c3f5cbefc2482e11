"""Requests as no client library makes them: any path, method, query and header, byte by byte.

None breaks the application, leads a browser elsewhere, or comes back in a header.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import update

from api_callers import HOME, ApiWorld
from databases import fresh_database
from every_endpoint import THEIR_OWN, furnish
from stadtsinn.base.foreign_text import visible
from stadtsinn.cloud.domains.crowd.zones.tables import zones

PATHS = (
    *("//", "//evil.example", "//evil.example/", "/\\evil.example/", "/%2e%2e", "/../etc/passwd"),
    *("/assets/../x", "/assets/x/..%2f", "/\x00", "/a\r\nX: y", "/" + "a/" * 9_000, "/İ/ß"),
    *(
        "/\udcff\udcfe",
        "/musterstadt/zaehler/\udcff",
        "/en/\u202e/zaehler/\x1b[2J",
        "/api/",
        "/api/v1",
    ),
    *(
        "/public/\udcff/zones/x",
        f"/public/{'a' * 70_000}/zones/x",
        "/api/v1/trees/..",
        "//api/v1/zones",
    ),
    *("//api/v1/zones", "/api/v1", "/api/v1/devices/\udcff"),
    *("/api/v1/notify/delivery-reports/\udcff/\udcff"),
)
REAL = (
    *("/", "/musterstadt/zaehler/wochenmarkt", "/public/musterstadt/zones/wochenmarkt"),
    *("/musterstadt", "/healthz", "/api/v1/docs", "/api/v1/zones", "/api/v1/zones/"),
)
METHODS = ("GET", "HEAD", "OPTIONS", "TRACE", "POST", "get", "\xff")
QUERIES = (b"\xff=\xff", b"lang=%ff&pause=%00", b"a=1&" * 5_000, b"pause=1&pause=\xff", b"%=%&%2")
Headers = tuple[tuple[bytes, bytes], ...]
HEADERS: Headers = (
    (b"if-none-match", b'"' + b"x" * 50_000),
    (b"if-none-match", b"*"),
    (b"if-none-match", b"\xff,,,W/"),
    (b"range", b"bytes=0-0,-1,5-"),
    (b"cookie", b"a=" + b"\xff" * 9_000),
    (b"accept-language", b"de;q=nan,en;q=1e999," + b"x" * 5_000),
    (b"authorization", b"Bearer \xff\xfe"),
    (b"authorization", b"Bearer " + b"a" * 60_000),
    (b"content-length", b"\xb2"),
    (b"content-length", b"9" * 5_000),
    (b"content-length", b"-1"),
    (b"content-type", b"multipart/form-data; boundary=\xff"),
    (b"content-type", b"application/json; charset=\xff\xfe"),
    (b"x-forwarded-for", b"a" * 9_000 + b",\xff"),
    (b"x-forwarded-host", b"evil.example"),
    (b"x-request-id", b"\xff"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiWorld]:
    """With a public counter."""
    folder = tmp_path_factory.mktemp("raw")
    made = ApiWorld(fresh_database(folder), folder)
    furnish(made, HOME, THEIR_OWN)
    with made.database.write() as connection:
        connection.execute(update(zones).values(public=True))
    yield made
    made.series.close()


def _requests() -> Iterator[tuple[str, str, bytes, Headers]]:
    for path in (*PATHS, *REAL):
        for method in METHODS:
            yield method, path, b"", ()
    for path in REAL:
        for query in QUERIES:
            yield "GET", path, query, ()
        for header in HEADERS:
            yield "GET", path, b"", (header,)
            yield "POST", path, b"", (header,)


@pytest.mark.slow
def test_no_request_breaks_the_application_or_leads_elsewhere(world: ApiWorld) -> None:
    async def all_of_them() -> dict[str, str]:
        found = {}
        for request in _requests():
            if fault := await _fault(world, *request):
                found[repr(request)[:200]] = fault
        return found

    assert asyncio.run(all_of_them()) == {}


async def _fault(world: ApiWorld, method: str, path: str, query: bytes, headers: Headers) -> str:
    return _wrong(await _answer(world, method, path, query, headers))


async def _answer(
    world: ApiWorld, method: str, path: str, query: bytes, headers: Headers
) -> list[Any]:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"town.test"), *headers],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("192.0.2.1", 5),
    }
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b'{"a": 1}', "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await world.app(scope, receive, send)
    return sent


def _wrong(sent: list[Any]) -> str:
    """What is wrong with an answer; empty where nothing is."""
    status = sent[0]["status"]
    headers = {name.decode(): value.decode("latin-1") for name, value in sent[0]["headers"]}
    body = b"".join(one.get("body", b"") for one in sent).decode()
    leads = headers.get("location", "/")
    if status >= 500:
        return f"{status}"
    if leads.startswith(("//", "/\\")) or not leads.startswith(("/", "http://town.test/")):
        return f"leads to {leads}"
    if any("\r" in value or "\n" in value for value in headers.values()):
        return "a header of several lines"
    return "" if visible(body, lines=True) == body else "raw in its body"


def test_a_query_that_is_no_utf8_is_read_where_a_provider_may_send_it(world: ApiWorld) -> None:
    """As before: a report in Latin-1 is looked at, and here belongs to no message."""
    address = f"/api/v1/notify/delivery-reports/kannel/{'x' * 43}"
    sent = asyncio.run(_answer(world, "GET", address, b"text=\xe4", ()))
    assert sent[0]["status"] == 404
    refused = asyncio.run(_answer(world, "GET", "/api/v1/zones/", b"a=\xff", ()))
    assert refused[0]["status"] == 400
