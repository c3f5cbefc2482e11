"""What people met who set up sensors over a serial line. Each report is a kind of trouble; the
kind is tried here, not the sample. Read 2026-11-28.

1. groups.google.com/g/dragino-user/c/jJM0tZMiiDk: a new RS485-LB answers "Incorrect Password" to AT
2. forum.rakwireless.com/t/14552: the first byte after sleep is damaged, echoed so, and refused
3. forum.rakwireless.com/t/9530: the application's own lines and half an "OK" stand in between
4. forum.rakwireless.com/t/9278 and /15078: joins end with JOIN_FAILED_TX_TIMEOUT
5. github.com/Kampi/ESP32-RAK3172/issues/24: setting a mode restarts the module
6. github.com/Seeed-Studio/LoRaWan-E5-Node/issues/28: 115200 instead of 9600; the keys in the banner
7. github.com/Seeed-Studio/LoRaWan-E5-Node/issues/7: AT_ERROR to questions without "=?"
8. github.com/Lora-net/LoRaMac-node/issues/217: EUIs with dashes, keys with blanks
9. github.com/insightsip/ISP4520-examples/issues/4: the key by which it joins is NWKKEY
10. github.com/stm32duino/STM32LoRaWAN/issues/45: a DevEUI is taken and another one read back
11. forum.rakwireless.com/t/10235: a pulse on the line at its start, then nothing, or "A" alone
12. github.com/USIWP1Module/USI_I-NUCLEO-LRWAN1/issues/21: the DevEUI is read-only
13. forum.rakwireless.com/t/11916: the module is left in P2P mode
"""

from __future__ import annotations

import pytest

from fake_sensor import EUI, KEY, QUICK, Dragino, Faults, Rak, St
from stadtsinn.firmware.sensors.errors import NotJoined, NotKept, Rejected
from stadtsinn.firmware.sensors.joining import join
from stadtsinn.firmware.sensors.lines import Kind, kind_of, without_secrets
from stadtsinn.firmware.sensors.recognising import recognised
from stadtsinn.firmware.sensors.sensor import Applied, Sensor, Talk, applied, planned
from stadtsinn.firmware.sensors.session import Password
from stadtsinn.firmware.sensors.settings import Setting, Wanted, eui, hex_digits

NEW_KEY = "0F1E2D3C4B5A69788796A5B4C3D2E1F0"


def read(port: str) -> Sensor:
    with recognised(port, Password(), timing=QUICK) as found:
        return Talk(found).read()


def put(port: str, wanted: Wanted) -> Applied:
    with recognised(port, Password(), timing=QUICK) as found:
        talk = Talk(found)
        before = talk.read()
        return applied(talk, before, wanted, planned(before, found.dialect, wanted))


def test_1_a_locked_sensor_takes_at_for_a_password() -> None:
    """It is opened by itself, and no command is spent on it."""
    with Dragino() as sensor:
        assert read(sensor.port).values[Setting.DEV_EUI] == EUI
        assert set(sensor.attempts) <= {"AT", "123456"}


@pytest.mark.parametrize("echo", [False, True])
def test_2_a_first_byte_that_is_damaged(echo: bool) -> None:
    with Rak(Faults(damage_first_byte=2, echo=echo)) as sensor:
        assert read(sensor.port).values[Setting.DEV_EUI] == sensor.values["AT+DEVEUI"]


def test_3_lines_of_an_application_in_between() -> None:
    chatter = b"RAKwireless RAK3172-E Example\r\n------\r\n--------AOK\r\nSensor 1234 ok\r\n"
    with Rak(Faults(before_answers=[chatter] * 60)) as sensor:
        done = put(sensor.port, Wanted(app_key=NEW_KEY))
        assert done.sensor.values[Setting.APP_KEY] == NEW_KEY


def test_4_the_radio_does_not_send() -> None:
    with Rak() as sensor, recognised(sensor.port, Password(), timing=QUICK) as found:
        sensor.on_join = lambda: [(0.1, "+EVT:JOIN_FAILED_TX_TIMEOUT")]
        with pytest.raises(NotJoined, match="antenna"):
            join(found, 1)


