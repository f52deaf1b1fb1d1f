"""The page that asks for a link's password. It says nothing of the link: not its title, not where it leads."""

from dataclasses import dataclass

from shortmcp.faces.pages import texts
from shortmcp.faces.pages.rendering import Page, render


@dataclass(frozen=True)
class WrongPassword:
    """The password that was sent is not the link's."""


@dataclass(frozen=True)
class TooManyTries:
    """Nothing was compared: there were too many wrong passwords before."""

    retry_after: int  # seconds


Problem = WrongPassword | TooManyTries


def password_page(action: str, problem: Problem | None = None) -> Page:
    """A form that posts the field `password` to `action`, a path of this server.

    200 without a problem, 403 for a wrong password, 429 with `Retry-After` for too many tries.

    The page has no `form-action` directive: Chromium applies it to the redirects after a form was sent too, and after
    the right password the redirect leads to another origin. The form's target is written here alone, and `base-uri`
    keeps it from being turned.
    """
    values = {"action": action, "problem": words_of(problem), "is_wrong": isinstance(problem, WrongPassword)}
    if isinstance(problem, TooManyTries):
        page = render("password.html", 429, values)
        page.headers.append((b"retry-after", b"%d" % problem.retry_after))
        return page
    return render("password.html", 200 if problem is None else 403, values)


def words_of(problem: Problem | None, wrong: str = texts.PROTECTED_WRONG) -> str:
    """What is wrong, in words; empty where nothing is."""
    match problem:
        case None:
            return ""
        case WrongPassword():
            return wrong
        case TooManyTries(seconds):
            return texts.too_many_tries(seconds)
