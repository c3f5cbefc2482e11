"""What holds for every request: errors, headers, limits, logs, and the reference page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
import structlog
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from api_callers import ApiWorld
from stadtsinn.base.health import Check
from stadtsinn.cloud.platform.access.dependencies import Services
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.publish.api.middleware import MAX_BODY
from stadtsinn.cloud.publish.application import create_app
from stadtsinn.cloud.series.stores.store import SeriesUnavailable

pytestmark = pytest.mark.slow

PROBLEM = "application/problem+json"


def test_every_error_is_a_problem_document_with_a_remedy(world: ApiWorld) -> None:
    caller = world.client()
    for answer, status in [
        (world.nobody().get("/api/v1/devices"), 401),
        (caller.get("/api/v1/zones/nirgends"), 404),
        (caller.get("/nix"), 404),
        (caller.post("/healthz"), 405),
        (caller.post("/api/v1/sites", json=[]), 422),
        (caller.post("/api/v1/sites", content=b"{"), 422),
        (caller.get("/api/v1/devices?limit=0"), 422),
        (caller.get("/api/v1/zones/a%00b"), 400),
        (caller.get("/api/v1/devices?site=%00"), 400),
        (caller.post("/api/v1/sites", content=b"x" * (MAX_BODY + 1)), 413),
    ]:
        assert answer.status_code == status, answer.url
        assert answer.headers["content-type"] == PROBLEM
        body = answer.json()
        assert body["status"] == status
        assert body["detail"]
        assert body["request_id"] == answer.headers["x-request-id"]


def test_401_says_how_to_authenticate(world: ApiWorld) -> None:
    assert world.nobody().get("/api/v1/me").headers["www-authenticate"].startswith("Bearer")


def test_an_invalid_request_is_not_repeated_in_the_answer(world: ApiWorld) -> None:
    """The input may be a telephone number or a part of a token."""
    answer = world.client().post("/api/v1/sites", json={"slug": "+49 151 23456789", "name": 5})
    assert answer.status_code == 422
    assert {error["where"] for error in answer.json()["errors"]} == {"body.slug", "body.name"}
    assert "23456789" not in answer.text


def test_a_body_without_length_is_cut_off_too(world: ApiWorld) -> None:
    def endless() -> object:
        for _ in range(40):
            yield b" " * 65_536

    answer = world.client().post(
        "/api/v1/sites",
        content=endless(),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 413


def test_a_bug_answers_500_without_internals_and_is_logged_with_them(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stadtsinn.cloud.town import repository

    def broken(*_: object) -> None:
        raise ZeroDivisionError("inner workings")

    monkeypatch.setattr(repository, "sites_page", broken)
    caller = world.client()
    with structlog.testing.capture_logs() as logs:
        answer = caller.get("/api/v1/sites")
    assert answer.status_code == 500
    assert "inner workings" not in answer.text
    (failure,) = [line for line in logs if line["event"] == "request_failed"]
    assert "inner workings" in failure["traceback"]
    assert caller.headers["authorization"].removeprefix("Bearer ") not in repr(logs)


def test_a_failing_statement_is_logged_without_its_parameters(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters of a statement may be telephone numbers."""
    from stadtsinn.cloud.town import repository

    secret = "-".join(["geheim", "42"])  # tracebacks quote source lines, this one's too

    def broken(connection: object, *_: object) -> None:
        connection.execute(text("SELECT * FROM nix WHERE a = :a"), {"a": secret})  # type: ignore[attr-defined]

    monkeypatch.setattr(repository, "insert_site", broken)
    with structlog.testing.capture_logs() as logs:
        answer = world.client().post("/api/v1/sites", json={"slug": "a", "name": "A"})
    assert answer.status_code in {500, 503}  # SQLite calls a missing table operational
    assert secret not in repr(logs) + answer.text


