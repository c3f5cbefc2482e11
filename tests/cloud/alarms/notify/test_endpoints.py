"""Recipients, messages and delivery reports over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select, update

from api_callers import AWAY, HOME, NOW, ApiWorld
from counted import write_transactions
from databases import fresh_database
from stadtsinn.base.instant import HOUR, Instant
from stadtsinn.base.language import Language
from stadtsinn.base.settings.secret import Secret
from stadtsinn.cloud.alarms.notify import outbox_repository
from stadtsinn.cloud.alarms.notify.message import Addressee, Draft, Kind
from stadtsinn.cloud.alarms.notify.outbox_repository import enqueue
from stadtsinn.cloud.alarms.notify.senders.open import open_senders
from stadtsinn.cloud.alarms.notify.senders.settings import HttpSettings
from stadtsinn.cloud.alarms.notify.sentence import Sentence
from stadtsinn.cloud.alarms.notify.settings import NotifySettings
from stadtsinn.cloud.alarms.notify.surroundings import Surroundings
from stadtsinn.cloud.alarms.notify.tables import outbox, recipients
from stadtsinn.cloud.platform.access.scope import Role
from stadtsinn.cloud.platform.database.engine import Database

pytestmark = pytest.mark.slow

NUMBER = "+491701234567"
BODY = {"slug": "ordnungsamt", "name": "Ordnungsamt", "address": "0170 1234567"}
WEBHOOK = "webhook-token-of-the-town"


@pytest.fixture
def world(database: Database, tmp_path: Path) -> Iterator[ApiWorld]:
    made = ApiWorld(database, tmp_path)
    yield made
    made.series.close()


@pytest.fixture
def small_world(tmp_path: Path) -> Iterator[ApiWorld]:
    """On SQLite, where the database makes no difference."""
    made = ApiWorld(fresh_database(tmp_path), tmp_path)
    yield made
    made.series.close()


def test_a_number_can_be_written_and_never_read(world: ApiWorld) -> None:
    admin = world.client(Role.ADMIN)
    created = admin.post("/api/v1/recipients", json=BODY)
    assert created.status_code == 201
    answers = [
        created,
        admin.get("/api/v1/recipients"),
        admin.get("/api/v1/recipients/ordnungsamt"),
        admin.put("/api/v1/recipients/ordnungsamt", json={"name": "A", "address": NUMBER}),
    ]
    for answer in answers:
        assert "…567" in answer.text
        assert "1234567" not in answer.text
    with world.database.read() as connection:
        assert connection.scalar(select(recipients.c.address)) == NUMBER


def test_a_wrong_number_is_refused_without_repeating_it(small_world: ApiWorld) -> None:
    answer = small_world.client(Role.EDITOR).post(
        "/api/v1/recipients", json={**BODY, "address": "12 34 56 78"}
    )
    assert answer.status_code == 422
    assert "+49 170" in answer.text
    assert "12 34 56 78" not in answer.text


def test_a_recipient_has_a_language(world: ApiWorld) -> None:
    editor = world.client(Role.EDITOR)
    assert editor.post("/api/v1/recipients", json=BODY).json()["language"] == "de"
    body = {key: value for key, value in BODY.items() if key != "slug"}
    path = "/api/v1/recipients/ordnungsamt"
    assert editor.put(path, json={**body, "language": "en"}).json()["language"] == "en"
    assert editor.get(path).json()["language"] == "en"
    assert editor.put(path, json={**body, "language": "fr"}).status_code == 422
    assert editor.put(path, json=body).json()["language"] == "de"


def test_recipients_belong_to_their_town_and_to_editors(world: ApiWorld) -> None:
    home, stranger = world.client(Role.EDITOR), world.client(Role.ADMIN, AWAY)
    reader = world.client(Role.READER)
    assert home.post("/api/v1/recipients", json=BODY).status_code == 201
    assert home.post("/api/v1/recipients", json=BODY).status_code == 409
    assert reader.post("/api/v1/recipients", json={**BODY, "slug": "x"}).status_code == 403
    assert reader.get("/api/v1/recipients/ordnungsamt").status_code == 200
    assert stranger.get("/api/v1/recipients/ordnungsamt").status_code == 404
    assert stranger.delete("/api/v1/recipients/ordnungsamt").status_code == 404
    assert stranger.get("/api/v1/recipients").json()["items"] == []
    assert home.delete("/api/v1/recipients/ordnungsamt").status_code == 204
    assert home.get("/api/v1/recipients/ordnungsamt").status_code == 404


def put_message(world: ApiWorld, tenant: str = HOME, incident: str = "1-1") -> Any:
    """A message to a recipient of the town; its row in the outbox."""
    with world.database.write() as connection:
        key = connection.execute(
            insert(recipients)
            .values(
                tenant_id=tenant, slug=f"r{incident}", name="Bauhof", channel="sms", address=NUMBER
            )
            .returning(recipients.c.id)
        ).scalar_one()
        draft = Draft(
            tenant_id=tenant,
            incident_id=incident,
            kind=Kind.ALARM,
            level=1,
            sequence=0,
            said=dict.fromkeys(Language, Sentence("ALARM ", "Markt", "")),
            event_time=NOW,
            created_at=NOW,
            expires_at=Instant(NOW + HOUR),
        )
        enqueue(connection, draft, [Addressee(key, "sms", NUMBER)])
        return connection.execute(select(outbox).where(outbox.c.incident_id == incident)).one()


def test_messages_are_listed_masked_newest_first_and_by_town(world: ApiWorld) -> None:
    for number in range(3):
        put_message(world, incident=f"1-{number}")
    put_message(world, AWAY, incident="9-9")
    reader = world.client(Role.READER)
    page = reader.get("/api/v1/messages", params={"limit": 2}).json()
    assert [item["incident_id"] for item in page["items"]] == ["1-2", "1-1"]
    rest = reader.get("/api/v1/messages", params={"cursor": page["next"]}).json()
    assert [item["incident_id"] for item in rest["items"]] == ["1-0"]
    only = reader.get("/api/v1/messages", params={"incident": "1-1"})
    assert (only.json()["items"][0]["address"], only.json()["items"][0]["recipient"]) == (
        "…567",
        "Bauhof",
    )
    assert "1234567" not in only.text
    assert reader.get("/api/v1/messages", params={"cursor": "x"}).status_code == 422


def test_a_deleted_recipient_gets_nothing_more(world: ApiWorld) -> None:
    row = put_message(world)
    answer = world.client(Role.EDITOR).delete("/api/v1/recipients/r1-1")
    assert answer.status_code == 204
    with world.database.read() as connection:
        status = select(outbox.c.status).where(outbox.c.id == row.id)
        assert connection.scalar(status) == "EXPIRED"


def with_provider(world: ApiWorld, preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    monkeypatch.setenv("WEBHOOK", WEBHOOK)
    config = HttpSettings(
        preset=preset,
        values={"from": "Stadt", "username": "u"},
        secrets={
            "api_key": Secret.at("env:SECRET"),
            "password": Secret.at("env:SECRET"),
            "report_token": Secret.at("env:WEBHOOK"),
        },
    )
    around = Surroundings(world.database, world.clock)
    for sender in open_senders(NotifySettings({"sms": config}), around).values():
        sender.close()


def sent(world: ApiWorld, row: Any, status: str = "ACCEPTED", **values: Any) -> None:
    with world.database.write() as connection:
        connection.execute(
            update(outbox)
            .where(outbox.c.id == row.id)
            .values(status=status, attempts=1, settled=status == "ACCEPTED", **values)
        )


def status_of(world: ApiWorld, row: Any) -> str | None:
    with world.database.read() as connection:
        return connection.scalar(select(outbox.c.status).where(outbox.c.id == row.id))


def report(caller: TestClient, provider: str, token: str, **query: str) -> int:
    address = f"/api/v1/notify/delivery-reports/{provider}/{token}"
    return int(caller.get(address, params=query).status_code)


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        ("ACCEPTED", "1", "DELIVERED"),
        ("UNKNOWN", "1", "DELIVERED"),
        ("SENDING", "8", "ACCEPTED"),
        ("UNKNOWN", "8", "ACCEPTED"),
        ("ACCEPTED", "8", "ACCEPTED"),
        ("ACCEPTED", "2", "FAILED"),
        ("FAILED", "1", "DELIVERED"),
        ("DELIVERED", "2", "DELIVERED"),
        ("DELIVERED", "8", "DELIVERED"),
        ("EXPIRED", "1", "EXPIRED"),
        ("ACCEPTED", "99", "ACCEPTED"),
    ],
)
def test_kannels_reports(
    small_world: ApiWorld, monkeypatch: pytest.MonkeyPatch, before: str, word: str, after: str
) -> None:
    with_provider(small_world, "kannel", monkeypatch)
    row = put_message(small_world)
    sent(small_world, row, before)
    assert report(small_world.nobody(), "kannel", row.report_token, status=word) == 204
    assert status_of(small_world, row) == after


def test_who_guesses_a_token_learns_nothing(
    small_world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = put_message(small_world)
    sent(small_world, row)
    caller = small_world.nobody()
    assert report(caller, "kannel", row.report_token, status="1") == 404, "no provider is set up"
    with_provider(small_world, "kannel", monkeypatch)
    assert report(caller, "kannel", "x" * 32, status="1") == 404
    assert report(caller, "seven", row.report_token, status="1") == 404
    assert report(caller, "kannel", row.uuid, status="1") == 404
    assert status_of(small_world, row) == "ACCEPTED"


def test_sevens_webhook_names_the_message_itself(
    small_world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_provider(small_world, "seven", monkeypatch)
    row = put_message(small_world)
    sent(small_world, row, provider_id="77")
    caller, address = small_world.nobody(), f"/api/v1/notify/delivery-reports/seven/{WEBHOOK}"
    body = {"webhook_event": "dlr", "data": {"msg_id": "77", "status": "DELIVERED"}}
    wrong = {"data": {"msg_id": "78", "status": "DELIVERED"}}
    assert caller.post(address, json=wrong).status_code == 503, "seven will ask again"
    assert caller.post(address, json={"data": {"status": "DELIVERED"}}).status_code == 422
    assert caller.post(address, content=b"{nonsense").status_code == 422
    assert status_of(small_world, row) == "ACCEPTED"
    assert caller.post(address, json=body).status_code == 204
    assert status_of(small_world, row) == "DELIVERED"


def test_a_report_as_a_form(small_world: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    with_provider(small_world, "kannel", monkeypatch)
    row = put_message(small_world)
    sent(small_world, row)
    address = f"/api/v1/notify/delivery-reports/kannel/{row.report_token}"
    assert small_world.nobody().post(address, data={"status": "1"}).status_code == 204
    assert status_of(small_world, row) == "DELIVERED"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_guessed_token_takes_no_lock_and_reads_no_body(
    small_world: ApiWorld, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    with_provider(small_world, "kannel", monkeypatch)
    caller, written = small_world.nobody(), small_world.database.written
    address = "/api/v1/notify/delivery-reports/kannel/" + "x" * 32

    def body() -> Iterator[bytes]:
        yield b"status=1&" * 100

    with small_world.database.write():  # whoever needed the lock would wait here for ever
        answer = caller.request(method, address, content=body() if method == "POST" else None)
    assert answer.status_code == 404
    assert small_world.database.written == written + 1


BROKEN = {
    "deep": b"[" * 500_000,
    "deep objects": b'{"a":' * 100_000,
    "deep and whole": b"[" * 100_000 + b"]" * 100_000,
    "long number": b'{"data": {"status": "DELIVERED", "msg_id": ' + b"9" * 5_000 + b"}}",
    "long status": b'{"data": {"msg_id": "1", "status": ' + b"9" * 5_000 + b"}}",
    "NUL": b'{"data": {"status": "DELIVERED", "msg_id": "a\\u0000b"}}',
    "surrogate": b'{"data": {"status": "DELIVERED", "msg_id": "\\ud800"}}',
    "endless name": b'{"data": {"status": "DELIVERED", "msg_id": "' + b"x" * 100_000 + b'"}}',
    "NaN": b'{"data": {"status": "DELIVERED", "msg_id": NaN}}',
    "no UTF-8": b'{"data": {"status": "DELIVERED", "msg_id": "\xff"}}',
    "many fields": b"a=1&" * 100_000,
    "no text": b"\xff=\xfe",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_no_providers_report_breaks_the_endpoint(
    world: ApiWorld, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with_provider(world, "seven", monkeypatch)
    address = f"/api/v1/notify/delivery-reports/seven/{WEBHOOK}"
    answer = world.nobody().post(address, content=BROKEN[kind])
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert world.nobody().get(address + "?a=1" + "&a=1" * 200).status_code == 422


def test_what_waits_for_a_recipient_that_goes_is_given_up_a_few_at_a_time(
    small_world: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox_repository, "AT_ONCE", 4)
    monkeypatch.setattr(Database, "let_others_write", lambda _: None)
    editor = small_world.client(Role.EDITOR)
    for slug in ("ordnungsamt", "bauhof"):
        editor.post("/api/v1/recipients", json={**BODY, "slug": slug})
    with small_world.database.write() as connection:
        ids = dict(connection.execute(select(recipients.c.slug, recipients.c.id)).all())
        said = dict.fromkeys(Language, Sentence("ALARM ", "Markt", ""))
        for number in range(10):
            for key in ids.values():
                draft = Draft(HOME, f"1-{number}", Kind.ALARM, 1, 0, said, NOW, NOW, NOW)
                enqueue(connection, draft, [Addressee(key, "sms", NUMBER, Language.DE)])
    with write_transactions(small_world.database) as found:
        assert editor.delete("/api/v1/recipients/ordnungsamt").status_code == 204
    assert sum("UPDATE outbox" in text for one in found for text in one.texts) == 4
    with small_world.database.read() as connection:
        rows = connection.execute(select(outbox.c.recipient_id, outbox.c.status)).all()
    assert {status for key, status in rows if key == ids["ordnungsamt"]} == {"EXPIRED"}
    assert {status for key, status in rows if key == ids["bauhof"]} == {"READY"}
