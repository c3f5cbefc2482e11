"""What `stadtsinn serial` prints of a sensor; never a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from stadtsinn.base.counted import counted
from stadtsinn.cli.language import in_words, text, yes_or_no
from stadtsinn.cli.output import print_json, say

if TYPE_CHECKING:
    from stadtsinn.firmware.sensors.sensor import Change, Sensor
    from stadtsinn.firmware.sensors.settings import Setting


def facts(sensor: Sensor) -> Iterator[tuple[str, str]]:
    from stadtsinn.firmware.sensors.settings import Setting

    unknown = text("not told", "nicht genannt")
    yield (
        text("kind", "Art"),
        text(
            f"{sensor.kind}, at {sensor.baud} baud",
            f"{sensor.kind}, mit {sensor.baud} Baud",
        ),
    )
    yield text("model", "Modell"), sensor.model or unknown
    yield text("firmware", "Firmware"), sensor.firmware or unknown
    for setting in (Setting.DEV_EUI, Setting.JOIN_EUI):
        yield _label(setting), sensor.values.get(setting, unknown)
    set_or_not = {
        True: text("set", "gesetzt"),
        False: text("not set", "nicht gesetzt"),
        None: text("cannot be read", "nicht lesbar"),
    }
    yield "AppKey", set_or_not[sensor.key_is_set]
    yield _label(Setting.JOIN_MODE), _shown(Setting.JOIN_MODE, sensor.values.get(Setting.JOIN_MODE))
    yield (
        _label(Setting.INTERVAL_S),
        _shown(Setting.INTERVAL_S, sensor.values.get(Setting.INTERVAL_S)),
    )
    joined = unknown if sensor.joined is None else yes_or_no(sensor.joined)
    yield text("in the network", "im Netz"), joined


def fields(sensor: Sensor) -> dict[str, object]:
    from stadtsinn.firmware.sensors.settings import Setting

    return {
        "kind": sensor.kind,
        "baud": sensor.baud,
        "model": sensor.model,
        "firmware": sensor.firmware,
        **{one.value: sensor.values.get(one) for one in Setting if one is not Setting.APP_KEY},
        "app_key_set": sensor.key_is_set,
        "joined": sensor.joined,
    }


def say_changes(sensor: Sensor, changes: Sequence[Change], json_lines: bool, dry_run: bool) -> None:
    from stadtsinn.firmware.sensors.settings import Setting

    whose = sensor.values.get(Setting.DEV_EUI, "")
    for one in changes:
        secret = one.setting is Setting.APP_KEY
        if json_lines:
            fields = {"setting": one.setting.value, "before": one.before, "after": one.after}
            if secret:
                fields = {"setting": one.setting.value}
            print_json({"dev_eui": whose, **fields, "dry_run": dry_run})
        elif secret:
            say(f"  ~ AppKey: {text('becomes another one', 'wird ein anderer')}")
        else:
            before, after = _shown(one.setting, one.before), _shown(one.setting, one.after)
            say(f"  ~ {_label(one.setting)}: {before} -> {after}")
    if json_lines:
        return
    if not changes:
        say(
            text(
                f"{whose}: everything is as it is wanted", f"{whose}: alles ist schon wie verlangt"
            )
        )
    elif dry_run:
        say(
            text(
                f"{whose}: {counted(len(changes), 'setting', 'settings')} would change; nothing "
                "was",
                f"{whose}: {counted(len(changes), 'Einstellung', 'Einstellungen')} zu ändern; "
                "nichts geändert",
            )
        )


def _label(setting: Setting) -> str:
    from stadtsinn.firmware.sensors.sensor import NAMES

    return in_words(NAMES[setting])


def _shown(setting: Setting, value: str | None) -> str:
    from stadtsinn.firmware.sensors.settings import ABP, OTAA, Setting

    if value is None:
        return text("not told", "nicht genannt")
    if setting is Setting.JOIN_MODE:
        return {OTAA: "OTAA", ABP: "ABP"}.get(value, value)
    return f"{value} s" if setting is Setting.INTERVAL_S else value
