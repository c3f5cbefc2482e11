"""What `stadtsinn trace` says is missing next, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from stadtsinn.base.counted import counted
from stadtsinn.base.instant import SECOND, Instant
from stadtsinn.cli.ages import age, span
from stadtsinn.cli.language import in_words, text
from stadtsinn.decoders.reading import Undecoded
from stadtsinn.decoders.undecoded import why_undecoded

if TYPE_CHECKING:
    from stadtsinn.cloud.operations.trace import Trace


def next_step(found: Trace, now: Instant) -> str:
    """One sentence, with the remedy."""
    missing, eui = found.missing, found.dev_eui
    told = dict(missing.told)
    since = told.get("since")
    ago = age(since if isinstance(since, int) else None, now)  # type: ignore[arg-type]
    interval = told.get("interval_s")
    every = span(interval * SECOND) if isinstance(interval, int) else ""
    times = told.get("times")
    aside = (
        (
            (
                "What is in quarantine is taken by itself then: "
                f"{counted(times, 'uplink', 'uplinks')}."
            ),
            (
                "Was in Quarantäne liegt, wird dann von selbst übernommen: "
                f"{counted(times, 'Meldung', 'Meldungen')}."
            ),
        )
        if times
        else (
            "nothing of it is in quarantine either: does its network server publish to us?",
            "auch in Quarantäne liegt nichts von ihm: Veröffentlicht sein Netzwerkserver an uns?",
        )
    )
    edge, follower = told.get("edge", ""), told.get("follower", "")
    sentences = {
        "nothing": (
            "Nothing is missing: the last uplink went all the way, and the next is not overdue.",
            "Nichts fehlt: Die letzte Meldung kam ganz durch, die nächste ist nicht überfällig.",
        ),
        "not_registered": (
            (
                "Next: register the device ('stadtsinn registry apply'). No town has "
                f"{eui}; {aside[0]}"
            ),
            (
                "Als Nächstes: das Gerät anlegen ('stadtsinn registry apply'). Keine Stadt hat "
                f"{eui}; {aside[1]}"
            ),
        ),
        "quarantined": (
            (
                f"Next: the log. Its newest uplink was not taken ({told.get('reason')}: "
                f"{told.get('detail')}): 'stadtsinn cloud quarantine show {told.get('id')}'"
            ),
            (
                "Als Nächstes: das Log. Die neueste Meldung wurde nicht übernommen "
                f"({told.get('reason')}: {told.get('detail')}): 'stadtsinn cloud quarantine show "
                f"{told.get('id')}'"
            ),
        ),
        "never_heard": (
            (
                "Next: the radio. Nothing ever came: has the device joined at the network "
                "server, and does that publish to a broker that an edge or the cloud reads? See "
                "its events there."
            ),
            (
                "Als Nächstes: der Funk. Noch nie kam etwas: Ist das Gerät am Netzwerkserver "
                "angemeldet (Join), und veröffentlicht dieser an einen Broker, den ein Agent "
                "oder die Zentrale liest? Siehe die Ereignisse dort."
            ),
        ),
        "silent": (
            (
                f"Next: the radio. Nothing came for {ago}, expected every {every}; the way from "
                "the gateway on is open. Look at its events at the network server, then at its "
                "battery and place."
            ),
            (
                f"Als Nächstes: der Funk. Seit {ago} kam nichts, erwartet alle {every}; der Weg "
                "ab dem Gateway ist frei. Erst die Ereignisse am Netzwerkserver ansehen, dann "
                "Batterie und Standort."
            ),
        ),
        "edge_away": (
            (
                f"Next: edge '{edge}' has been away for {ago}. It keeps what comes and delivers it "
                "later: look at its power, its line, its certificate ('stadtsinn edge check' "
                "there)."
            ),
            (
                f"Als Nächstes: Agent '{edge}' ist seit {ago} fort. Er verwahrt, was kommt, und "
                "liefert es nach: Strom, Leitung und Zertifikat prüfen ('stadtsinn edge check' "
                "dort)."
            ),
        ),
        "edge_stopped": (
            f"Next: edge '{edge}' was stopped {ago} ago: 'systemctl start stadtsinn-edge' there.",
            (
                f"Als Nächstes: Agent '{edge}' wurde vor {ago} beendet: dort 'systemctl start "
                "stadtsinn-edge'."
            ),
        ),
        "edge_waits": (
            (
                f"Next: delivery. Edge '{edge}' holds "
                f"{counted(told.get('items'), 'item', 'items')}, the "
                "oldest for "
                f"{ago}: look at its health page, and whether 'stadtsinn cloud run' takes from the "
                "broker."
            ),
            (
                f"Als Nächstes: die Lieferung. Agent '{edge}' hält "
                f"{counted(told.get('items'), 'Meldung', 'Meldungen')}, die älteste seit {ago}: "
                "seine "
                "Zustandsseite ansehen, und ob 'stadtsinn "
                "cloud run' vom Broker liest."
            ),
        ),
        "edge_full": (
            f"Next: the spool. Edge '{edge}' takes nothing: {told.get('refuses')}",
            (
                f"Als Nächstes: der Zwischenspeicher. Agent '{edge}' nimmt nichts an: "
                f"{told.get('refuses')}"
            ),
        ),
        "edge_alone": (
            (
                f"Next: edge '{edge}' has no connection to its network server's broker: is "
                "ChirpStack and its Mosquitto running there?"
            ),
            (
                f"Als Nächstes: Agent '{edge}' hat keine Verbindung zum Broker seines "
                "Netzwerkservers: Laufen ChirpStack und dessen Mosquitto dort?"
            ),
        ),
        "undecoded": (
            (
                f"Next: decoding ({undecoded_in_words(told)}). Is the device type "
                "right? Correct it, then 'stadtsinn redecode'."
            ),
            (
                f"Als Nächstes: das Dekodieren ({undecoded_in_words(told)}). "
                "Stimmt der Gerätetyp? Berichtigen, dann 'stadtsinn redecode'."
            ),
        ),
        "no_station": (
            (
                "Next: a station. The device measured at none at that time: 'stadtsinn device "
                f"move {eui} STATION --at …'"
            ),
            (
                "Als Nächstes: eine Messstelle. Das Gerät war zu dieser Zeit an keiner eingebaut: "
                f"'stadtsinn device move {eui} MESSSTELLE --at …'"
            ),
        ),
        "set_aside": (
            (
                f"Next: '{follower}' could not apply it ({told.get('reason')}) and went on: "
                "'stadtsinn cloud set-aside list'; once the reason is gone 'stadtsinn cloud "
                f"rebuild {follower}'"
            ),
            (
                f"Als Nächstes: '{follower}' konnte sie nicht verarbeiten ({told.get('reason')}) "
                "und ging weiter: 'stadtsinn cloud set-aside list'; ist der Grund fort, "
                f"'stadtsinn cloud rebuild {follower}'"
            ),
        ),
        "behind": (
            (
                f"Next: '{follower}' is {counted(told.get('behind'), 'uplink', 'uplinks')} "
                "behind and moved "
                f"{ago} ago: "
                "is 'stadtsinn cloud run' running with this role? /healthz says what keeps it."
            ),
            (
                f"Als Nächstes: '{follower}' ist "
                f"{counted(told.get('behind'), 'Meldung', 'Meldungen')} "
                "zurück, zuletzt "
                f"vor {ago} weitergekommen: Läuft 'stadtsinn cloud run' mit dieser Rolle? "
                "/healthz sagt, was sie aufhält."
            ),
        ),
        "not_stored": (
            (
                f"Next: the series. '{told.get('quantity')}' of '{told.get('station')}' is not "
                "in the store, though it was written: is its retention over, or was the store "
                "restored? 'stadtsinn cloud rebuild series' makes it anew."
            ),
            (
                f"Als Nächstes: die Messreihe. '{told.get('quantity')}' von "
                f"'{told.get('station')}' fehlt im Speicher, obwohl sie geschrieben wurde: Ist "
                "ihre Aufbewahrung zu Ende, oder wurde der Speicher zurückgesetzt? 'stadtsinn "
                "cloud rebuild series' bildet sie neu."
            ),
        ),
        "store_away": (
            f"Next: the series. {told.get('error')}",
            f"Als Nächstes: die Messreihe. {told.get('error')}",
        ),
    }
    return text(*sentences[missing.why])


def undecoded_in_words(told: Mapping[str, object]) -> str:
    """Why the payload was not decoded."""
    outcome = Undecoded(str(told.get("reason", "")), str(told.get("message", "")))
    return in_words(why_undecoded(outcome))
