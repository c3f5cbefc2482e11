"""`edge check` and `cloud check`: certificates of the connections, and who may read the keys."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from stadtsinn.base import berlin
from stadtsinn.base.counted import counted
from stadtsinn.base.sentence import Sentence
from stadtsinn.cli.findings import Finding, warning
from stadtsinn.cli.frame import BAD_USAGE, FAILED
from stadtsinn.cli.language import in_words, text

if TYPE_CHECKING:
    from stadtsinn.base import certificates
    from stadtsinn.base.instant import Instant
    from stadtsinn.base.mqtt.broker import Broker

_FOR_ALL = 0o007
_CHANGED_BY_GROUP = 0o020
_CHANGED_BY_ALL = 0o002


def of_broker(broker: Broker, now: Instant, name: str | None = None) -> Iterator[Finding]:
    """What is wrong with the files of a connection. `name`: by which the broker is to know us."""
    from stadtsinn.base.certificates import examine

    tls = broker.tls
    if tls is None:
        return
    found = [_in_words(one, name) for one in examine(tls, now, name)]
    yield from found
    if tls.key is not None:
        yield from of_secret(tls.key)
    if not any(one.code == BAD_USAGE for one in found):
        try:  # whatever else OpenSSL has against them
            tls.context()
        except ValueError as error:
            yield Finding(in_words(error), BAD_USAGE)


def of_file(path: Path, now: Instant) -> Iterator[Finding]:
    """Whether a certificate is valid."""
    from stadtsinn.base.certificates import aged

    yield from (_in_words(one, None) for one in aged(path, now))


def of_secret(path: Path) -> Iterator[Finding]:
    """Who may read or change a key or a password, beside its owner and its group."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return  # said elsewhere
    if mode & _FOR_ALL or mode & _CHANGED_BY_GROUP:
        yield Finding(
            text(
                f"{path} is open to others (mode {mode:04o}): 'chmod u=rw,g=r,o= {path}'; if it "
                "was so for long, make it anew",
                f"{path} steht anderen offen (Rechte {mode:04o}): 'chmod u=rw,g=r,o= {path}'; war "
                "das lange so, neu ausstellen",
            )
        )
    yield from of_folder(path.parent)


def of_folder(folder: Path) -> Iterator[Finding]:
    """Whether everybody may put files into a folder."""
    try:
        mode = stat.S_IMODE(folder.stat().st_mode)
    except OSError:
        return
    if mode & _CHANGED_BY_ALL and not mode & stat.S_ISVTX:  # there nobody takes others' files away
        yield Finding(
            text(
                f"everybody may change what is in {folder} (mode {mode:04o}): 'chmod o-w {folder}'",
                f"alle dürfen ändern, was in {folder} liegt (Rechte {mode:04o}): "
                f"'chmod o-w {folder}'",
            )
        )


def _in_words(finding: certificates.Finding, name: str | None) -> Finding:
    from stadtsinn.base.certificates import Fault

    path, detail = finding.path, finding.detail
    reason = detail.german if isinstance(detail, Sentence) else detail
    day = f"{berlin.local(finding.at):%Y-%m-%d}"
    texts = {
        Fault.UNREADABLE: (f"{path}: {detail}", f"{path} ist nicht lesbar: {reason}"),
        Fault.OTHER_KEY: (
            f"{path} is not the key of {detail}: take both from the same folder of 'stadtsinn ca'",
            (
                f"{path} ist nicht der Schlüssel zu {detail}: beide aus demselben Ordner von "
                "'stadtsinn ca' nehmen"
            ),
        ),
        Fault.NOT_YET: (
            f"{path} is not valid before {day}: is this machine's clock right?",
            f"{path} gilt erst ab {day}: Stimmt die Uhr dieses Rechners?",
        ),
        Fault.ENDED: (
            f"{path} ended on {day}: make a new one ('stadtsinn ca … --renew', docs/broker.md)",
            (
                f"{path} ist am {day} abgelaufen: ein neues ausstellen ('stadtsinn ca … --renew', "
                "docs/broker.md)"
            ),
        ),
        Fault.ENDS_SOON: (
            (
                f"{path} ends in {counted(detail, 'day', 'days')}, on {day}: renew it "
                "('stadtsinn ca … --renew', "
                "docs/broker.md)"
            ),
            (
                f"{path} läuft in {counted(detail, 'Tag', 'Tagen')} ab, am {day}: erneuern "
                "('stadtsinn ca … --renew', "
                "docs/broker.md)"
            ),
        ),
        Fault.OTHER_NAME: (
            (
                f"{path} is for '{detail}' (CN), edge_id is '{name}': the broker knows the agent "
                "by its certificate; they must be the same"
            ),
            (
                f"{path} lautet auf '{detail}' (CN), edge_id ist '{name}': der Broker kennt den "
                "Agenten nach dem Zertifikat; beide müssen gleich sein"
            ),
        ),
        Fault.OTHER_AUTHORITY: (
            (
                f"{path} was not issued by an authority in {detail}: take both from the same "
                "folder of 'stadtsinn ca', or add its authority to that file"
            ),
            (
                f"{path} stammt von keiner Zertifikatsstelle in {detail}: beide aus demselben "
                "Ordner von 'stadtsinn ca' nehmen, oder seine Stelle in diese Datei aufnehmen"
            ),
        ),
        Fault.NOT_FOR_CLIENTS: (
            (
                f"{path} is no certificate for clients (extended key usage): 'stadtsinn ca edge' "
                "makes one; that of the broker does not do"
            ),
            (
                f"{path} ist kein Zertifikat für Clients (extended key usage): 'stadtsinn ca edge' "
                "stellt eines aus; das des Brokers passt nicht"
            ),
        ),
    }
    words = text(*texts[finding.fault])
    if finding.is_warning:
        return warning(words)
    unusable = finding.fault in (Fault.UNREADABLE, Fault.OTHER_KEY)
    return Finding(words, BAD_USAGE if unusable else FAILED)
