"""Sensors on pseudo-terminals are read, set and read back, whatever else is on the line."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fake_sensor import EUI, JOIN_EUI, KEY, QUICK, Dragino, FakeSensor, Faults, Rak, St
from stadtsinn.firmware.sensors.errors import (
    LineAway,
    LineCut,
    NoAnswer,
    NobodyAnswers,
    NoSuchSetting,
    NotJoined,
    NotKept,
    Rejected,
    StillBusy,
    UnknownKind,
    WrongPassword,
)
from stadtsinn.firmware.sensors.joining import join
from stadtsinn.firmware.sensors.port import SerialLine
from stadtsinn.firmware.sensors.recognising import recognised
from stadtsinn.firmware.sensors.sensor import Applied, Sensor, Talk, applied, planned
from stadtsinn.firmware.sensors.session import Password, Timing
from stadtsinn.firmware.sensors.settings import Setting, Wanted

NEW_KEY = "0F1E2D3C4B5A69788796A5B4C3D2E1F0"
KINDS = [Dragino, Rak, St]


def read(sensor: FakeSensor, password: Password | None = None, timing: Timing = QUICK) -> Sensor:
    with recognised(sensor.port, password or Password(), timing=timing) as found:
        return Talk(found).read()


def put(sensor: FakeSensor, wanted: Wanted, timing: Timing = QUICK) -> Applied:
    with recognised(sensor.port, Password(), timing=timing) as found:
        talk = Talk(found)
        before = talk.read()
        return applied(talk, before, wanted, planned(before, found.dialect, wanted))


@contextmanager
def made(kind: type[FakeSensor], faults: Faults | None = None) -> Iterator[FakeSensor]:
    with kind(faults) as sensor:
        yield sensor


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_recognised_and_read(kind: type[FakeSensor]) -> None:
    with kind() as sensor:
        said = read(sensor)
    assert said.kind == {Dragino: "Dragino", Rak: "RAK RUI3", St: "ST"}[kind]
    assert said.baud == kind.baud
    name = "AT+DEVEUI" if kind is Rak else "AT+DEUI"
    assert said.values[Setting.DEV_EUI] == sensor.values[name]
    assert said.key_is_set
    assert KEY not in repr(said)


def test_what_a_dragino_says() -> None:
    with Dragino() as sensor:
        said = read(sensor)
    assert (said.model, said.firmware) == ("SN50_v3-LB,v1.3.4", "EU868 v1.3.4")
    assert said.values[Setting.JOIN_EUI] == JOIN_EUI
    assert said.values[Setting.INTERVAL_S] == "1200"
    assert said.joined is False


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_set_read_back_and_a_second_time_nothing_changes(kind: type[FakeSensor]) -> None:
    wanted = Wanted("A8404100018100AB", "A840410000000107", NEW_KEY)
    if kind is Dragino:
        wanted = dataclasses.replace(wanted, interval_s=900, join_mode="0")
    with kind() as sensor:
        done = put(sensor, wanted)
        assert [one.setting for one in done.changes] == list(wanted.values())
        assert done.unverified == ()
        assert done.sensor.values.items() >= wanted.values().items()
        assert "ATZ" in sensor.received
        sensor.writes.clear()
        assert put(sensor, wanted).changes == ()
        assert sensor.writes == []
        assert NEW_KEY not in repr(done)


def test_st_gets_both_keys() -> None:
    with St() as sensor:
        sensor.values["AT+NWKKEY"] = "1" * 32
        put(sensor, Wanted(app_key=KEY))
        assert sensor.values["AT+NWKKEY"] == sensor.values["AT+APPKEY"] == KEY


MISBEHAVIOURS = {
    "echo": Faults(echo=True),
    "only CR": Faults(line_end=b"\r"),
    "only LF": Faults(line_end=b"\n"),
    "reversed line ends": Faults(line_end=b"\n\r"),
    "byte by byte": Faults(split=True),
    "noise before answers": Faults(before_answers=[b"\x00\xff\xfe", b"\xf0\x9f\r\n", b"\x80"] * 5),
    "events between": Faults(before_answers=[b"+EVT:RX_1:-70:8:UNICAST:1:1234\r\n"] * 30),
    "debug lines between": Faults(before_answers=[b"***** UpLinkCounter= 3 *****\r\n"] * 30),
    "another EUI in a banner": Faults(before_answers=[b"DevEui= 11 22 33 44 55 66 77 88\n\r"] * 30),
    "first byte lost": Faults(lose_first_byte=3),
    "first byte damaged": Faults(damage_first_byte=2),
    "busy": Faults(busy=2),
    "overflow": Faults(overflow=2),
    "commands lost": Faults(ignore=2),
    "restart in the middle": Faults(restart_at="AT+APPKEY="),
    "restart while read": Faults(restart_at="AT+APPEUI=?"),
}


@pytest.mark.sweep
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", MISBEHAVIOURS)
def test_misbehaviour_does_not_matter(kind: type[FakeSensor], fault: str) -> None:
    faults = MISBEHAVIOURS[fault]
    faults = dataclasses.replace(faults, before_answers=list(faults.before_answers))
    with kind(faults) as sensor:
        wanted = Wanted(join_eui="A840410000000107", app_key=NEW_KEY)
        done = put(sensor, wanted)
        assert done.sensor.values.items() >= wanted.values().items()
        assert sensor.values["AT+APPKEY"] == NEW_KEY
        assert sensor.values["AT+APPEUI"] == "A840410000000107"


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.lists(st.binary(max_size=30), max_size=12))
def test_any_noise_leads_to_the_truth_or_to_an_error(data: list[bytes]) -> None:
    """What stands between lines is never taken for a value of the sensor."""
    noise = [one + b"\r\n" for one in data]
    with Rak(Faults(before_answers=noise)) as sensor:
        try:
            said = read(sensor)
        except (NoAnswer, UnknownKind, NobodyAnswers, StillBusy, WrongPassword):
            return
        for setting, name in ((Setting.DEV_EUI, "AT+DEVEUI"), (Setting.JOIN_EUI, "AT+APPEUI")):
            assert said.values.get(setting, sensor.values[name]) == sensor.values[name]


@pytest.mark.parametrize("kind", KINDS)
def test_a_late_answer_is_not_that_of_the_next_question(kind: type[FakeSensor]) -> None:
    """The answer about the DevEUI comes when it was given up."""
    with kind() as sensor:
        with recognised(sensor.port, Password(), timing=QUICK) as found:
            talk = Talk(found)
            sensor.faults.slow_s, sensor.faults.slow = 0.45, 3
            said = talk.read()
        assert said.values[Setting.DEV_EUI] == sensor.values.get(
            "AT+DEUI", sensor.values.get("AT+DEVEUI", "")
        )
        assert said.values[Setting.JOIN_EUI] == sensor.values["AT+APPEUI"]


# --- locks -----------------------------------------------------------------------------


def test_the_usual_password_opens_and_is_given_once() -> None:
    with Dragino() as sensor:
        read(sensor)
        assert sensor.attempts.count("123456") == 1


def test_an_own_password_is_asked_for_and_never_shown() -> None:
    sensor = Dragino()
    sensor.password = "AB12CD"
    with sensor:
        asked: list[bool] = []

        def ask() -> str:
            asked.append(True)
            return "AB12CD"

        password = Password(ask=ask)
        assert read(sensor, password).values[Setting.DEV_EUI] == EUI
        assert asked == [True]
        assert "AB12CD" not in repr(password)


def test_a_wrong_password_is_not_tried_again_and_again() -> None:
    sensor = Dragino()
    sensor.password = "AB12CD"
    with sensor:
        with pytest.raises(WrongPassword, match="does not take this password") as said:
            read(sensor, Password(given="AB12CE"))
        assert sensor.attempts.count("AB12CE") == 2  # the first may have been damaged
        assert "123456" not in sensor.attempts
        assert "AB12" not in str(said.value)
        with pytest.raises(WrongPassword, match="--password-file"):
            read(sensor, Password())


def test_a_sensor_that_locks_itself_in_between_is_opened_again() -> None:
    with Dragino() as sensor, recognised(sensor.port, Password(), timing=QUICK) as found:
        talk = Talk(found)
        before = talk.read()
        assert isinstance(sensor, Dragino)
        sensor.locked = True
        wanted = Wanted(interval_s=600)
        applied(talk, before, wanted, planned(before, found.dialect, wanted))
        assert sensor.values["AT+TDC"] == "600000"


# --- what cannot be --------------------------------------------------------------------


def test_nobody_there() -> None:
    with Dragino(Faults(dead=True)) as sensor, pytest.raises(NobodyAnswers, match="RX and TX"):
        read(sensor)


def test_only_our_own_words_come_back() -> None:
    faults = Faults(ignore=10_000, echo=True)
    with Rak(faults) as sensor, pytest.raises(NobodyAnswers, match="only our own words"):
        read(sensor)


def test_a_speed_that_nobody_tries_is_noise() -> None:
    sensor = St()
    sensor.baud = 4800
    with sensor, pytest.raises(NobodyAnswers, match="wrong speed"):
        read(sensor)


def test_an_unusual_speed_is_found() -> None:
    sensor = St()
    sensor.baud = 57600
    with sensor:
        assert read(sensor).baud == 57600


def test_a_device_of_another_family() -> None:
    """Seeed's LoRa-E5 answers in its own way."""

    class E5(Rak):
        def answer(self, line: str) -> list[str]:
            return ["+AT: OK"] if line == "AT" else ["+AT: ERROR(-1)"]

    with E5() as sensor, pytest.raises(UnknownKind, match="vendor's tool"):
        read(sensor)


