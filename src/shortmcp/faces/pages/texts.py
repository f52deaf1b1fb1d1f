"""Every word that the pages say of themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil

from shortmcp.core.reports.subscriptions import SubscriptionPublic

PRODUCT = "shortmcp"
FOOTER = "You followed a short link. Whoever made it decides where it leads."
SUGGESTIONS = "Did you mean one of these?"


@dataclass(frozen=True)
class Notice:
    """What is the matter, why, and what the visitor can do."""

    title: str
    text: str
    hint: str


_ASK = "Ask whoever gave it to you for a new one."

UNKNOWN = Notice(
    "There is no such link",
    "Nothing is kept at this address.",
    "Check it for a typing mistake, or ask whoever gave it to you.",
)
EXPIRED = Notice("This link has expired", "It was made to work for a limited time, and that time is over.", _ASK)
USED_UP = Notice(
    "This link has been used up", "It was made for a limited number of visits, and there are none left.", _ASK
)
DISABLED = Notice(
    "This link is switched off",
    "Its owner has turned it off, perhaps only for now.",
    "Try again later, or ask whoever gave it to you.",
)
GONE = Notice("This link was deleted", "Its owner has taken it away, and it does not work any more.", _ASK)
SEALED_GONE = Notice(
    "This secret is gone",
    "It was opened as often as it was meant to be, or its time is over. What it said is destroyed.",
    "If you did not open it yourself, tell whoever gave it to you: somebody else may have read it.",
)
BLOCKED = Notice(
    "This link was blocked",
    "The page behind it is considered unsafe. It may try to steal passwords or to install harmful software.",
    "Nothing was opened, and there is nothing that you need to do.",
)
AWAY = Notice(
    "This link cannot be looked up right now",
    "The trouble is on our side; the link itself is fine.",
    "Please try again in a few seconds.",
)

REPORTS_FOOTER = "You came here from a mail about the clicks of short links."
REPORTS_YES = "Yes, send me reports"
REPORTS_NO_PROJECT = "Stop these reports"
REPORTS_NONE = "Stop all mail from this workspace"
NO_SUBSCRIPTION = Notice(
    "This address is not complete",
    "No mail that was sent from here leads to it, so nothing was changed.",
    "Copy it from the mail once more, to its very end.",
)

PROTECTED_TITLE = "This link is protected"
PROTECTED_TEXT = "Enter its password to go on. Whoever gave you the link can tell you."
PROTECTED_LABEL = "Password"
PROTECTED_BUTTON = "Continue"
PROTECTED_WRONG = "That password is not right. Check it and try again."
# Before the title of a page that shows a form again: the first thing a screen reader says.
PROBLEM = "Problem:"

SEALED_TITLE = "Somebody shares a secret with you"
SEALED_TEXT = "It is not opened yet. Opening it uses it up, so do it when nobody looks over your shoulder."
SEALED_LABEL = "Passphrase"
SEALED_BUTTON = "Open the secret"
SEALED_HINT = "Have a place ready where you can keep what it says."
SEALED_FOOTER = "What was used up is destroyed: not even this server can show it again."
SEALED_WRONG = "That passphrase is not right. Nothing was opened: check it and try again."
SEALED_SCRIPTS = (
    "This secret is decrypted in your browser, which takes JavaScript. Switch it on first: opened without it, the "
    "secret stays unreadable."
)
SEALED_INCOMPLETE = (
    "The address is incomplete: the key that belongs behind its # is missing. Nothing was opened. Ask whoever gave it "
    "to you for the whole address."
)
SEALED_INSECURE = (
    "This secret is decrypted in your browser, which it does only at an address that begins with https://. Nothing was "
    "opened."
)
SEALED_GARBLED = "The key in the address does not fit: this is the secret as it was kept, encrypted."
SEALED_AWAY = "No answer has come, and the secret may still be there. Try again."
OPENED_TITLE = "The secret"
OPENED_LABEL = "What the secret says"
OPENED_ENCRYPTED = "This is encrypted. Whoever shared it can tell you how to read it."
OPENED_HINT = "Keep it in a safe place before you leave this page. Your browser does not store it."

PREVIEW_LABEL = "Open this link:"

STATISTICS = "Public statistics"
STATISTICS_FOOTER = "Whoever made this link has chosen to show these numbers to everybody."
CLICKS = "Clicks in 30 days"
VISITORS = "Visitors in 30 days"
CLICKS_IN_ALL = "Clicks in all"
NO_CLICKS = "Nobody has followed this link in the last 30 days."
DAYS = "Clicks by day"
DAYS_TABLE = "Every day in numbers"
DAY = "Day"
CLICKS_COLUMN = "Clicks"
COUNTRIES = "Countries"
REFERRERS = "Where from"
DEVICES = "Devices"
BROWSERS = "Browsers"
UNKNOWN_VALUE = "Unknown"
NO_REFERRER = "Direct or unknown"
OTHERS = "Others"

PASTE = "Paste"
PASTE_FOOTER = "Somebody wrote this text and shared its address. It is shown as it came, and nothing in it is run."
COPY = "Copy"
COPIED = "Copied"
NOT_COPIED = "Could not copy"
RAW = "Plain text"
DOWNLOAD = "Download"
PASTE_LOCKED = "This paste has a password: enter it on the paste's page, then come back.\n"
# Not the machine's: it may be set to another language.
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def ask_reports(subscription: SubscriptionPublic) -> Notice:
    """Whether somebody wants reports."""
    return Notice(
        "Do you want these reports?",
        f"The workspace {subscription.workspace} would like to send the clicks of its short links to"
        f" {subscription.address}, by the week or by the month.",
        "Every report has a link to stop them.",
    )


def reports_confirmed(subscription: SubscriptionPublic) -> Notice:
    """Reports will come."""
    return Notice(
        "You will get the reports",
        f"The next ones from {subscription.workspace} go to {subscription.address}.",
        "Every report has a link to stop them.",
    )


def leave_project(subscription: SubscriptionPublic) -> Notice:
    """Which reports somebody has had enough of."""
    return Notice(
        "Do you want to stop these reports?",
        f"{subscription.address} gets the reports on the project {subscription.project} of the workspace"
        f" {subscription.workspace}.",
        "You can stop these, or everything that the workspace sends.",
    )


def leave_workspace(subscription: SubscriptionPublic) -> Notice:
    """Whether somebody wants to hear nothing more."""
    return Notice(
        "Do you want no more mail?",
        f"{subscription.address} will get no reports from the workspace {subscription.workspace}, and will not be"
        " asked again.",
        "If you change your mind, the link to confirm in the first mail goes on working.",
    )


def reports_stopped(subscription: SubscriptionPublic) -> Notice:
    """No more reports will come."""
    of = f" of the project {subscription.project}" if subscription.confirmed and subscription.project else ""
    return Notice(
        "You get no more of these reports",
        f"The workspace {subscription.workspace} sends {subscription.address} no more reports{of}.",
        "If you change your mind, the link to confirm in the first mail goes on working.",
    )


def too_many_tries(seconds: int) -> str:
    """What to do after too many wrong passwords; the time is rounded up."""
    minutes = ceil(seconds / 60)
    time = _count(seconds, "second") if seconds < 60 else _count(minutes, "minute")  # noqa: PLR2004
    return f"Too many wrong passwords. Try again in {time}."


def uses_left(number: int) -> str:
    """How often a secret can still be opened."""
    if number == 0:
        return "You see it for the last time: it is destroyed now."
    return f"It can be opened {'once' if number == 1 else f'{number} times'} more."


def count(number: int) -> str:
    """A number as people read it."""
    return f"{number:,}"


def day(moment: date) -> str:
    """A day of this year or the last."""
    return f"{moment.day} {MONTHS[moment.month - 1]}"


def full_day(moment: date) -> str:
    """A day with its year."""
    return f"{day(moment)} {moment.year}"


def busiest(moment: date, clicks: int) -> str:
    """Which day had the most clicks."""
    return f"The most on {day(moment)}: {count(clicks)}"


def drawing(days: Sequence[tuple[date, int]]) -> str:
    """The drawing of the days for those who do not see it."""
    first, last = full_day(days[0][0]), full_day(days[-1][0])
    return f"A bar for each day from {first} to {last}; the numbers are in the table below."


def counted(moment: datetime) -> str:
    """How the numbers came about."""
    return f"As of {_moment(moment)}. Days are in UTC. A visitor counts once a day, and robots do not count at all."


def paste_facts(language: str, size: int, lines: int) -> str:
    """What a paste is: its language, its bytes and its lines."""
    return f"{language} \N{MIDDLE DOT} {_size(size)} \N{MIDDLE DOT} {_count(lines, 'line')}"


def paste_times(created: datetime, expires: datetime | None) -> str:
    """From when till when a paste is there."""
    end = "" if expires is None else f" \N{MIDDLE DOT} expires on {_moment(expires)}"
    return f"{full_day(created.date())}{end}"


def _moment(moment: datetime) -> str:
    return f"{full_day(moment.date())}, {moment:%H:%M} UTC"


def _size(size: int) -> str:
    return _count(size, "byte") if size < 1000 else f"{count(ceil(size / 1000))} kB"  # noqa: PLR2004


def _count(number: int, unit: str) -> str:
    return f"{count(number)} {unit}" if number == 1 else f"{count(number)} {unit}s"