def test_a_database_or_store_that_is_away_is_503_and_worth_another_try(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stadtsinn.cloud.town import repository

    caller = world.client()
    for error in (
        OperationalError("SELECT", {}, Exception("gone")),
        SeriesUnavailable("gone", "fort"),
    ):

        def away(*_: object, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(repository, "sites_page", away)
        answer = caller.get("/api/v1/sites")
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert answer.headers["content-type"] == PROBLEM


def test_answers_are_nobody_elses_and_are_not_guessed_at(world: ApiWorld) -> None:
    headers = world.client().get("/api/v1/devices").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_log_names_the_route_never_the_path_or_the_token(world: ApiWorld) -> None:
    """A path may hold a token: the one of a delivery report does."""
    caller = world.client(Role.READER)
    with structlog.testing.capture_logs() as logs:
        caller.get("/api/v1/notify/delivery-reports/kannel/" + "t" * 40)
        caller.get("/api/v1/sites/marktplatz?x=secret-query")
        caller.get("/nowhere/secret-path")
        caller.get("/nowhere/at/secret-path")
    lines = [line for line in logs if line["event"] == "request"]
    assert [line["route"] for line in lines] == [
        "/api/v1/notify/delivery-reports/{provider}/{token}",
        "/api/v1/sites/{site}",
        "/{tenant}/{zone}",
        "unknown",
    ]
    said = repr(logs)
    assert "t" * 40 not in said
    assert "secret" not in said
    assert "st_" not in said


def test_a_callers_request_id_is_kept_if_it_is_harmless(world: ApiWorld) -> None:
    caller = world.nobody()
    kept = caller.get("/healthz", headers={"X-Request-ID": "abc-123"})
    forged = caller.get("/healthz", headers={"X-Request-ID": "a" * 100})
    assert kept.headers["x-request-id"] == "abc-123"
    assert re.fullmatch(r"[0-9a-f]{32}", forged.headers["x-request-id"])


def test_healthz_names_the_part_that_does_not_work(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = world.nobody()
    assert caller.get("/healthz").status_code == 200

    def down() -> None:
        raise SeriesUnavailable("gone", "fort")

    monkeypatch.setattr(world.series, "ping", down)
    answer = caller.get("/healthz")
    assert answer.status_code == 503
    checks = answer.json()["checks"]
    assert (checks["series"]["ok"], checks["database"]["ok"]) == (False, True)


def test_healthz_asks_the_other_roles_of_the_process(world: ApiWorld) -> None:
    services = Services(world.database, world.clock)
    app = create_app(
        services,
        world.series,
        world.archive,
        checks={"ingest": lambda: Check(ok=False, detail="broker lost")},
    )
    answer = TestClient(app).get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["ingest"]["detail"] == "broker lost"


def test_metrics_count_requests_by_route(world: ApiWorld) -> None:
    world.client().get("/api/v1/zones/irgendein-bereich")
    metrics = world.nobody().get("/metrics").text
    assert 'route="/api/v1/zones/{zone}",status="404"' in metrics
    assert "irgendein-bereich" not in metrics


class _Links(HTMLParser):
    """Addresses that a page loads or links to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loaded += [str(value) for name, value in attributes if name in {"src", "href"}]


def test_the_reference_page_shows_every_operation_and_asks_no_third_party(
    world: ApiWorld,
) -> None:
    answer = world.nobody().get("/api/v1/docs")
    assert answer.status_code == 200
    links = _Links()
    links.feed(answer.text)
    assert not {"script", "iframe", "img", "link"} & set(links.tags)
    assert all(link.startswith(("#", "/")) for link in links.loaded)
    paths = world.nobody().get("/api/v1/openapi.json").json()["paths"]
    for path, methods in paths.items():
        assert path in answer.text
        assert answer.text.count(f"<code>{path}</code>") == len(methods)
    assert "curl" in answer.text


def test_the_reference_page_may_show_its_own_style_and_nothing_else(world: ApiWorld) -> None:
    """The policy's hash is the style's: otherwise browsers would show a bare page."""
    import base64
    import hashlib

    answer = world.nobody().get("/api/v1/docs")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_a_hostile_host_header_stays_text(world: ApiWorld) -> None:
    answer = world.nobody().get("/api/v1/docs", headers={"Host": 'a"><script>alert(1)</script>'})
    assert "<script>" not in answer.text
