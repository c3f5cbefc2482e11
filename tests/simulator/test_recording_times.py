"""A recorded event has the time when it happened, however its recording says that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from chirpstack_api import integration
from google.protobuf import json_format

import fake_the_things_stack as tts
from fake_uplinks import NINE, at, chirpstack_event, event_topic, uplink
from stadtsinn.base.instant import DAY, SECOND, Instant, isoformat
from stadtsinn.decoders.uplink import Uplink
from stadtsinn.simulator.replay.recording import Recording, read_recording

NOW = Instant(NINE + 40 * DAY)
"""The day of the replay, far from that of the recording."""
THEN = "2026-09-26T07:30:00"
MOMENT = at(30 * 60)
TOPIC = event_topic()


def event(**stated: Any) -> dict[str, Any]:
    """An uplink that states no time but this."""
    document: dict[str, Any] = json.loads(chirpstack_event(uplink(1, 60, payload=b"\xce\x29")))
    del document["time"], document["rxInfo"]
    return document | stated


def read(folder: Path, text: str) -> Recording:
    path = folder / "recording"
    path.write_text(text)
    return read_recording(path, NOW)


def gateways(*receptions: dict[str, Any]) -> dict[str, Any]:
    return event(rxInfo=[{"gatewayId": "0016c001f1000001", **one} for one in receptions])


SECONDS = MOMENT // SECOND
GPS_SECONDS = SECONDS - 315_964_800 + 18
STATED: dict[str, object] = {
    "an offset": event(time=f"{THEN}+00:00"),
    "summer time": event(time="2026-09-26T09:30:00.000+02:00"),
    "no offset": event(time=THEN),
    "a blank between": event(time="2026-09-26 07:30:00 UTC"),
    "seconds": event(time=SECONDS),
    "milliseconds as text": event(time=str(SECONDS * 1000)),
    "nanoseconds": event(time=SECONDS * SECOND * 1000),
    "a protobuf Timestamp of JavaScript": event(time={"seconds": SECONDS, "nanos": 0}),
    "the gateway's clock alone": gateways({"gwTime": f"{THEN}Z"}),
    "that of ChirpStack 4.5": gateways({"time": f"{THEN}Z"}),
    "a gateway that was never set beside it": gateways(
        {"gwTime": "1970-01-01T00:00:05Z"},
        {"gwTime": f"{THEN}Z"},
        {"gwTime": "2036-01-01T00:00:00Z"},
    ),
    "GNSS of a gateway": gateways({"timeSinceGpsEpoch": f"{GPS_SECONDS}.000000s"}),
    "the recorder's clock": {
        "tst": "2026-09-26T09:30:00.0+0200",
        "topic": TOPIC,
        "payload": event(),
    },
    "a recorder's clock, the event as text": {
        "timestamp": SECONDS * 1000,
        "topic": TOPIC,
        "payload": json.dumps(event()),
    },
}


@pytest.mark.parametrize("how", STATED)
def test_an_event_has_the_time_that_its_recording_states(tmp_path: Path, how: str) -> None:
    recording = read(tmp_path, json.dumps(STATED[how]))
    assert [m.uplink and isoformat(m.uplink.event_time) for m in recording.messages] == [f"{THEN}Z"]
    assert recording.faults == ()
    (message,) = recording.messages
    sent = recording.server.read(message.topic, message.payload, Instant(NOW + DAY))
    assert isinstance(sent, Uplink)
    assert sent.event_time == MOMENT, "agents find it in the event"


def test_a_time_before_the_topic_and_one_in_protobuf(tmp_path: Path) -> None:
    text = f"2026-09-26T09:30:00+0200 {TOPIC} {json.dumps(event())}\n"
    message = json_format.ParseDict(event(), integration.UplinkEvent()).SerializeToString()
    text += f"2026-09-26T09:30:00+0200 {TOPIC} {message.hex()}\n"
    recording = read(tmp_path, text)
    assert [m.uplink and m.uplink.event_time for m in recording.messages] == [MOMENT, MOMENT]


def test_the_events_own_time_comes_before_the_recorders(tmp_path: Path) -> None:
    envelope = {"tst": f"{THEN}Z", "topic": TOPIC, "payload": event(time="2026-09-20T07:30:00Z")}
    (message,) = read(tmp_path, json.dumps(envelope)).messages
    assert message.uplink
    assert isoformat(message.uplink.event_time) == "2026-09-20T07:30:00Z"


def test_the_things_stack_is_dated_alike(tmp_path: Path) -> None:
    document = tts.uplink(1, MOMENT)
    document["received_at"] = document["uplink_message"]["received_at"] = THEN
    document["uplink_message"]["rx_metadata"] = []
    recording = read(tmp_path, json.dumps(document))
    assert [m.uplink and m.uplink.event_time for m in recording.messages] == [MOMENT]


@pytest.mark.parametrize("stated", [{}, {"time": "yesterday"}, {"time": "2036-01-01T00:00:00Z"}])
def test_an_event_without_a_time_is_of_now_and_that_is_said(
    tmp_path: Path, stated: dict[str, Any]
) -> None:
    recording = read(tmp_path, json.dumps(event(**stated)) + "\n" + json.dumps(event(**stated)))
    assert [m.uplink and m.uplink.event_time for m in recording.messages] == [NOW, NOW]
    (fault,) = recording.faults
    assert fault.english.startswith("line 1 and 1 more: an uplink without a time that can be used")
