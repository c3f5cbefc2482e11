"""How devices are, by their last uplinks. Those of these tests report every ten minutes."""

from __future__ import annotations

from fake_uplinks import at
from operated_town import DEVICE, OTHER, Town
from stadtsinn.cloud.operations.devices import DeviceView, Presence, devices
from stadtsinn.decoders.reading import Quality, Reading, Undecoded


def view(town: Town, seconds: float, dev_eui: str = DEVICE) -> DeviceView:
    with town.database.read() as connection:
        (found,) = devices(connection, at(seconds), dev_eui=dev_eui)
    return found


def test_one_that_was_never_heard_and_one_that_is_silent(town: Town) -> None:
    assert view(town, 0).presence is Presence.NEVER
    town.log(0)
    found = view(town, 3 * 600)
    assert (found.presence, found.seen_at, found.source) == (Presence.FINE, at(0), "edge:rathaus")
    assert (found.rssi, found.snr, found.gateways, found.trouble) == (-71, 9.2, 1, None)
    assert view(town, 3 * 600 + 1).presence is Presence.SILENT
    assert view(town, 3 * 600 + 1, OTHER).presence is Presence.NEVER


def test_the_last_one_is_the_newest_by_event_time(town: Town) -> None:
    """What was delivered late is no news."""
    town.log(1000)
    town.log(100, outcome=Undecoded("truncated", "2 bytes are missing"))
    found = view(town, 1100)
    assert (found.seen_at, found.trouble) == (at(1000), None)


def test_trouble_is_that_of_the_last_uplink(town: Town) -> None:
    unread = Undecoded("unknown_port", "port 9")
    town.log(0, outcome=unread)
    assert view(town, 1).trouble == unread
    bad = Reading("soil_moisture", 400, quality=Quality.BAD, reason="out_of_range")
    town.log(600, Reading("air_temperature", 20), bad)
    assert view(town, 601).trouble == bad
    town.log(1200)
    assert view(town, 1201).trouble is None


def test_the_battery_may_stand_in_an_earlier_uplink(town: Town) -> None:
    town.log(0, Reading("battery_level", 15))
    town.log(600)
    found = view(town, 601)
    assert found.battery is not None
    assert (found.battery.value, found.battery_is_low) == (15, True)
    town.log(1200, Reading("battery_level", 16), Reading("battery_voltage", 3.1))
    found = view(town, 1201)
    assert found.battery is not None
    assert (found.battery.quantity, found.battery_is_low) == ("battery_level", False)


def test_a_voltage_does_not_say_whether_it_is_low(town: Town) -> None:
    town.log(0, Reading("battery_voltage", 2.4))
    assert not view(town, 1).battery_is_low
    town.log(600, Reading("battery_voltage", 2.4), Reading("battery_low", 1))
    assert view(town, 601).battery_is_low
    doubtful = Reading("battery_level", 3, quality=Quality.SUSPECT, reason="x")
    town.log(1200, doubtful, Reading("battery_low", 0))
    found = view(town, 1201)
    assert found.battery is not None
    assert (found.battery.quantity, found.battery_is_low) == ("battery_low", False)


def test_a_town_sees_its_own(town: Town) -> None:
    with town.database.read() as connection:
        found = devices(connection, at(0), "nachbar")
        assert [one.dev_eui for one in found] == ["70b3d50000000200"]
        assert len(devices(connection, at(0))) == 3
