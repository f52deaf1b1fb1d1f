"""THE TABLE: every operation that REST and MCP offer alike - function, routes, scope, effect."""

from shortmcp.core.analytics.answers import get_link_analytics, get_project_analytics, get_workspace_analytics
from shortmcp.core.analytics.clicks import list_clicks
from shortmcp.core.analytics.published import show_statistics
from shortmcp.core.context import Scope
from shortmcp.core.links.operations import (
    create_short_link,
    delete_short_link,
    get_short_link,
    list_short_links,
    update_short_link,
)
from shortmcp.core.links.rules import hash_new_password
from shortmcp.core.me import get_me
from shortmcp.core.pastes.models import MAX_CONTENT
from shortmcp.core.pastes.operations import (
    check_paste_password,
    create_paste,
    delete_paste,
    get_paste,
    hash_paste_password,
    list_pastes,
)
from shortmcp.core.pastes.visits import show_paste
from shortmcp.core.projects import create_project, delete_project, get_project, list_projects, update_project
from shortmcp.core.qrcodes import get_qr_code, show_qr_code
from shortmcp.core.reports.subscriptions import confirm_reports, show_subscription, unsubscribe
from shortmcp.core.reservations import list_reserved_codes, release_code, reserve_code
from shortmcp.core.secrets.operations import create_secret, delete_secret, get_secret, list_secrets
from shortmcp.core.secrets.passphrases import admit_owner, admit_visitor, lock_up
from shortmcp.core.secrets.peeking import peek_secrets
from shortmcp.core.secrets.revealing import open_secret, reveal_secret, show_secret
from shortmcp.core.usage import get_usage
from shortmcp.core.webhooks.deliveries import list_webhook_deliveries, retry_webhook_delivery, test_webhook
from shortmcp.core.webhooks.operations import (
    create_webhook,
    delete_webhook,
    get_webhook,
    list_webhooks,
    rotate_webhook_secret,
    update_webhook,
)
from shortmcp.core.webhooks.samples import get_webhook_sample
from shortmcp.operation import Effect, Operation, Route

READ, WRITE = Scope.READ, Scope.WRITE
TOOLSETS = ("core", "codes", "pastes", "secrets", "webhooks")
DEFAULT_TOOLSETS = frozenset({"core", "pastes", "secrets"})
# The text of a paste in one piece.
WHOLE = {"password": None, "offset": 0, "length": MAX_CONTENT}

