"""The sentence of an error that is not ours: what it means and what helps, in both languages."""

from __future__ import annotations

import errno
import re
import socket
import tomllib

from stadtsinn.base.sentence import Explained, Sentence

_AWAY = Sentence(
    "nobody answers there: check the address, and that the server runs",
    "dort antwortet niemand: die Adresse prüfen, und ob der Server läuft",
)
_NOT_ALLOWED = Sentence(
    "not allowed for this user: run as the user of the service, or change owner and mode",
    "diesem Benutzer nicht erlaubt: als Benutzer des Dienstes ausführen oder Eigentümer und "
    "Rechte ändern",
)
_FULL = Sentence("the disk is full: make room", "der Datenträger ist voll: Platz schaffen")
_TOO_MANY_FILES = Sentence(
    "too many files are open: raise the limit (LimitNOFILE= of the service)",
    "zu viele Dateien sind offen: die Grenze anheben (LimitNOFILE= des Dienstes)",
)

_OF_THE_SYSTEM = {
    errno.ENOENT: Sentence("is not there: check the path", "gibt es nicht: den Pfad prüfen"),
    errno.ENOTDIR: Sentence("is no folder: name one", "ist kein Ordner: einen Ordner angeben"),
    errno.EISDIR: Sentence("is a folder: name a file", "ist ein Ordner: eine Datei angeben"),
    errno.EEXIST: Sentence(
        "is there already: take another name, or move it away",
        "gibt es schon: einen anderen Namen nehmen oder sie wegräumen",
    ),
    errno.ENOTEMPTY: Sentence(
        "is not empty: take another folder, or empty it",
        "ist nicht leer: einen anderen Ordner nehmen oder ihn leeren",
    ),
    errno.ENAMETOOLONG: Sentence("this name is too long", "dieser Name ist zu lang"),
    errno.EACCES: _NOT_ALLOWED,
    errno.EPERM: _NOT_ALLOWED,
    errno.EROFS: Sentence(
        "nothing can be written there: the file system is read-only",
        "dort lässt sich nichts schreiben: das Dateisystem ist schreibgeschützt",
    ),
    errno.ENOSPC: _FULL,
    errno.EDQUOT: _FULL,
    errno.EFBIG: Sentence(
        "the file is larger than this file system or user may have",
        "die Datei ist größer, als Dateisystem oder Benutzer es erlauben",
    ),
    errno.EIO: Sentence(
        "the disk cannot be read or written: check it ('dmesg')",
        "der Datenträger lässt sich nicht lesen oder schreiben: ihn prüfen ('dmesg')",
    ),
    errno.EBUSY: Sentence(
        "is in use: end what uses it", "ist in Gebrauch: beenden, was ihn benutzt"
    ),
    errno.EMFILE: _TOO_MANY_FILES,
    errno.ENFILE: _TOO_MANY_FILES,
    errno.ENOMEM: Sentence(
        "this machine has too little memory for it", "dieser Rechner hat zu wenig Speicher dafür"
    ),
    errno.EADDRINUSE: Sentence(
        "another program has this address: end it, or configure another port",
        "ein anderes Programm hat diese Adresse: es beenden oder einen anderen Port einstellen",
    ),
    errno.EADDRNOTAVAIL: Sentence(
        "this machine does not have this address: configure one of its own",
        "dieser Rechner hat diese Adresse nicht: eine eigene einstellen",
    ),
    errno.ECONNREFUSED: _AWAY,
    errno.ECONNRESET: _AWAY,
    errno.EHOSTUNREACH: _AWAY,
    errno.ENETUNREACH: _AWAY,
    errno.ETIMEDOUT: _AWAY,
}
_NO_SUCH_HOST = Sentence(
    "there is no machine of this name: check the name, and that names are found (DNS)",
    "einen Rechner dieses Namens gibt es nicht: den Namen prüfen, und ob Namen gefunden werden "
    "(DNS)",
)
_NOT_UTF8 = Sentence("is no UTF-8: save it as UTF-8", "ist kein UTF-8: als UTF-8 speichern")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def explained(error: BaseException) -> Sentence:
    """What an error says. One that nobody has explained says in both languages what it has."""
    if isinstance(error, Explained):
        return error.sentence
    if isinstance(error, OSError):
        return why(error).about(error.filename or "")
    if isinstance(error, UnicodeDecodeError):
        return _NOT_UTF8
    if isinstance(error, tomllib.TOMLDecodeError):
        return _no_toml(str(error))
    return Sentence(str(error), str(error))


def why(error: OSError) -> Sentence:
    """The same without the file, for a text that names it."""
    if isinstance(error, Explained):
        return error.sentence
    if isinstance(error, socket.gaierror):
        return _NO_SUCH_HOST
    if isinstance(error, TimeoutError) and error.errno is None:
        return _AWAY
    if error.errno in _OF_THE_SYSTEM:
        return _OF_THE_SYSTEM[error.errno]
    said = error.strerror or str(error) or type(error).__name__
    return Sentence(said, f"das System meldet: {said}")


def reason(error: OSError | UnicodeDecodeError) -> Sentence:
    """What is wrong alone, for a text that names the file, and a remedy of its own."""
    said = why(error) if isinstance(error, OSError) else explained(error)
    return Sentence(said.english.partition(": ")[0], said.german.partition(": ")[0])


def _no_toml(said: str) -> Sentence:
    found = _PLACE.search(said)
    line, column = found.groups() if found else (None, None)
    place = f"in Zeile {line}, Spalte {column}" if line else "am Ende der Datei"
    return Sentence(
        f"no valid TOML: {said}",
        f"kein gültiges TOML, {place} ({_PLACE.sub('', said)}): den Eintrag dort prüfen",
    )
