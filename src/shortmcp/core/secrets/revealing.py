"""Revealing a secret: the one place where its content comes out, and where a use of it is gone."""

from sqlalchemy import text
from sqlmodel import col, delete

from shortmcp.core.codes import retire_code
from shortmcp.core.context import Context
from shortmcp.core.errors import invalid
from shortmcp.core.fields import to_microseconds
from shortmcp.core.secrets.finding import find_any, find_content, find_own, gone
from shortmcp.core.secrets.models import SecretFront, SecretRef, SecretReveal, SecretRevealed, SecretVisit
from shortmcp.core.secrets.sealing import Keys, unseal
from shortmcp.core.secrets.tables import SealedContent, Secret

_USE = text(
    "UPDATE secrets SET remaining_uses = remaining_uses - 1, last_revealed_at = :now "
    "WHERE id = :id AND remaining_uses > 0 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > :now) "
    "RETURNING remaining_uses"
)
_END = text("UPDATE secrets SET ended_at = :now WHERE id = :id")


def reveal_secret(ctx: Context, which: SecretReveal) -> SecretRevealed:
    """Show a secret's content, which takes one of its uses; with the last one it is destroyed for everybody.

    Only do so if you were asked to read it yourself: others read it at its `short_url`.
    """
    return _reveal(ctx, find_own(ctx, which.slug), which.passphrase)


def open_secret(ctx: Context, which: SecretVisit) -> SecretRevealed:
    """What reveal_secret does, for whoever comes to the secret's page and presses its button."""
    return _reveal(ctx, find_any(ctx, which.slug), which.passphrase)


def show_secret(ctx: Context, which: SecretRef) -> SecretFront:
    """What a visitor may know of a secret before opening it; uses nothing up. GONE where there is nothing to open."""
    secret = find_any(ctx, which.slug)
    if not secret.is_open_at(ctx.now):
        raise gone()
    return SecretFront(has_passphrase=secret.has_passphrase, client_encrypted=secret.client_encrypted)


def keys_of(ctx: Context, secret: Secret, passphrase_key: bytes) -> Keys:
    """What a secret's key is derived from."""
    return Keys(ctx.site.key("secrets"), passphrase_key, f"{secret.workspace_id}/{secret.slug}")


def _reveal(ctx: Context, secret: Secret, passphrase_key: str | None) -> SecretRevealed:
    connection, values = ctx.session.connection(), {"id": secret.id, "now": to_microseconds(ctx.now)}
    # One statement decides who gets the last use. Where anything below fails, nothing was used.
    remaining = connection.execute(_USE, values).scalar_one_or_none()
    if remaining is None:
        raise gone()
    content = find_content(ctx, secret)
    if content.salt is not None and passphrase_key is None:
        # Another secret than the one that was there a moment ago.
        raise invalid("passphrase", "`passphrase` is required: this secret has one.")
    keys = keys_of(ctx, secret, bytes.fromhex(passphrase_key or ""))
    revealed = SecretRevealed(
        content=unseal(content.sealed, keys, content.seed), slug=secret.slug, remaining_uses=remaining
    )
    if remaining == 0:
        ctx.session.exec(delete(SealedContent).where(col(SealedContent.secret_id) == secret.id))
        connection.execute(_END, values)
        retire_code(ctx, secret.slug)
    # Here a reveal has happened, by whichever way in: who is to hear of it is told in this transaction.
    return revealed
