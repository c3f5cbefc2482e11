"""The output of `stadtsinn redecode`, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stadtsinn.base import berlin
from stadtsinn.base.counted import counted
from stadtsinn.cli.language import grouped, text
from stadtsinn.cli.output import print_json, print_list, say
from stadtsinn.cli.times import shown_moment
from stadtsinn.cloud.series.redecode.report import Device, DeviceChanges, SeriesChanges
from stadtsinn.cloud.series.redecode.repository import Redecoding
from stadtsinn.cloud.series.redecode.service import Done
from stadtsinn.decoders.vocabulary import QUANTITIES

NOT_CHANGED = ("live", "alerts")


def print_done(done: Done, *, as_json: bool) -> None:
    """What changed: each device, then the whole; in JSON a line for each of these."""
    if as_json:
        for device, changes in done.report.in_order():
            print_json(_device_fields(device, changes))
        print_json(_whole_fields(done))
        return
    for (tenant, dev_eui), changes in done.report.in_order():
        say(f"{dev_eui}  {tenant}")
        for line in _device_lines(changes):
            say(f"    {line}")
    for line in _whole_lines(done):
        say(line)


def _device_fields(device: Device, changes: DeviceChanges) -> dict[str, Any]:
    return {
        "tenant": device[0],
        "dev_eui": device[1],
        "uplinks": changes.uplinks,
        "decoders": _decoders(changes.decoders.items()),
        "now_decoded": changes.now_decoded,
        "no_longer_decoded": changes.no_longer_decoded,
        "other_error": changes.other_error,
        "series": [
            {
                "quantity": quantity,
                "channel": channel,
                "unit": _unit(quantity),
                "new": one.new,
                "gone": one.gone,
                "changed": one.changed,
                "largest_difference": one.largest,
                "quality": [
                    {"from": old, "to": new, "values": count}
                    for (old, new), count in sorted(one.quality.items())
                ],
            }
            for (quantity, channel), one in sorted(changes.series.items())
        ],
    }


def _whole_fields(done: Done) -> dict[str, Any]:
    report = done.report
    return {
        "dry_run": done.redecoding is None,
        "redecoding": done.redecoding,
        "uplinks": report.uplinks,
        "differing": report.differing,
        "devices": len(report.devices),
        "decoders": _decoders(report.decoders.items()),
        "left_alone": done.left_alone,
        "refused": sum(one.count for one in done.refused),
        "not_changed": NOT_CHANGED,
    }


def _decoders(items: Any) -> list[dict[str, Any]]:
    return [{"old": old, "new": new, "uplinks": n} for (old, new), n in sorted(items)]


def _unit(quantity: str) -> str:
    known = QUANTITIES.get(quantity)
    return known.unit if known is not None else ""


def _device_lines(changes: DeviceChanges) -> Iterator[str]:
    yield text(
        f"{counted(changes.uplinks, 'uplink differs', 'uplinks differ')}",
        f"{counted(changes.uplinks, 'Uplink', 'Uplinks')} anders",
    )
    for (old, new), count in sorted(changes.decoders.items()):
        yield f"{old or '–'} → {new or '–'}: {count}"
    if changes.now_decoded:
        yield text(
            f"errors: {changes.now_decoded} now decoded",
            f"Fehler: {changes.now_decoded} jetzt dekodiert",
        )
    if changes.no_longer_decoded:
        yield text(
            f"errors: {changes.no_longer_decoded} no longer decoded",
            f"Fehler: {changes.no_longer_decoded} nicht mehr dekodiert",
        )
    if changes.other_error:
        yield text(
            f"errors: {changes.other_error} with another reason",
            f"Fehler: {changes.other_error} mit anderem Grund",
        )
    for (quantity, channel), one in sorted(changes.series.items()):
        yield f"{quantity}{f' [{channel}]' if channel else ''}: {_series_line(quantity, one)}"


def _series_line(quantity: str, one: SeriesChanges) -> str:
    said = []
    if one.new:
        said.append(text(f"{one.new} new", f"{one.new} neu"))
    if one.gone:
        said.append(text(f"{one.gone} gone", f"{one.gone} entfallen"))
    if one.changed:
        largest = f"{one.largest:.6g} {_unit(quantity)}".strip()
        said.append(
            text(
                f"{one.changed} changed (by {largest} at most)",
                f"{one.changed} geändert (um höchstens {largest})",
            )
        )
    said += [f"{old} → {new}: {count}" for (old, new), count in sorted(one.quality.items())]
    return ", ".join(said)


def _whole_lines(done: Done) -> Iterator[str]:
    report = done.report
    part = grouped(report.differing)
    uplinks = counted(grouped(report.uplinks), "uplink", "uplinks")
    of_german = counted(grouped(report.uplinks), "Uplink", "Uplinks")
    devices = text(
        counted(len(report.devices), "device", "devices"),
        counted(len(report.devices), "Gerät", "Geräte"),
    )
    if done.redecoding is None:
        yield text(
            f"Dry run: {part} of {uplinks} would be logged otherwise, {devices}.",
            f"Probelauf: {part} von {of_german} anders protokolliert, {devices}.",
        )
    else:
        yield text(
            f"{part} of {uplinks} changed, {devices} (record {done.redecoding}).",
            f"{part} von {of_german} geändert, {devices} (Eintrag {done.redecoding}).",
        )
    if done.left_alone:
        yield text(
            f"Newer uplinks of the range that were left alone: {done.left_alone}. The follower "
            "'series' has not passed them. If an older version decoded them, run again later.",
            f"Neuere Uplinks des Zeitraums, die unberührt blieben: {done.left_alone}. Die "
            "Auswertung 'series' ist noch nicht an ihnen vorbei. Hat eine ältere Version sie "
            "dekodiert, später wiederholen.",
        )
    if done.refused:
        refused = sum(one.count for one in done.refused)
        yield text(
            f"Refused by the series store: {counted(refused, 'value', 'values')}. The log has all.",
            f"Vom Reihenspeicher abgelehnt: {counted(refused, 'Wert', 'Werte')}. Das Log hat alle.",
        )
    yield text(
        "Live occupancy, alerts and messages of the past are not changed.",
        "Belegung, Alarme und Nachrichten der Vergangenheit bleiben unverändert.",
    )


def print_records(records: Sequence[Redecoding], empty: str, *, as_json: bool) -> None:
    print_list(
        records,
        {
            text("No.", "Nr."): lambda one: str(one.id),
            text("Started", "Begonnen"): lambda one: shown_moment(one.started_at),
            text("Finished", "Beendet"): _finished,
            text("By", "Von"): lambda one: one.started_by,
            text("Uplinks from", "Uplinks ab"): lambda one: shown_moment(one.chosen.start),
            text("Uplinks to", "Uplinks bis"): lambda one: shown_moment(one.chosen.end),
            text("Decoders", "Dekoder"): _changed_decoders,
        },
        _record_fields,
        as_json=as_json,
        empty=empty,
    )


def _finished(one: Redecoding) -> str:
    if one.finished_at is None:
        return text("not finished", "nicht beendet")
    return shown_moment(one.finished_at)


def _changed_decoders(one: Redecoding) -> str:
    return ", ".join(f"{d['old'] or '–'} → {d['new'] or '–'}: {d['uplinks']}" for d in one.decoders)


def _record_fields(one: Redecoding) -> dict[str, Any]:
    """A record of a run, as the database keeps it."""
    chosen = one.chosen
    return {
        "redecoding": one.id,
        "by": one.started_by,
        "started": berlin.isoformat(one.started_at),
        "finished": None if one.finished_at is None else berlin.isoformat(one.finished_at),
        "from": berlin.isoformat(chosen.start),
        "to": berlin.isoformat(chosen.end),
        "tenant": chosen.tenant_id,
        "devices": sorted(chosen.devices),
        "decoders": one.decoders,
    }
