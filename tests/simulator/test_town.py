"""Musterstadt as it is entered into the registry."""

from __future__ import annotations

import re

from stadtsinn.decoders.catalogue import catalogue
from stadtsinn.rules.kinds.threshold import Threshold
from stadtsinn.simulator.market_day.town import PERMITTED, SPARE_SENSOR, musterstadt


def test_the_town_is_as_large_as_documented() -> None:
    town = musterstadt()
    types = [device.device_type for device in town.devices]
    assert (types.count("dragino/lse01"), types.count("bosch/tps110")) == (9, 12), (
        "eight trees, and a spare sensor"
    )
    assert types.count("decentlab/dl-atm41") == 1
    assert len(town.zones[0].gates) == 5


def test_every_device_type_is_catalogued_and_every_eui_unique() -> None:
    town = musterstadt()
    assert all(device.device_type in catalogue() for device in town.devices)
    assert len({device.dev_eui for device in town.devices}) == len(town.devices)


def test_phone_numbers_are_ones_that_nobody_can_have() -> None:
    """+49 176 040690 00…99 is kept free for films by the Bundesnetzagentur."""
    for recipient in musterstadt().recipients:
        assert re.fullmatch(r"\+4917604069\d{3}", recipient.address)
        assert recipient.address.startswith("+49176040690")


def test_references_inside_the_town_hold() -> None:
    town = musterstadt()
    sites = {site.slug for site in town.sites}
    people = {recipient.slug for recipient in town.recipients}
    assert {device.site for device in town.devices} <= sites
    stations = {station.slug for station in town.stations}
    assert {gate.station for gate in town.zones[0].gates} <= stations
    without = [device.dev_eui for device in town.devices if device.station is None]
    assert without == [SPARE_SENSOR]
    assert {device.station for device in town.devices} - {None} == stations
    for rule in town.rules:
        assert set(rule.recipients) <= people
        assert (rule.station in stations) != (rule.zone == town.zones[0].slug)


def test_the_market_rule_warns_before_the_permit_is_reached() -> None:
    rule = musterstadt().rules[0]
    assert isinstance(rule.parameters, Threshold)
    assert rule.parameters.off < rule.parameters.on < PERMITTED
