"""Plain pages for visitors: self-contained, in the reader's light or dark scheme, without a script."""

from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from string import Template

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #596275; --paper: #f6f7f9; --accent: #2f5bd7; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8ebf2; --soft: #a3acbf; --paper: #14171f; --accent: #8fb0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 2rem;
  background: var(--paper); color: var(--ink); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { max-width: 30rem; }
p.status { margin: 0; color: var(--accent); font-weight: 600; letter-spacing: .04em; }
h1 { margin: .25rem 0 .75rem; font-size: clamp(1.6rem, 5vw, 2.2rem); line-height: 1.2; text-wrap: balance; }
p { margin: 0 0 1rem; color: var(--soft); }
"""
_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<p class="status">$status</p>
<h1>$title</h1>
<p>$text</p>
</main>
</body>
</html>
""")
_POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + b64encode(sha256(_STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Page:
    """A page that is ready to be sent."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@cache
def unknown_page() -> Page:
    """For a code that nobody has."""
    return _page(404, "There is no such link", "Check the address for a typing mistake, or ask whoever gave it to you.")


@cache
def gone_page() -> Page:
    """For a link that is disabled, has expired or was deleted."""
    return _page(
        410, "This link does not work any more", "It was switched off, has run out, or was deleted by its owner."
    )


@cache
def away_page() -> Page:
    """For the time that the database is away."""
    page = _page(503, "This link cannot be looked up right now", "Please try again in a few seconds.")
    page.headers.append((b"retry-after", b"5"))
    return page


def _page(status: int, title: str, text: str) -> Page:
    body = _PAGE.substitute(title=title, text=text, status=status, style=_STYLE).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"content-security-policy", _POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
    ]
    return Page(status, headers, body)
