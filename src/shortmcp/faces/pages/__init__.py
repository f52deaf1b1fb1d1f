"""Pages for visitors of short links: data in, a page ready to be sent out; nothing here knows a request."""

from shortmcp.faces.pages.notices import (
    away_page,
    blocked_page,
    disabled_page,
    expired_page,
    gone_page,
    secret_gone_page,
    unknown_page,
    used_up_page,
)
from shortmcp.faces.pages.opengraph import OpenGraph, masked_page, preview_page
from shortmcp.faces.pages.password import TooManyTries, WrongPassword, password_page
from shortmcp.faces.pages.paste import paste_page
from shortmcp.faces.pages.rendering import Page
from shortmcp.faces.pages.secrets import opened_secret_page, secret_page
from shortmcp.faces.pages.statistics import statistics_page

__all__ = [
    "OpenGraph",
    "Page",
    "TooManyTries",
    "WrongPassword",
    "away_page",
    "blocked_page",
    "disabled_page",
    "expired_page",
    "gone_page",
    "masked_page",
    "opened_secret_page",
    "password_page",
    "paste_page",
    "preview_page",
    "secret_gone_page",
    "secret_page",
    "statistics_page",
    "unknown_page",
    "used_up_page",
]
