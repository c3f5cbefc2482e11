"""A test message goes out on each channel of a recipient."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from fake_senders import PEOPLE, FakeSender, Outbox
from real_mail import MailServer
from real_tls import server_certificate
from stadtsinn.base.problems import NotFound
from stadtsinn.cloud.alarms.notify.senders.smtp import SmtpSender, SmtpSettings, said
from stadtsinn.cloud.alarms.notify.tables import recipients
from stadtsinn.cloud.alarms.notify.trying import Tried, write_test
from stadtsinn.cloud.alarms.notify.worker import OutboxWorker
from stadtsinn.cloud.platform.access.scope import Role, Scope


def test_each_channel_gets_one(box: Outbox) -> None:
    scope = Scope(box.tenant, Role.EDITOR, 1)
    further = [{"channel": "email", "address": "meier@stadt.example"}]
    with box.database.write() as connection:
        connection.execute(update(recipients).values(channels=further))
        now, served = box.clock.now(), {"sms", "email"}
        assert write_test(connection, scope, "bauhof", now, served) == Tried(("sms", "email"), ())
        with pytest.raises(NotFound):
            write_test(connection, scope, "niemand", now, served)
    sms, email = FakeSender(), FakeSender()
    senders = {"sms": sms, "email": email}
    OutboxWorker(box.database, senders, box.clock, wall=box.wall).run_once()
    assert [one.address for one in sms.taken] == [PEOPLE["bauhof"]]
    assert [one.address for one in email.taken] == ["meier@stadt.example"]
    assert sms.texts == [
        "TEST für Bauhof, 26.09.2026, 12:00: Kommt dies an, kommen auch Alarme an."
    ]


def test_nothing_is_written_for_a_channel_without_a_sender(box: Outbox) -> None:
    scope = Scope(box.tenant, Role.EDITOR, 1)
    with box.database.write() as connection:
        found = write_test(connection, scope, "bauhof", box.clock.now(), {"email"})
    assert found == Tried((), ("sms",))
    sms = FakeSender()
    OutboxWorker(box.database, {"sms": sms}, box.clock, wall=box.wall).run_once()
    assert sms.taken == []


def test_the_mail_server_is_asked(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tls")
    with MailServer(server_certificate(folder)) as server:
        values = {"host": "localhost", "port": server.port, "sender": "a@stadt.example"}
        trusting = SmtpSettings.model_validate({**values, "ca_file": server.certificate.ca})
        SmtpSender(trusting).examine()
        with pytest.raises(OSError, match="CERTIFICATE") as caught:
            SmtpSender(SmtpSettings.model_validate(values)).examine()
        assert "not trusted" in said(caught.value)
    assert server.taken == []
