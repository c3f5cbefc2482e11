"""Consistent names: the same thing has the same name in every device file of the catalogue."""

from __future__ import annotations

import math
import re

from device_examples import every_device
from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.reading import Decoded
from stadtsinn.decoders.vocabulary import quantity

CHANNEL = re.compile(r"[a-z0-9_{}]*|L[ACZ](eq|[FSI](max)?)")
"""Small letters, digits and underscores; sound levels keep their names, such as LAeq."""

OTHER_WORDS = {
    "minimum": "min",
    "lowest": "min",
    "maximum": "max",
    "highest": "max",
    "average": "mean",
    "avg": "mean",
    "adc": "analog",
}
"""Vendors' words, and the ones that our channels use instead."""

PAIRING_KEY = "A1A2A3A4A5A6A7A8"


@every_device
def test_channels_are_named_alike(device: DeviceType) -> None:
    """One spelling, and one word each for lowest, highest, mean and the analog input."""
    for slot in device.fields:
        assert CHANNEL.fullmatch(slot.channel), slot
        for word in slot.channel.split("_"):
            assert word not in OTHER_WORDS, f"{slot.channel}: {OTHER_WORDS[word]}"


@every_device
def test_a_sensor_measures_within_what_is_plausible(device: DeviceType) -> None:
    """A sensor's range is within the quantity's: a wider one would make impossible values good."""
    for slot in device.fields:
        known = quantity(slot.quantity)
        assert known.low <= slot.low < slot.high <= known.high, slot


@every_device
def test_a_temperature_says_of_what(device: DeviceType) -> None:
    """Of air, soil, water, the device; else the channel names the probe, or a note explains it."""
    bare = [s for s in device.fields if s.quantity == "temperature" and not s.channel]
    assert all(slot.note for slot in bare)


@every_device
def test_a_distance_of_nothing_is_no_distance(device: DeviceType) -> None:
    """Sensors have a blind zone, and many send 0 when they see nothing."""
    assert all(slot.low > 0 for slot in device.fields if slot.quantity == "distance")


@every_device
def test_no_constant_stands_for_the_calibration_of_a_single_sensor(device: DeviceType) -> None:
    """A default is what the vendor builds into every device; a scale on a label has none."""
    given = {name for name, value in device.constants.items() if not math.isnan(value)}
    assert given <= {"tips_per_mm", "slope", "offset"}


@every_device
def test_a_summary_is_one_sentence(device: DeviceType) -> None:
    """Lists of devices show it."""
    assert re.fullmatch(r"\S[^\n]*[^.\s]\.", device.file.summary)
    assert ". " not in device.file.summary


@every_device
def test_a_pairing_key_is_not_shown(device: DeviceType) -> None:
    """The key of device-to-device messages is a secret; decoded fields are not."""
    port = device.file.examples[0].port
    outcome, vendor = device.decode_with_vendor(port, bytes.fromhex("FF35" + PAIRING_KEY))
    if isinstance(outcome, Decoded):
        assert PAIRING_KEY.lower() not in str(vendor).lower()


def test_the_devices_with_a_pairing_key_hide_it() -> None:
    """The test above is not empty: there are devices with such a key."""
    _, vendor = catalogue().decode_with_vendor(
        "milesight/em500-smtc", 85, bytes.fromhex("FF35" + PAIRING_KEY)
    )
    assert vendor == {"d2d_key": "***"}
