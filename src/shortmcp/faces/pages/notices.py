"""Pages that say why a link leads nowhere."""

from collections.abc import Sequence
from functools import cache

from shortmcp.faces.pages import texts
from shortmcp.faces.pages.rendering import NO_FORMS, Page, render
from shortmcp.faces.pages.texts import Notice

AWAY_SECONDS = 5


def unknown_page(suggestions: Sequence[str] = ()) -> Page:
    """404: a code that nobody has. `suggestions` are short URLs that the visitor may have meant."""
    return _notice(404, "unknown", texts.UNKNOWN, suggestions) if suggestions else _unknown_page()


@cache
def expired_page() -> Page:
    """410: its time is over."""
    return _notice(410, "expired", texts.EXPIRED)


@cache
def used_up_page() -> Page:
    """410: it has had all the visits that it was made for."""
    return _notice(410, "used_up", texts.USED_UP)


@cache
def disabled_page() -> Page:
    """410: its owner has switched it off."""
    return _notice(410, "disabled", texts.DISABLED)


@cache
def gone_page() -> Page:
    """410: it was deleted."""
    return _notice(410, "gone", texts.GONE)


@cache
def secret_gone_page() -> Page:
    """410: a secret that was opened, has expired or was destroyed; which of it is nobody's business."""
    return _notice(410, "secret_gone", texts.SEALED_GONE)


@cache
def blocked_page() -> Page:
    """403: its destination is unsafe. Not 410, for a verdict may be lifted; not 451, for it is no matter of law."""
    return _notice(403, "blocked", texts.BLOCKED)


@cache
def away_page() -> Page:
    """503: the database is away."""
    page = _notice(503, "away", texts.AWAY)
    page.headers.append((b"retry-after", b"%d" % AWAY_SECONDS))
    return page


@cache
def _unknown_page() -> Page:
    return _notice(404, "unknown", texts.UNKNOWN)


def _notice(status: int, glyph: str, notice: Notice, suggestions: Sequence[str] = ()) -> Page:
    values = {"glyph": glyph, "notice": notice, "suggestions": suggestions}
    return render("notice.html", status, values, NO_FORMS)