@pytest.mark.parametrize("command", ["AT+NJM=", "AT+APPEUI="])
def test_5_a_setting_that_restarts(command: str) -> None:
    with Rak(Faults(restart_at=command)) as sensor:
        put(sensor.port, Wanted(join_eui="A840410000000107", join_mode="0"))
        assert sensor.values["AT+NJM"] == "0"


@pytest.mark.parametrize("baud", [9600, 115200, 38400])
def test_6_another_speed_and_keys_in_the_banner(baud: int) -> None:
    """What the banner says is taken for nothing, and shown nowhere."""
    sensor = St()
    sensor.baud = baud
    with sensor:
        for line in sensor.banner():
            sensor.say(line)
            assert KEY not in hex_digits(without_secrets(line))
        assert read(sensor.port).baud == baud


@pytest.mark.parametrize("line", ["AT_ERROR", "ERROR", "error unknown", "AT_COMMAND_NOT_FOUND"])
def test_7_all_spellings_of_an_unknown_command(line: str) -> None:
    assert kind_of(line) is Kind.UNKNOWN


@pytest.mark.parametrize("between", ["", " ", ":", "-", "  ", ".", ": "])
@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_8_all_separators_of_hex_digits(between: str, case: type) -> None:
    spelt = case(between.join(EUI[i : i + 2] for i in range(0, 16, 2)))
    assert eui(spelt) == EUI
    assert eui(f"0x{spelt}") == EUI
    key = case(between.join(KEY[i : i + 2] for i in range(0, 32, 2)))
    if len(between) < 2:
        assert KEY not in hex_digits(without_secrets(f"AppKey= {key}"))


def test_9_the_key_goes_to_both_names() -> None:
    with St() as sensor:
        put(sensor.port, Wanted(app_key=NEW_KEY))
        assert sensor.values["AT+NWKKEY"] == sensor.values["AT+APPKEY"] == NEW_KEY


@pytest.mark.parametrize("name", ["AT+DEVEUI", "AT+APPEUI", "AT+APPKEY", "AT+NJM"])
def test_10_what_is_taken_and_not_kept(name: str) -> None:
    wanted = Wanted("A8404100018100AB", "A840410000000107", NEW_KEY, "0")
    faults = Faults(accept_and_ignore=(name,))
    with Rak(faults) as sensor, pytest.raises(NotKept, match="vendor's tool"):
        put(sensor.port, wanted)


@pytest.mark.parametrize("pulse", [b"\x00", b"\x00\x00A", b"A", b"AT", b"\xff" * 40])
def test_11_a_pulse_before_the_first_command(pulse: bytes) -> None:
    """What stands in the sensor's buffer is ended by the empty line that wakes it."""
    with Rak() as sensor:
        sensor._rest = pulse
        assert read(sensor.port).values[Setting.DEV_EUI] == sensor.values["AT+DEVEUI"]


@pytest.mark.parametrize("said", ["AT_ERROR", "AT_PARAM_ERROR", "ERROR_INVALID_ARGUMENTS"])
def test_12_a_read_only_dev_eui(said: str) -> None:
    class ReadOnly(Rak):
        def refusal(self, name: str, value: str) -> list[str] | None:
            return [said] if name == "AT+DEVEUI" else super().refusal(name, value)

    with ReadOnly() as sensor, pytest.raises(Rejected, match="leave it out"):
        put(sensor.port, Wanted(dev_eui="A8404100018100AB"))


def test_13_a_module_in_another_mode() -> None:
    class Peer(Rak):
        def _join(self, _value: str) -> list[str]:
            return ["AT_MODE_NO_SUPPORT"]

    with (
        Peer() as sensor,
        recognised(sensor.port, Password(), timing=QUICK) as found,
        pytest.raises(NotJoined, match=r"AT\+NWM=1"),
    ):
        join(found, 1)
