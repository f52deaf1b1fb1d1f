"""Finding a secret: one of the caller's workspace, or, for its visitors, whosever it is."""

from sqlmodel import select

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.secrets.tables import SealedContent, Secret


def find_own(ctx: Context, slug: str, *, hold: bool = False) -> Secret:
    """The caller's secret with that slug, also one that has ended; NOT_FOUND without one. `hold` it until the end."""
    mine = select(Secret).where(Secret.workspace_id == ctx.caller.workspace_id, Secret.slug == _fold(slug))
    found = ctx.session.exec(mine.with_for_update() if hold else mine).first()
    if found is None:
        raise OperationError(
            Code.NOT_FOUND, "There is no such secret in this workspace.", hint="list_secrets shows them all."
        )
    return found


def find_any(ctx: Context, slug: str) -> Secret:
    """The secret that visitors find at a slug, whosever it is; NOT_FOUND without one."""
    found = ctx.session.exec(select(Secret).where(Secret.slug == slug)).first()
    if found is None:
        raise OperationError(Code.NOT_FOUND, "There is no such secret.")
    return found


def find_content(ctx: Context, secret: Secret) -> SealedContent:
    """What there is to be revealed; GONE where that is over."""
    content = ctx.session.get(SealedContent, secret.id) if secret.is_open_at(ctx.now) else None
    if content is None:
        raise gone()
    return content


def gone() -> OperationError:
    """The refusal of a secret that has ended."""
    return OperationError(Code.GONE, "This secret is gone: it was revealed as often as it may be, or its time is over.")


def _fold(slug: str) -> str:
    # Outside ASCII lower-casing makes letters of other signs, such as the Kelvin sign.
    return slug.lower() if slug.isascii() else slug
