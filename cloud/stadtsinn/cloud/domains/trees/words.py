"""What a verdict says to a crew, in German and English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stadtsinn.base.counted import counted
from stadtsinn.base.decimals import with_sign
from stadtsinn.base.language import Language
from stadtsinn.base.sentence import Sentence
from stadtsinn.cloud.domains.trees.depths import DepthState, Finding, Scale, Trend
from stadtsinn.cloud.domains.trees.judging import Level, Verdict

LEVELS: Mapping[Level, Sentence] = {
    Level.URGENT: Sentence("urgent", "dringend"),
    Level.DUE: Sentence("due", "fällig"),
    Level.GOOD: Sentence("moist enough", "feucht genug"),
    Level.UNKNOWN: Sentence("not known", "nicht bekannt"),
    Level.RESTING: Sentence("winter rest", "Winterruhe"),
}
_TRENDS: Mapping[Trend, Sentence] = {
    Trend.DRYING: Sentence("getting drier", "wird trockener"),
    Trend.WETTING: Sentence("getting wetter", "wird feuchter"),
    Trend.STEADY: Sentence("steady", "gleichbleibend"),
}
FINDINGS: Mapping[Finding, Sentence] = {
    Finding.NO_DATA: Sentence("no values for 24 hours", "seit 24 Stunden keine Werte"),
    Finding.FROST: Sentence("frost in the soil", "Frost im Boden"),
    Finding.LOST_CONTACT: Sentence(
        "the sensor has lost contact with the soil", "der Sensor hat keinen Kontakt zum Boden"
    ),
    Finding.WATERLOGGED: Sentence(
        "waterlogged or a fault: look, do not water", "staunass oder gestört: ansehen, nicht gießen"
    ),
}
_NO_DEPTH = Sentence("nothing is measured there", "dort misst kein Sensor")
_KEPT = Sentence("last known level", "zuletzt bekannte Stufe")


def said(sentence: Sentence, language: Language) -> str:
    return sentence.german if language is Language.DE else sentence.english


def reason(verdict: Verdict, language: Language) -> str:
    """``30 cm: 86 kPa, seit 3 Tagen, wird trockener``."""
    if verdict.decided_by is None:
        return said(_NO_DEPTH, language)
    return ", ".join([*_of_depth(verdict.decided_by, language), *_kept(verdict, language)])


def health(verdict: Verdict, language: Language) -> str:
    """What is wrong with sensors, of each depth; empty where all is well."""
    return "; ".join(
        f"{_depth(one)}: {said(FINDINGS[one.finding], language)}"
        for one in verdict.findings
        if one.finding is not None
    )


def number(value: float, language: Language, decimals: int = 0) -> str:
    """With the decimal sign of the language; never a minus before a zero."""
    return with_sign(f"{round(value, decimals) + 0.0:.{decimals}f}", language)


def _of_depth(depth: DepthState, language: Language) -> Iterator[str]:
    if depth.value is None:
        yield f"{_depth(depth)}: {said(FINDINGS[depth.finding or Finding.NO_DATA], language)}"
        return
    unit = depth.scale.value
    yield f"{_depth(depth)}: {number(depth.value, language)} {unit}"
    if depth.scale is Scale.KPA and depth.nfk is not None:
        yield f"{number(depth.nfk, language)} {Scale.NFK.value}"
    if depth.dry_days:
        yield said(_since(depth.dry_days), language)
    yield said(_TRENDS[depth.trend], language)
    if depth.finding is not None:
        yield said(FINDINGS[depth.finding], language)


def _since(days: int) -> Sentence:
    return Sentence(f"for {counted(days, 'day', 'days')}", f"seit {counted(days, 'Tag', 'Tagen')}")


def _kept(verdict: Verdict, language: Language) -> Iterator[str]:
    if verdict.kept:
        yield said(_KEPT, language)


def _depth(depth: DepthState) -> str:
    return f"{depth.depth_cm:g} cm"
