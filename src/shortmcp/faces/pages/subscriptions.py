"""The pages on which recipients of reports say yes or no. Each acts by a button alone."""

from functools import cache

from shortmcp.core.reports.subscriptions import SubscriptionPublic
from shortmcp.faces.pages import texts
from shortmcp.faces.pages.rendering import NO_FORMS, Page, render
from shortmcp.faces.pages.texts import Notice

# The form goes back to where it came from.
OWN_FORMS = "form-action 'self'"
# Words of a button, what it sends, and whether it is the one that most people look for.
Button = tuple[str, str, bool]


def ask_page(subscription: SubscriptionPublic) -> Page:
    """200: asks whether somebody wants reports."""
    if subscription.confirmed and not subscription.stopped:
        return confirmed_page(subscription)
    return _page("mail", texts.ask_reports(subscription), [(texts.REPORTS_YES, "yes", True)])


def confirmed_page(subscription: SubscriptionPublic) -> Page:
    """200: says that reports will come."""
    return _page("done", texts.reports_confirmed(subscription), [])


def leave_page(subscription: SubscriptionPublic) -> Page:
    """200: asks what somebody has had enough of."""
    if subscription.stopped:
        return unsubscribed_page(subscription)
    if not subscription.confirmed or subscription.project is None:
        return _page("mail", texts.leave_workspace(subscription), [(texts.REPORTS_NONE, "everything", True)])
    buttons = [(texts.REPORTS_NO_PROJECT, "project", True), (texts.REPORTS_NONE, "everything", False)]
    return _page("mail", texts.leave_project(subscription), buttons)


def unsubscribed_page(subscription: SubscriptionPublic) -> Page:
    """200: says that no more reports will come."""
    return _page("done", texts.reports_stopped(subscription), [])


@cache
def no_subscription_page() -> Page:
    """404: an address that no mail holds."""
    return _page("unknown", texts.NO_SUBSCRIPTION, [], 404)


def _page(glyph: str, notice: Notice, buttons: list[Button], status: int = 200) -> Page:
    values = {"glyph": glyph, "notice": notice, "buttons": buttons}
    return render("subscription.html", status, values, OWN_FORMS if buttons else NO_FORMS)
