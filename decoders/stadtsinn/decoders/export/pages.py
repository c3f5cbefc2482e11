"""Pages about device types in Markdown, generated from the device files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from stadtsinn.base.counted import counted
from stadtsinn.decoders.device_type import DeviceType
from stadtsinn.decoders.language.model import Example, Expected, Frame
from stadtsinn.decoders.program import Slot
from stadtsinn.decoders.units import unit_sign
from stadtsinn.decoders.vocabulary import quantity

FAMILIES = {
    "soil": "Soil · Boden",
    "weather": "Weather · Wetter",
    "people": "People · Personen",
    "parking": "Parking · Parken",
    "water": "Water, rain, flow · Wasser, Regen, Durchfluss",
    "generic": "Other · Sonstiges",
}
_NOTE = "<!-- Written by `stadtsinn decoders pages` from the device file; do not edit. -->"


def pages(devices: Sequence[DeviceType]) -> dict[str, str]:
    """Every page by its path: ``README.md`` and ``<vendor>/<device>.md``."""
    return {
        "README.md": _index(devices),
        **{f"{device.id}.md": page(device) for device in devices},
    }


def write_pages(devices: Sequence[DeviceType], folder: Path) -> int:
    """Write all pages, remove those of devices no longer in `devices`; returns their number."""
    wanted = pages(devices)
    for path, text in wanted.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    for old in folder.glob("*/*.md"):
        if str(old.relative_to(folder)) not in wanted:
            old.unlink()
    return len(wanted)


def page(device: DeviceType) -> str:
    """The page of one device type."""
    file = device.file
    facts = [
        ("Device type", f"`{device.id}`"),
        ("Family", FAMILIES[file.family]),
        ("Manual", file.manual),
        ("LoRaWAN class", file.lorawan_class),
        ("Battery", file.battery),
        ("Version of the decoder", str(file.version)),
        *((f"Constant `{name}`", f"{value:g}") for name, value in file.constants.items()),
    ]
    parts = [
        f"# {file.vendor} {file.product}",
        _NOTE,
        file.summary,
        _table(("", ""), facts),
        "## Readings · Messwerte",
        _table(
            ("Quantity", "Größe", "Channels", "Unit", "Plausible", "Note"),
            _slots(device.fields),
        ),
        "## Frames",
        _table(
            ("Frame", "Ports", "Recognised by", "Note"), [_frame(frame) for frame in file.frames]
        ),
        "## Firmware",
        _table(("Versions", "Note"), [(one.versions, one.note) for one in file.firmware]),
        "## Examples",
        *(_example(example) for example in file.examples),
    ]
    if file.deviations:
        parts += [
            "## Where the vendor's codec differs",
            _table(
                ("Port", "Payload", "Why"),
                [(str(one.port), f"`{one.bytes}`", one.why) for one in file.deviations],
            ),
        ]
    return "\n\n".join(parts) + "\n"


def _index(devices: Sequence[DeviceType]) -> str:
    parts = ["# Device types · Gerätetypen", _NOTE, f"{len(devices)} device types."]
    for family, title in FAMILIES.items():
        rows = [
            (f"[`{one.id}`]({one.id}.md)", f"{one.vendor} {one.product}", _quantities(one))
            for one in devices
            if one.family == family
        ]
        if rows:
            parts += [f"## {title} ({len(rows)})", _table(("Id", "Product", "Measures"), rows)]
    return "\n\n".join(parts) + "\n"


def _quantities(device: DeviceType) -> str:
    return ", ".join(dict.fromkeys(quantity(slot.quantity).label_en for slot in device.fields))


def _slots(slots: Iterable[Slot]) -> list[tuple[str, ...]]:
    """A row per quantity; channels of equal unit, range and note share one."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for slot in slots:
        known = quantity(slot.quantity)
        unit = unit_sign(slot.unit)
        bounds = f"{slot.low:g} … {slot.high:g}"
        row = (f"`{slot.quantity}`", known.label_de, unit, bounds, slot.note)
        alike.setdefault(row, []).append(slot.channel.replace("{}", "*n*"))
    return [
        (name, label, ", ".join(filter(None, channels)), *rest)
        for (name, label, *rest), channels in alike.items()
    ]


def _frame(frame: Frame) -> tuple[str, ...]:
    ports = ", ".join(map(str, frame.ports)) or "any"
    return frame.title, ports, ", ".join(_conditions(frame)), frame.note


def _conditions(frame: Frame) -> Iterator[str]:
    when = frame.when
    if isinstance(when.length, int):
        yield counted(when.length, "byte", "bytes")
    elif when.length is not None:
        yield f"{when.length[0]} to {when.length[1]} bytes"
    if when.prefix:
        yield f"begins with `{when.prefix}`"
    for test in when.tests:
        mask = f" in the bits `{test.mask}`" if test.mask else ""
        yield f"`{test.equals}` at byte {test.at}{mask}"


def _example(example: Example) -> str:
    given = ", ".join(f"{name} = {value:g}" for name, value in example.constants.items())
    about = f"port {example.port}; {example.source}" + (f"; {given}" if given else "")
    head = f"**{example.title}** ({about})\n\n`{example.bytes}`"
    if example.error:
        return f"{head}\n\nis refused: *{example.error}*."
    if not example.readings:
        return f"{head}\n\ngives no reading."
    return f"{head}\n\n" + "\n".join(f"- {_reading(reading)}" for reading in example.readings)


def _reading(reading: Expected) -> str:
    unit = unit_sign(quantity(reading.quantity).unit)
    channel = f" ({reading.channel})" if reading.channel else ""
    doubt = "" if reading.quality == "good" else f" — {reading.quality}: {reading.reason}"
    time = f", {reading.event_time}" if reading.event_time else ""
    return f"{reading.quantity}{channel}: {reading.value:.10g} {unit}".rstrip() + time + doubt


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [_row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
