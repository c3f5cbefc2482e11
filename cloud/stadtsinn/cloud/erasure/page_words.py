"""What the page says beside what it reads from the tables: German, and English beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stadtsinn.cloud.platform.privacy.kept import Data, Until


class Words(NamedTuple):
    """The same in both languages."""

    german: str
    english: str


TITLE = Words(
    "Datenschutz: was diese Software aufbewahrt", "Data protection: what this software keeps"
)

INTRODUCTION = (
    Words(
        "Diese Seite ist für behördliche Datenschutzbeauftragte und für das Verzeichnis von "
        "Verarbeitungstätigkeiten (Art. 30 DSGVO). „stadtsinn privacy“ schreibt sie aus den "
        "Tabellen der eingesetzten Version: Was hier nicht steht, hat keine Spalte.",
        "This page is for data protection officers and the records of processing activities "
        "(Art. 30 GDPR). 'stadtsinn privacy' writes it from the tables of the version in use: what "
        "is not named here has no column.",
    ),
    Words(
        "Sensoren messen Boden, Wetter, Pegel und Anzahlen. Gezählt wird ohne Bild und ohne "
        "Gerätekennung von Personen: Zähler senden nur Zahlen. Sensoren, die WLAN- oder "
        "Bluetooth-Kennungen erfassen, sind nicht vorgesehen.",
        "Sensors measure soil, weather, water levels and numbers of persons. Counting uses no "
        "image and no identifier of a person's device: counters send numbers only. Sensors that "
        "record Wi-Fi or Bluetooth identifiers are not provided for.",
    ),
    Words(
        "Rechtsgrundlage, Verantwortliche und Empfänger trägt die Stadt in ihrem Verzeichnis ein. "
        "Mit dem SMS-Dienst und dem Betreiber der Zentrale braucht sie Verträge zur "
        "Auftragsverarbeitung (Art. 28 DSGVO).",
        "The town enters legal basis, controller and recipients in its own records. It needs "
        "processor contracts with the SMS provider and with the operator of this installation "
        "(Art. 28 GDPR).",
    ),
)

HEADINGS: Mapping[str, Words] = {
    "persons": Words("Wo Personen genannt sein können", "Where people may be named"),
    "periods": Words("Fristen, die eine Stadt setzen kann", "Periods that a town can set"),
    "tables": Words("Alles in der Datenbank", "Everything in the database"),
    "elsewhere": Words("Außerhalb der Datenbank", "Outside the database"),
    "erasing": Words("Wie gelöscht wird", "How it is erased"),
}

COLUMNS: Mapping[str, Words] = {
    "table": Words("Tabelle", "table"),
    "what": Words("Wozu", "what for"),
    "columns": Words("Spalten", "columns"),
    "classes": Words("Arten von Daten", "classes of data"),
    "until": Words("Wie lange", "how long"),
    "where": Words("Wo", "where"),
    "erased": Words("Wie gelöscht", "how it is erased"),
    "period": Words("Frist", "period"),
    "usual": Words("Sonst (Tage)", "usual (days)"),
    "command": Words("Befehl", "command"),
}

FOR_EVER = Words("unbegrenzt", "for ever")

DATA: Mapping[Data, Words] = {
    Data.KEY: Words("Kennungen", "identifiers"),
    Data.NAME: Words("Kurznamen", "short names"),
    Data.FACT: Words("Betriebsdaten", "facts of operation"),
    Data.SETTING: Words("Einstellungen", "settings"),
    Data.MEASURED: Words("Messwerte", "measured values"),
    Data.PLACE: Words("Standorte von Geräten", "places of devices"),
    Data.TEXT: Words("Freitexte", "free texts"),
    Data.PERSON: Words("personenbezogen", "personal"),
    Data.DIGEST: Words("Prüfsummen", "digests"),
    Data.FOREIGN: Words("fremde Bytes", "foreign bytes"),
}

UNTIL: Mapping[Until, Words] = {
    Until.LOG: Words("Frist log", "period log"),
    Until.ARCHIVE: Words("Frist archive", "period archive"),
    Until.SERIES: Words("Frist series", "period series"),
    Until.SAMPLES: Words("Frist samples", "period samples"),
    Until.OUTBOX: Words(
        "Nummer und Text: Frist outbox; der Vorgang, bis die Stadt gelöscht wird",
        "number and text: period outbox; the fact until the town is erased",
    ),
    Until.AUDIT: Words("Frist audit", "period audit"),
    Until.QUARANTINE: Words("{quarantine} Tage", "{quarantine} days"),
    Until.DELETED: Words("bis die Stadt es löscht", "until the town deletes it"),
    Until.RECORD: Words(
        "als Nachweis, bis Gerät oder Stadt gelöscht wird",
        "as a record, until device or town is erased",
    ),
    Until.RUNNING: Words("solange der Betrieb es braucht", "while operation needs it"),
}


class Elsewhere(NamedTuple):
    """Data outside of the database."""

    where: Words
    what: Words
    until: Words
    erased: Words


ELSEWHERE = (
    Elsewhere(
        Words("Archiv: Parquet-Dateien, eine je Tag", "archive: Parquet files, one a day"),
        Words("was Sensoren gesendet haben", "what sensors sent"),
        Words("Frist archive", "period archive"),
        Words("die Datei des Tages wird ohne sie neu geschrieben", "the day's file is made anew"),
    ),
    Elsewhere(
        Words("Messreihen: SQLite-Datei oder InfluxDB", "series: SQLite file or InfluxDB"),
        Words("Messwerte je Messstelle und Gerät", "values by station and device"),
        Words("Frist series, je Messreihe auch kürzer", "period series, shorter for a datastream"),
        Words("mit Stadt oder Gerät", "with town or device"),
    ),
    Elsewhere(
        Words("Edge-Agent: Puffer am Gateway", "edge agent: spool at the gateway"),
        Words("was Sensoren gesendet haben", "what sensors sent"),
        Words(
            "bis die Zentrale den Empfang bestätigt, danach noch 48 Stunden (spool.keep_hours)",
            "until the centre has acknowledged it, and 48 hours more (spool.keep_hours)",
        ),
        Words("mit der Datei des Puffers", "with the spool's file"),
    ),
    Elsewhere(
        Words("Broker: hinterlegte Konfiguration", "broker: retained configuration"),
        Words("Gerätetypen je Edge-Agent", "types of devices for each edge agent"),
        Words("solange es den Edge-Agenten gibt", "while there is the edge agent"),
        Words("nimmt die Zentrale zurück", "the centre takes it back"),
    ),
    Elsewhere(
        Words("Protokolle des Servers", "the server's logs"),
        Words(
            "Betriebsereignisse; Telefonnummern und Zugangsdaten sind unkenntlich",
            "events of operation; telephone numbers and credentials are masked",
        ),
        Words("wie der Betreiber sie vorhält", "as the operator keeps them"),
        Words("durch den Betreiber", "by the operator"),
    ),
    Elsewhere(
        Words("öffentliche Seiten", "public pages"),
        Words("keine Cookies, keine Inhalte Dritter", "no cookies, nothing from third parties"),
        Words(
            "Adressen der Abrufenden nur im Arbeitsspeicher",
            "addresses of callers in memory only",
        ),
        Words("mit dem Ende der Verbindung", "with the end of the connection"),
    ),
    Elsewhere(
        Words("Sicherungen", "backups"),
        Words("alles, was zu ihrer Zeit da war", "all that was there at their time"),
        Words("wie der Betreiber sie vorhält", "as the operator keeps them"),
        Words(
            "mit der Sicherung; nach dem Zurückspielen erneut löschen",
            "with the backup; after a restore erase again",
        ),
    ),
)

ERASING: tuple[tuple[str, Words], ...] = (
    (
        "stadtsinn personal find",
        Words(
            "sagt, wo jemand genannt ist (Auskunft, Art. 15), ohne andere zu zeigen",
            "says where a person is named (access, Art. 15), without showing others",
        ),
    ),
    (
        "stadtsinn personal erase",
        Words(
            "löscht Name, Nummer oder Adresse überall (Art. 17); dass gesendet wurde, bleibt",
            "erases name, number or address everywhere (Art. 17); that was sent stays",
        ),
    ),
    (
        "stadtsinn device erase DEVEUI",
        Words(
            "löscht Rohdaten, Messwerte, Quarantäne und Einbauten eines Geräts",
            "erases uplinks, values, quarantine and deployments of a device",
        ),
    ),
    (
        "stadtsinn tenant retention TOWN",
        Words("zeigt und setzt die Fristen", "shows and sets the periods"),
    ),
    (
        "stadtsinn tenant delete TOWN",
        Words(
            "löscht eine Stadt vollständig, andere bleiben unberührt",
            "erases a town wholly, others stay untouched",
        ),
    ),
)