def test_a_port_that_is_not_there_or_taken() -> None:
    with pytest.raises(LineAway, match="serial list"):
        SerialLine("/dev/ttyNOWHERE", 9600)
    with Rak() as sensor, SerialLine(sensor.port, 115200), pytest.raises(LineAway, match="another"):
        SerialLine(sensor.port, 115200)


def test_busy_all_the_time() -> None:
    with Rak(Faults(busy=1000)) as sensor, pytest.raises(StillBusy, match="network server first"):
        read(sensor)


def test_a_setting_that_is_not_there() -> None:
    with Rak() as sensor, pytest.raises(NoSuchSetting):
        put(sensor, Wanted(interval_s=600))
    with St() as other, pytest.raises(ValueError, match="no such setting"):
        put(other, Wanted(interval_s=600))
    with Dragino() as third, pytest.raises(ValueError, match="outside of 5"):
        put(third, Wanted(interval_s=4))
    assert [*sensor.writes, *other.writes, *third.writes] == []


def test_what_is_accepted_and_not_done() -> None:
    faults = Faults(accept_and_ignore=("AT+DEVEUI",))
    with Rak(faults) as sensor, pytest.raises(NotKept, match="DevEUI"):
        put(sensor, Wanted(dev_eui="AC1F09FFFE0000AA"))