CATALOG = (
    Operation(list_projects, "List projects", (Route("GET", "/projects"),), READ, Effect.READ),
    Operation(
        create_project,
        "Create a project",
        (Route("POST", "/projects", location="/projects/{id}"),),
        WRITE,
        Effect.CREATE,
    ),
    Operation(get_project, "Show a project", (Route("GET", "/projects/{project}"),), READ, Effect.READ),
    Operation(
        update_project,
        "Change a project",
        (Route("PATCH", "/projects/{project}"),),
        WRITE,
        Effect.UPDATE,
        checks_version=True,
    ),
    Operation(
        delete_project,
        "Delete a project",
        (Route("DELETE", "/projects/{project}"),),
        WRITE,
        Effect.DELETE,
        checks_version=True,
    ),
    Operation(
        list_short_links,
        "List short links",
        (Route("GET", "/links"), Route("GET", "/projects/{project}/links")),
        READ,
        Effect.READ,
    ),
    Operation(
        create_short_link,
        "Create a short link",
        (
            Route("POST", "/projects/{project}/links", location="/links/{short_code}"),
            Route("POST", "/links", location="/links/{short_code}"),
        ),
        WRITE,
        Effect.CREATE,
        prepare=hash_new_password,
    ),
    Operation(get_short_link, "Show a short link", (Route("GET", "/links/{short_code}"),), READ, Effect.READ),
    Operation(
        update_short_link,
        "Change a short link",
        (
            Route(
                "PATCH",
                "/links/{short_code}",
                query={"original_url": "current_original_url", "domain": "domain"},
                body={"short_code": "new_short_code"},
            ),
        ),
        WRITE,
        Effect.UPDATE,
        prepare=hash_new_password,
        checks_version=True,
    ),
    Operation(
        delete_short_link,
        "Delete a short link",
        (Route("DELETE", "/links/{short_code}"),),
        WRITE,
        Effect.DELETE,
        checks_version=True,
    ),
    Operation(get_qr_code, "Show a QR code", (Route("GET", "/links/{short_code}/qr"),), READ, Effect.READ),
    Operation(get_workspace_analytics, "Workspace analytics", (Route("GET", "/analytics"),), READ, Effect.READ),
    Operation(
        get_project_analytics, "Project analytics", (Route("GET", "/projects/{project}/analytics"),), READ, Effect.READ
    ),
    Operation(
        get_link_analytics, "Link analytics", (Route("GET", "/links/{short_code}/analytics"),), READ, Effect.READ
    ),
    Operation(list_clicks, "List clicks", (Route("GET", "/links/{short_code}/clicks"),), READ, Effect.READ),
    Operation(get_usage, "Show usage", (Route("GET", "/usage"),), READ, Effect.READ),
    Operation(
        reserve_code,
        "Reserve a code",
        (Route("POST", "/reserved-codes", location="/reserved-codes"),),
        WRITE,
        Effect.CREATE,
        "codes",
    ),
    Operation(
        list_reserved_codes, "List reserved codes", (Route("GET", "/reserved-codes"),), READ, Effect.READ, "codes"
    ),
    Operation(
        release_code,
        "Release a reserved code",
        (Route("DELETE", "/reserved-codes/{short_code}"),),
        WRITE,
        Effect.DELETE,
        "codes",
    ),
    Operation(list_pastes, "List pastes", (Route("GET", "/pastes"),), READ, Effect.READ, "pastes"),
    Operation(
        create_paste,
        "Create a paste",
        # JSON may take four bytes for one.
        (Route("POST", "/pastes", location="/pastes/{paste_code}", max_body=4 * MAX_CONTENT),),
        WRITE,
        Effect.CREATE,
        "pastes",
        prepare=hash_paste_password,
    ),
    Operation(
        get_paste,
        "Show a paste",
        (
            # No password in an address: those are written down in too many places.
            Route("GET", "/pastes/{paste_code}", decided={"password": None}),
            Route("GET", "/pastes/{paste_code}/raw", decided=WHOLE, plain=True),
            Route("POST", "/pastes/{paste_code}/verify-password", needed=frozenset({"password"})),
        ),
        READ,
        Effect.READ,
        "pastes",
        admit=check_paste_password,
        can_end=True,
    ),
    Operation(
        delete_paste, "Delete a paste", (Route("DELETE", "/pastes/{paste_code}"),), WRITE, Effect.DELETE, "pastes"
    ),
    Operation(
        create_secret,
        "Create a secret",
        (Route("POST", "/secrets", location="/secrets/{slug}"),),
        WRITE,
        Effect.CREATE,
        "secrets",
        prepare=lock_up,
    ),
    Operation(list_secrets, "List secrets", (Route("GET", "/secrets"),), READ, Effect.READ, "secrets"),
    Operation(get_secret, "Show a secret's state", (Route("GET", "/secrets/{slug}"),), READ, Effect.READ, "secrets"),
    Operation(
        reveal_secret,
        "Reveal a secret",
        (Route("POST", "/secrets/{slug}/reveal"),),
        WRITE,
        Effect.CONSUME,
        "secrets",
        admit=admit_owner,
        keeps_answer=False,
        can_end=True,
        erases=True,
    ),
    Operation(
        delete_secret,
        "Destroy a secret",
        (Route("DELETE", "/secrets/{slug}"),),
        WRITE,
        Effect.DELETE,
        "secrets",
        erases=True,
    ),
    Operation(
        create_webhook,
        "Create a webhook",
        (Route("POST", "/webhooks", location="/webhooks/{id}"),),
        WRITE,
        Effect.CREATE,
        "webhooks",
        keeps_answer=False,
    ),
    Operation(list_webhooks, "List webhooks", (Route("GET", "/webhooks"),), READ, Effect.READ, "webhooks"),
    # Before the routes with an id in the same place.
    Operation(
        get_webhook_sample,
        "Show a sample of an event",
        (Route("GET", "/webhooks/samples/{event}"),),
        READ,
        Effect.READ,
        "webhooks",
    ),
    Operation(get_webhook, "Show a webhook", (Route("GET", "/webhooks/{webhook}"),), READ, Effect.READ, "webhooks"),
    Operation(
        update_webhook,
        "Change a webhook",
        (Route("PATCH", "/webhooks/{webhook}"),),
        WRITE,
        Effect.UPDATE,
        "webhooks",
        checks_version=True,
    ),
    Operation(
        delete_webhook,
        "Delete a webhook",
        (Route("DELETE", "/webhooks/{webhook}"),),
        WRITE,
        Effect.DELETE,
        "webhooks",
        checks_version=True,
    ),
    Operation(
        test_webhook,
        "Test a webhook",
        (Route("POST", "/webhooks/{webhook}/test"),),
        WRITE,
        Effect.CREATE,
        "webhooks",
    ),
    Operation(
        rotate_webhook_secret,
        "Change a webhook's secret",
        (Route("POST", "/webhooks/{webhook}/rotate-secret"),),
        WRITE,
        Effect.UPDATE,
        "webhooks",
        keeps_answer=False,
    ),
    Operation(
        list_webhook_deliveries,
        "List deliveries",
        (Route("GET", "/webhooks/{webhook}/deliveries"),),
        READ,
        Effect.READ,
        "webhooks",
    ),
    Operation(
        retry_webhook_delivery,
        "Retry a delivery",
        (Route("POST", "/webhooks/{webhook}/deliveries/{delivery}/retry"),),
        WRITE,
        Effect.UPDATE,
        "webhooks",
    ),
    Operation(get_me, "Show this connection", (Route("GET", "/me"),), READ, Effect.READ),
)

# What visitors may ask for without a token, on pages of their own: no face mirrors them.
PUBLIC_STATISTICS = Operation(show_statistics, "Public statistics", (), READ, Effect.READ)
PUBLIC_PASTE = Operation(show_paste, "Public paste", (), READ, Effect.READ)
PUBLIC_QR_CODE = Operation(show_qr_code, "Public QR code", (), READ, Effect.READ)
PUBLIC_SECRET = Operation(show_secret, "A secret's page", (), READ, Effect.READ)
PEEKED_SECRETS = Operation(peek_secrets, "Unread secrets", (), READ, Effect.READ)
OPENED_SECRET = Operation(open_secret, "An opened secret", (), WRITE, Effect.CONSUME, admit=admit_visitor, erases=True)

# What recipients of reports do on the pages behind the addresses in their mails.
SHOW_SUBSCRIPTION = Operation(show_subscription, "Show a subscription", (), READ, Effect.READ)
CONFIRM_REPORTS = Operation(confirm_reports, "Confirm reports", (), WRITE, Effect.UPDATE)
UNSUBSCRIBE = Operation(unsubscribe, "Unsubscribe from reports", (), WRITE, Effect.UPDATE)
