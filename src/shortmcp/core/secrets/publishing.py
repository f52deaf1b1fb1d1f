"""What a workspace sees of its secrets."""

from shortmcp.core.context import Context
from shortmcp.core.secrets.models import SecretPublic
from shortmcp.core.secrets.tables import Secret


def public_secret(ctx: Context, secret: Secret) -> SecretPublic:
    """`secret` as its workspace sees it at this moment: never its content."""
    return SecretPublic(
        slug=secret.slug,
        short_url=ctx.site.short_url(secret.slug),
        max_uses=secret.max_uses,
        remaining_uses=secret.remaining_uses,
        is_active=secret.is_open_at(ctx.now),
        has_passphrase=secret.has_passphrase,
        client_encrypted=secret.client_encrypted,
        expires_at=secret.expires_at,
        last_revealed_at=secret.last_revealed_at,
        created_at=secret.created_at,
    )