def test_what_is_refused() -> None:
    class ReadOnly(Rak):
        def refusal(self, name: str, value: str) -> list[str] | None:
            return ["AT_PARAM_ERROR"] if name == "AT+DEVEUI" else None

    with ReadOnly() as sensor, pytest.raises(Rejected, match=r"AT\+DEVEUI \(AT_PARAM_ERROR\)"):
        put(sensor, Wanted(dev_eui="AC1F09FFFE0000AA"))


def test_what_a_restart_forgets_is_named_unless_it_is_saved() -> None:
    with St(Faults(keep_nothing=True)) as sensor:
        put(sensor, Wanted(app_key=NEW_KEY))
        assert sensor.saved["AT+APPKEY"] == NEW_KEY
    with St(Faults(keep_nothing=True)) as sensor:
        del sensor.values["AT+CS"]
        with pytest.raises(NotKept, match="forgotten: AppKey"):
            put(sensor, Wanted(app_key=NEW_KEY))


@pytest.mark.parametrize("done_before", [False, True])
@pytest.mark.parametrize("at", ["AT+DEUI=", "AT+APPEUI=", "AT+APPKEY=", "AT+TDC=", "ATZ"])
def test_a_line_that_is_cut_is_told_and_the_next_call_does_the_rest(
    at: str, done_before: bool
) -> None:
    wanted = Wanted("A8404100018100AB", "A840410000000107", NEW_KEY, interval_s=900)
    with Dragino() as sensor:
        with recognised(sensor.port, Password(), timing=QUICK) as found:
            talk = Talk(found)
            before = talk.read()
            sensor.faults.cut_at, sensor.faults.cut_after = at, done_before
            with pytest.raises(LineCut, match="call the same command again") as cut:
                applied(talk, before, wanted, planned(before, found.dialect, wanted))
        assert NEW_KEY not in str(cut.value)
        kept = sensor.values
    with Dragino() as sensor:
        sensor.values = kept
        put(sensor, wanted)
        assert sensor.values["AT+DEUI"] == "A8404100018100AB"
        assert sensor.values["AT+APPKEY"] == NEW_KEY
        assert sensor.values["AT+TDC"] == "900000"


