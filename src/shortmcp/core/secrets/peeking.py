"""Reading secrets without using them up: only for an instance whose operator has decided so."""

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import col, select

from shortmcp.core.context import Context
from shortmcp.core.secrets.revealing import keys_of
from shortmcp.core.secrets.sealing import unseal
from shortmcp.core.secrets.tables import SealedContent, Secret


class SecretsPeek(BaseModel):
    """Which secrets."""

    model_config = ConfigDict(extra="forbid")

    slugs: list[str] = Field(max_length=100)


class SecretsPeeked(BaseModel):
    """Contents by slug; what has a passphrase or was encrypted by its sender is not among them."""

    contents: dict[str, str]


def peek_secrets(ctx: Context, which: SecretsPeek) -> SecretsPeeked:
    """The contents of the workspace's own secrets that can be read with the instance's key alone."""
    query = (
        select(Secret, SealedContent)
        .where(Secret.workspace_id == ctx.caller.workspace_id, SealedContent.secret_id == Secret.id)
        .where(col(Secret.slug).in_(which.slugs), col(SealedContent.salt).is_(None), ~col(Secret.client_encrypted))
    )
    found = [(secret, content) for secret, content in ctx.session.exec(query) if secret.is_open_at(ctx.now)]
    contents = {
        secret.slug: unseal(content.sealed, keys_of(ctx, secret, b""), content.seed) for secret, content in found
    }
    return SecretsPeeked(contents=contents)
