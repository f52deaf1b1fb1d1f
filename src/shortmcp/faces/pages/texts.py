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
    time = f"{full_day(moment.date())}, {moment:%H:%M} UTC"
    return f"As of {time}. Days are in UTC. A visitor counts once a day, and robots do not count at all."


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