def test_where_it_was_cut() -> None:
    wanted = Wanted("A8404100018100AB", "A840410000000107", NEW_KEY, interval_s=900)
    with Dragino() as sensor, recognised(sensor.port, Password(), timing=QUICK) as found:
        talk = Talk(found)
        before = talk.read()
        sensor.faults.cut_at = "AT+APPKEY="
        with pytest.raises(LineCut) as cut:
            applied(talk, before, wanted, planned(before, found.dialect, wanted))
    assert "while the AppKey was set" in str(cut.value)
    assert "set before: DevEUI, JoinEUI; not yet: interval" in str(cut.value)
    assert "noch nicht: Intervall" in cut.value.sentence.german


# --- join ------------------------------------------------------------------------------


def joined(sensor: FakeSensor, *said: tuple[float, str], timeout_s: float = 1.0) -> float:
    sensor.on_join = lambda: list(said)
    with recognised(sensor.port, Password(), timing=QUICK) as found:
        return join(found, timeout_s)


@pytest.mark.parametrize("event", ["+EVT:JOINED", "+EVT: JOINED", "+EVT:JOINED\x00"])
@pytest.mark.parametrize("kind", [Rak, St])
def test_a_join_ends_with_its_event(kind: type[FakeSensor], event: str) -> None:
    with kind() as sensor:
        assert joined(sensor, (0.1, event)) < 1
        assert sensor.joins == 1


def test_a_dragino_is_asked_until_it_has_joined() -> None:
    with Dragino() as sensor:
        assert joined(sensor, (0.2, "NJS=1")) >= 0.1


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ("+EVT:JOIN_FAILED_RX_TIMEOUT", "nobody answered"),
        ("+EVT:JOIN FAILED", "nobody answered"),
        ("+EVT:JOIN_FAILED_TX_TIMEOUT", "antenna"),
        ("+EVT:JOIN_FAILED_MIC_FAIL", "AppKey"),
    ],
)
def test_a_failed_join_says_why(event: str, why: str) -> None:
    with Rak() as sensor, pytest.raises(NotJoined, match=why) as said:
        joined(sensor, (0.1, event))
    assert "nicht im Netz" in said.value.sentence.german


def test_a_join_without_an_end() -> None:
    with Rak() as sensor, pytest.raises(NotJoined, match="nobody answered"):
        joined(sensor, timeout_s=0.3)


def test_a_join_that_the_firmware_refuses() -> None:
    class Peer(Rak):
        def _join(self, _value: str) -> list[str]:
            return ["AT_MODE_NO_SUPPORT"]

    class Full(Rak):
        def _join(self, _value: str) -> list[str]:
            return ["AT_DUTYCYCLE_RESTRICTED"]

    with Peer() as sensor, pytest.raises(NotJoined, match=r"AT\+NWM=1"):
        joined(sensor)
    with Full() as other, pytest.raises(NotJoined, match="duty cycle"):
        joined(other)
