"""What an installation says about its public pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

if TYPE_CHECKING:
    from fastapi import FastAPI


class WebSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses that the pages link to, who may embed them, and how often they ask for news.

    `frame_ancestors` are origins such as ``https://www.musterstadt.de``; none by default.
    A feedback address may be ``mailto:…``. Raises ValueError for an origin that is none.
    """

    accessibility_url: str = ""
    feedback_url: str = ""
    imprint_url: str = ""
    privacy_url: str = ""
    frame_ancestors: tuple[str, ...] = ()
    poll_seconds: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 20

    def __post_init__(self) -> None:
        for origin in self.frame_ancestors:
            if not origin.startswith(("https://", "http://")) or set(origin) & set(" ;,'\"\r\n"):
                raise ValueError(
                    f"frame_ancestors: {origin!r} is no origin; write https://www.example.de"
                )
        for name in ("accessibility_url", "feedback_url", "imprint_url", "privacy_url"):
            address = getattr(self, name)
            if address and not address.startswith(("https://", "http://", "mailto:", "/")):
                raise ValueError(f"{name}: write an address beginning with https:// or mailto:")

    @property
    def content_security_policy(self) -> str:
        """Nothing but our own style, script and data."""
        return (
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
            "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors "
            + (" ".join(self.frame_ancestors) or "'none'")
        )


def use_settings(app: FastAPI, settings: WebSettings) -> None:
    """Give an application its web settings; without, the defaults hold."""
    app.state.web_settings = settings


def settings_of(app: FastAPI) -> WebSettings:
    """The settings an application was given."""
    settings = getattr(app.state, "web_settings", None)
    return settings if isinstance(settings, WebSettings) else WebSettings()
