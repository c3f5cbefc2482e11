"""Labels that were scanned, held against the delivery: which device is it, and is it in order?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from stadtsinn.base.sentence import Sentence, Unusable
from stadtsinn.cloud.platform.api.fields import refuse_nobodys
from stadtsinn.cloud.provisioning.keyboards import undone
from stadtsinn.cloud.provisioning.labels import Label, NoDevice, read_label
from stadtsinn.cloud.provisioning.order import Order
from stadtsinn.cloud.provisioning.tr005 import NOBODY
from stadtsinn.cloud.town_file.device_csv import DeviceRow


class Owner(StrEnum):
    """Who has a device in the registry."""

    NOBODY = "nobody"
    THIS_TOWN = "this_town"
    ANOTHER = "another"


_NOTHING = Label()


class Outcome(StrEnum):
    SCANNED = "scanned"
    """It is in the delivery list, and ticked there."""
    AGAIN = "again"
    REGISTERED = "registered"
    """It is in no list, but the town has it already."""
    NOT_LISTED = "not_listed"
    REFUSED = "refused"
    """The label contradicts the list, or the device is another town's."""
    UNREADABLE = "unreadable"
    NO_DEVICE = "no_device"


FINE = frozenset({Outcome.SCANNED, Outcome.AGAIN, Outcome.REGISTERED})


@dataclass(frozen=True)
class Finding:
    """What came of one code, or of one photo without any. `source` names file or line; `said` is
    what is wrong, or worth a word."""

    source: str
    outcome: Outcome
    label: Label = _NOTHING
    name: str = ""
    said: Sentence | None = None

    @property
    def fine(self) -> bool:
        return self.outcome in FINE


class Scanning:
    """One round with photos or a scanner. `order` has what was found so far."""

    def __init__(self, order: Order, owner: Callable[[str], Owner]) -> None:
        self.order = order
        self._owner = owner
        self._rows = {row.dev_eui: row for row in order.rows}
        self._serials = order.serials()
        self._first: dict[str, str] = {}

    def missing(self) -> list[DeviceRow]:
        """Devices of the delivery whose labels nobody has scanned yet."""
        scanned = {label.dev_eui for label in self.order.labels}
        return [row for row in self.order.rows if row.dev_eui not in scanned]

    def typed(self, line: str, source: str) -> Finding:
        """What a hand scanner typed, or a person."""
        text, other_layout = undone(line.strip())
        found = self.take(text, source)
        return replace(found, said=found.said or _OTHER_LAYOUT) if other_layout else found

    def take(self, text: str, source: str) -> Finding:
        """A code's text."""
        try:
            label = read_label(text)
        except NoDevice as error:
            return Finding(source, Outcome.NO_DEVICE, said=error.sentence)
        except Unusable as error:
            return Finding(source, Outcome.UNREADABLE, said=error.sentence)
        dev_eui = self._dev_eui(label)
        if not dev_eui:
            return Finding(source, Outcome.NOT_LISTED, label, said=_unknown(label))
        label = replace(label, dev_eui=dev_eui, euis=())
        row = self._rows.get(dev_eui)
        name = _name(row)
        owner = self._owner(dev_eui)
        if (wrong := self._wrong(label, row, owner)) is not None:
            return Finding(source, Outcome.REFUSED, label, name, wrong)
        first = self._first.setdefault(dev_eui, source)
        if label.serial:
            self._serials.setdefault(label.serial.upper(), dev_eui)
        self.order = self.order.with_label(label)
        if row is None:
            if owner is Owner.THIS_TOWN:
                return Finding(source, Outcome.REGISTERED, label, name)
            return Finding(source, Outcome.NOT_LISTED, label, name, _unknown(label))
        if first != source:
            said = Sentence(f"the same as in {first}", f"dasselbe wie in {first}")
            return Finding(source, Outcome.AGAIN, label, name, said)
        return Finding(source, Outcome.SCANNED, label, name)

    def _dev_eui(self, label: Label) -> str:
        """Which device a label is of: as it says, else as the list knows; empty where nobody can
        tell."""
        if label.dev_eui:
            return label.dev_eui
        if (known := self._serials.get(label.serial.upper())) is not None:
            return known
        listed = [one for one in label.euis if one in self._rows]
        own = [one for one in label.euis if self._owner(one) is not Owner.NOBODY]
        for candidates in (listed, own, () if label.serial else label.euis):
            if len(candidates) == 1:
                return candidates[0]
        return ""

    def _wrong(self, label: Label, row: DeviceRow | None, owner: Owner) -> Sentence | None:
        try:
            refuse_nobodys(label.dev_eui)
        except Unusable as error:
            return error.sentence
        if row is None and label.join_eui in self._rows:
            return _SWAPPED
        if owner is Owner.ANOTHER:
            return Sentence(
                "it is registered already, by another town: delete it there, or hand it over with "
                f"'stadtsinn device hand-over {label.dev_eui} TOWN'",
                "es ist schon bei einer anderen Stadt angelegt: dort löschen, oder mit 'stadtsinn "
                f"device hand-over {label.dev_eui} STADT' übergeben",
            )
        if row is None:
            return None
        if label.join_eui not in {"", NOBODY, row.join_eui or label.join_eui}:
            return Sentence(
                f"the label says JoinEUI {label.join_eui}, the delivery list {row.join_eui}: ask "
                "the supplier which is right, and import a corrected list",
                f"auf dem Aufkleber steht die JoinEUI {label.join_eui}, in der Lieferliste "
                f"{row.join_eui}: den Lieferanten fragen und die richtige Liste importieren",
            )
        if row.serial and label.serial and row.serial.upper() != label.serial.upper():
            return Sentence(
                "the serial number of the label is another than that in the delivery list: is the "
                "label on the wrong device? Compare with the housing",
                "die Seriennummer auf dem Aufkleber ist eine andere als in der Lieferliste: klebt "
                "er auf dem falschen Gerät? Mit dem Gehäuse vergleichen",
            )
        return None


def _name(row: DeviceRow | None) -> str:
    return "" if row is None else str(row.values.get("name", row.fallback_name))


def _unknown(label: Label) -> Sentence:
    if label.dev_eui:
        return Sentence(
            "it is in no delivery list: import the one that has it, 'stadtsinn device import'",
            "es steht in keiner Lieferliste: die importieren, in der es steht, 'stadtsinn device "
            "import'",
        )
    if label.serial:
        return Sentence(
            "the code has a serial number only, which no delivery list has: import one with DevEUI "
            "and serial number, or type the DevEUI",
            "der Code hat nur eine Seriennummer, und keine Lieferliste kennt sie: eine mit DevEUI "
            "und Seriennummer importieren, oder die DevEUI abtippen",
        )
    return Sentence(
        "the code has several numbers, and no delivery list has one of them: import the list, or "
        "type the DevEUI",
        "der Code hat mehrere Nummern, und keine Lieferliste kennt eine davon: die Liste "
        "importieren, oder die DevEUI abtippen",
    )


_SWAPPED = Sentence(
    "DevEUI and JoinEUI are swapped, in the code or in the delivery list: compare with what is "
    "printed on the device, then correct the list, or type the DevEUI",
    "DevEUI und JoinEUI sind vertauscht, im Code oder in der Lieferliste: mit dem Aufdruck am "
    "Gerät vergleichen, dann die Liste berichtigen oder die DevEUI abtippen",
)
_OTHER_LAYOUT = Sentence(
    "typed with another keyboard layout, and understood: set the scanner to the layout of this "
    "computer",
    "mit anderer Tastaturbelegung getippt und verstanden: den Scanner auf die Belegung dieses "
    "Rechners einstellen",
)
