"""What has to be done so that a network server has what is wanted. Pure: no clock, no network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import Enum
from itertools import chain

from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.provisioning.model import (
    Present,
    PresentDevice,
    PresentProfile,
    Profile,
    Wanted,
    WantedDevice,
)
from stadtsinn.edge.network_servers.chirpstack import DEVICE_TAG


class Thing(Enum):
    TENANT = "tenant"
    APPLICATION = "application"
    PROFILE = "device profile"
    DEVICE = "device"
    KEYS = "keys"


@dataclass(frozen=True)
class Step:
    """One thing to create, or to change. `name` is a DevEUI for devices and keys. `detail` names
    old and new values, never one of a key."""

    creates: bool
    thing: Thing
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Refusal:
    """Why a device cannot be registered, and what helps."""

    dev_eui: str
    said: Sentence


@dataclass(frozen=True)
class Plan:
    """`parents` one after the other, then the steps of each device, whose devices may come in any
    order. Where there are `refusals`, nothing is done."""

    parents: tuple[Step, ...]
    devices: tuple[tuple[Step, ...], ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def steps(self) -> Iterator[Step]:
        return chain(self.parents, *self.devices)

    def __len__(self) -> int:
        return len(self.parents) + sum(map(len, self.devices))


def plan(wanted: Wanted, present: Present) -> Plan:
    """The steps from what is present to what is wanted; none where nothing differs."""
    refusals = tuple(
        Refusal(found.dev_eui, _elsewhere(found.owner))
        for found in present.devices.values()
        if found.owner is not None
    )
    by_device = (tuple(_device(one, present)) for one in wanted.devices)
    return Plan(tuple(_parents(wanted, present)), tuple(filter(None, by_device)), refusals)


def _parents(wanted: Wanted, present: Present) -> Iterator[Step]:
    if not wanted.devices:
        return
    if present.tenant_id is None:
        yield Step(True, Thing.TENANT, wanted.tenant)
    if present.application_id is None:
        yield Step(True, Thing.APPLICATION, wanted.application)
    for profile in wanted.profiles:
        found = present.profiles.get(profile.name)
        if found is None:
            yield Step(True, Thing.PROFILE, profile.name)
        elif changes := _profile_changes(profile, found):
            yield Step(False, Thing.PROFILE, profile.name, ", ".join(changes))


def _profile_changes(wanted: Profile, found: PresentProfile) -> list[str]:
    changes = []
    unmanaged = {"uplink_interval_s", "version_stated"}
    if not wanted.version_stated:
        unmanaged.add("lorawan_version")
    for one in fields(Profile):
        new, old = getattr(wanted, one.name), getattr(found.profile, one.name)
        if one.name in unmanaged or new == old:
            continue
        if one.name == "codec":
            changes += ["codec"] if wanted.codec is not None else []
        else:
            changes.append(f"{one.name}: {old} → {new}")
    if not found.supports_otaa:
        changes.append("supports_otaa: False → True")
    if found.device_type != wanted.name:
        changes.append(f"{DEVICE_TAG}: {found.device_type or '-'} → {wanted.name}")
    return changes


def _device(wanted: WantedDevice, present: Present) -> Iterator[Step]:
    found = present.devices.get(wanted.dev_eui)
    if found is None:
        yield Step(True, Thing.DEVICE, wanted.dev_eui, wanted.name)
        if wanted.keys is not None:
            yield Step(True, Thing.KEYS, wanted.dev_eui)
        return
    if found.owner is not None:
        return
    if changes := list(_device_changes(wanted, found, present)):
        yield Step(False, Thing.DEVICE, wanted.dev_eui, ", ".join(changes))
    if wanted.keys is not None and wanted.keys != found.keys:
        yield Step(found.keys is None, Thing.KEYS, wanted.dev_eui)


def _device_changes(wanted: WantedDevice, found: PresentDevice, present: Present) -> Iterator[str]:
    if (name := new_name(wanted, found.name)) != found.name:
        yield f"name: {found.name or '-'} → {name}"
    profile = present.profiles.get(wanted.profile)
    if profile is None or profile.id != found.profile_id:
        names = {one.id: name for name, one in present.profiles.items()}
        yield f"profile: {names.get(found.profile_id, found.profile_id)} → {wanted.profile}"
    if wanted.join_eui and wanted.join_eui != found.join_eui:
        yield f"join_eui: {found.join_eui} → {wanted.join_eui}"
    if (tag := found.tags.get(DEVICE_TAG, "")) != wanted.device_type:
        yield f"{DEVICE_TAG}: {tag or '-'} → {wanted.device_type}"


def new_name(wanted: WantedDevice, present: str) -> str:
    """A device that has no name here keeps the one that it has there."""
    return present if present and wanted.name == wanted.dev_eui else wanted.name


def _elsewhere(owner: str) -> Sentence:
    return Sentence(
        f"is registered at ChirpStack under {owner}: delete it there first, or take it out of "
        "the list",
        f"ist bei ChirpStack unter {owner} angelegt: dort erst löschen, oder aus der Liste nehmen",
    )
