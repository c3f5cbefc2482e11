"""The planner is pure: what differs makes a step, and what a step brings makes it vanish."""

from __future__ import annotations

from dataclasses import replace

from stadtsinn.cloud.provisioning.model import (
    Keys,
    Present,
    PresentDevice,
    PresentProfile,
    Profile,
    Wanted,
    WantedDevice,
)
from stadtsinn.cloud.provisioning.planner import Step, Thing, plan
from stadtsinn.edge.network_servers.chirpstack import DEVICE_TAG

EUI = "70b3d57ed0001234"
KEYS = Keys("2b7e151628aed2a6abf7158809cf4f3c")
PROFILE = Profile("dragino/lse01", "EU868", "1.0.3", False, False, 1200)
DEVICE = WantedDevice(EUI, "Eiche", "dragino/lse01", "dragino/lse01", keys=KEYS)
WANTED = Wanted("Musterstadt", None, "stadtsinn", (PROFILE,), (DEVICE,))
THERE = PresentDevice(EUI, "Eiche", "p1", "0" * 16, {DEVICE_TAG: "dragino/lse01"}, KEYS)
PRESENT = Present(
    "t1",
    "a1",
    {"dragino/lse01": PresentProfile("p1", PROFILE, True, "dragino/lse01")},
    {EUI: THERE},
)


def steps(wanted: Wanted, present: Present) -> list[Step]:
    return list(plan(wanted, present).steps)


def with_device(**changed: object) -> Present:
    return replace(PRESENT, devices={EUI: replace(THERE, **changed)})  # type: ignore[arg-type]


def with_profile(**changed: object) -> Present:
    found = PRESENT.profiles["dragino/lse01"]
    other = replace(found, profile=replace(found.profile, **changed))  # type: ignore[arg-type]
    return replace(PRESENT, profiles={"dragino/lse01": other})


def test_nothing_differs() -> None:
    assert steps(WANTED, PRESENT) == []
    assert len(plan(WANTED, PRESENT)) == 0


def test_nothing_is_wanted() -> None:
    assert steps(replace(WANTED, devices=(), profiles=()), Present()) == []


def test_nothing_is_there() -> None:
    assert [(step.creates, step.thing) for step in steps(WANTED, Present())] == [
        (True, Thing.TENANT),
        (True, Thing.APPLICATION),
        (True, Thing.PROFILE),
        (True, Thing.DEVICE),
        (True, Thing.KEYS),
    ]


def test_a_device_without_a_key_in_the_order_leaves_that_of_the_server() -> None:
    keyless = replace(WANTED, devices=(replace(DEVICE, keys=None),))
    assert steps(keyless, PRESENT) == []
    assert [step.thing for step in steps(keyless, replace(PRESENT, devices={}))] == [Thing.DEVICE]


def test_keys_that_are_missing_are_created_and_others_changed() -> None:
    assert steps(WANTED, with_device(keys=None)) == [Step(True, Thing.KEYS, EUI)]
    other = with_device(keys=Keys("00" * 16))
    assert steps(WANTED, other) == [Step(False, Thing.KEYS, EUI)]


def test_each_difference_of_a_device_is_told() -> None:
    wanted = replace(WANTED, devices=(replace(DEVICE, join_eui="70b3d57ed0000001"),))
    present = with_device(name="old", profile_id="p9", tags={})
    (step,) = steps(wanted, present)
    assert step.detail == (
        "name: old → Eiche, profile: p9 → dragino/lse01, "
        "join_eui: 0000000000000000 → 70b3d57ed0000001, stadtsinn_device: - → dragino/lse01"
    )


def test_a_profile_is_changed_in_what_was_stated() -> None:
    assert steps(WANTED, with_profile(uplink_interval_s=60)) == []
    assert steps(WANTED, with_profile(lorawan_version="1.0.4")) == []
    assert steps(WANTED, with_profile(codec="function decodeUplink() {}")) == []
    (region,) = steps(WANTED, with_profile(region="US915"))
    assert region == Step(False, Thing.PROFILE, "dragino/lse01", "region: US915 → EU868")
    stated = replace(WANTED, profiles=(replace(PROFILE, version_stated=True),))
    (version,) = steps(stated, with_profile(lorawan_version="1.0.4"))
    assert version.detail == "lorawan_version: 1.0.4 → 1.0.3"
    decoding = replace(WANTED, profiles=(replace(PROFILE, codec="new"),))
    (codec,) = steps(decoding, with_profile(codec="old"))
    assert codec.detail == "codec", "no page of JavaScript"


def test_a_device_of_others_is_refused_and_left() -> None:
    planned = plan(WANTED, with_device(owner="'parking' (Nachbarstadt)", name="other"))
    assert len(planned) == 0
    (refusal,) = planned.refusals
    assert refusal.dev_eui == EUI
    assert "'parking' (Nachbarstadt)" in refusal.said.english
