"""What an installation says about its public pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from pydantic import AfterValidator, Field

from stadtsinn.base.sentence import Unusable
from stadtsinn.base.settings.reading import Section

if TYPE_CHECKING:
    from fastapi import FastAPI


def _origin(text: str) -> str:
    if not text.startswith(("https://", "http://")) or set(text) & set(" ;,'\"\r\n"):
        raise Unusable(
            f"{text!r} is no origin; write https://www.example.de",
            f"{text!r} ist kein Ursprung; https://www.example.de schreiben",
        )
    return text


def _link(text: str) -> str:
    if text and not text.startswith(("https://", "http://", "mailto:", "/")):
        raise Unusable(
            "write an address beginning with https:// or mailto:",
            "eine Adresse schreiben, die mit https:// oder mailto: beginnt",
        )
    return text


Link = Annotated[str, AfterValidator(_link)]


class WebSettings(Section):
    """Addresses that the pages link to, who may embed them, and how often they ask for
    new numbers.

    `frame_ancestors` are origins such as ``https://www.musterstadt.de``; none by default.
    A feedback address may be ``mailto:…``.
    """

    accessibility_url: Link = ""
    feedback_url: Link = ""
    imprint_url: Link = ""
    privacy_url: Link = ""
    frame_ancestors: tuple[Annotated[str, AfterValidator(_origin)], ...] = ()
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] = 20

    @property
    def content_security_policy(self) -> str:
        """Allows only our own style, script and data."""
        return (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
            "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
            + (" ".join(self.frame_ancestors) or "'none'")
        )


def settings_of(app: FastAPI) -> WebSettings:
    """The settings an application was given."""
    return cast(WebSettings, app.state.web_settings)
