"""What can go wrong between a laptop and a sensor, each with what helps."""

from __future__ import annotations

from stadtsinn.base.sentence import Explained, Sentence


class LineTrouble(Explained):
    """Whatever has to do with cable, adapter and speed."""


class LineAway(LineTrouble, OSError):
    """The port cannot be opened."""


class LineCut(LineTrouble):
    """The port went away while it was in use."""

    def __init__(self, port: str, during: Sentence | None = None) -> None:
        at = (
            Sentence("", "")
            if during is None
            else Sentence(f" {during.english}", f" {during.german}")
        )
        super().__init__(
            f"the line to {port} was cut{at.english}: plug it in again and call the same command "
            "again; it looks at what is there and does the rest",
            f"die Verbindung zu {port} ist abgerissen{at.german}: wieder einstecken und denselben "
            "Befehl noch einmal aufrufen; er sieht nach, was schon da ist, und macht den Rest",
        )
        self.port = port


class NobodyAnswers(LineTrouble):
    """Nothing that is an answer came at any speed."""


class UnknownKind(LineTrouble):
    """Somebody answers, in no dialect that is known."""


class NoAnswer(LineTrouble):
    """A sensor that answered before did not answer this."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the sensor does not answer to {what}: check the cable, switch the sensor off and on, "
            "then call again",
            f"der Sensor antwortet nicht auf {what}: Kabel prüfen, den Sensor aus- und "
            "einschalten, dann noch einmal",
        )


class StillBusy(LineTrouble):
    def __init__(self) -> None:
        super().__init__(
            "the sensor is busy all the time, most likely with joining: register it at the network "
            "server first, or wait a minute and call again",
            "der Sensor ist dauernd beschäftigt, wohl mit dem Join: ihn erst am Netzwerkserver "
            "anlegen, oder eine Minute warten und noch einmal",
        )


class WrongPassword(Explained):
    def __init__(self, *, given: bool) -> None:
        if given:
            super().__init__(
                "the sensor does not take this password: it stands on the sensor's box or its "
                "sticker; nothing was changed by this attempt",
                "der Sensor nimmt dieses Passwort nicht an: es steht auf der Schachtel oder dem "
                "Aufkleber; dieser Versuch hat nichts geändert",
            )
        else:
            super().__init__(
                "the sensor is locked, and not by the vendor's usual password: give its own by "
                "--password-file",
                "der Sensor ist gesperrt, und nicht mit dem üblichen Passwort des Herstellers: "
                "seines mit --password-file angeben",
            )


class Rejected(Explained):
    """The sensor knows the command and does not do it."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(
            f"the sensor refuses {name} ({said}): its firmware may not allow it; change it with "
            "the vendor's tool, or leave it out",
            f"der Sensor lehnt {name} ab ({said}): vielleicht erlaubt es seine Firmware nicht; es "
            "mit dem Werkzeug des Herstellers ändern oder weglassen",
        )


class NoSuchSetting(Explained):
    """This firmware has no such setting."""

    def __init__(self, name: Sentence) -> None:
        super().__init__(
            f"this sensor's firmware has no {name.english} to be set: leave the option out",
            f"die Firmware dieses Sensors kennt diese Einstellung nicht ({name.german}): die "
            "Option weglassen",
        )


class NotKept(Explained):
    """What was written is not what is read back."""


class NotJoined(Explained):
    """The network did not take the sensor in, and why that may be."""
