"""The operations on secrets, but for revealing them."""

import re
from base64 import urlsafe_b64decode

from sqlalchemy import or_
from sqlmodel import col, delete

from shortmcp.core.codes import UNGUESSABLE_LENGTH, Kind, claim_code, count_codes, retire_code
from shortmcp.core.context import Context
from shortmcp.core.errors import invalid
from shortmcp.core.limits import check_link_limit
from shortmcp.core.lists import Page
from shortmcp.core.paging import page_newest_first
from shortmcp.core.secrets.finding import find_own
from shortmcp.core.secrets.models import SecretCreate, SecretList, SecretPublic, SecretRef
from shortmcp.core.secrets.passphrases import Lock
from shortmcp.core.secrets.publishing import public_secret
from shortmcp.core.secrets.revealing import keys_of
from shortmcp.core.secrets.sealing import NONCE_BYTES, SEED_BYTES, seal
from shortmcp.core.secrets.tables import SealedContent, Secret

# Of AES-GCM: a nonce before and a tag after what is encrypted.
_LEAST_ENCRYPTED = 12 + 16
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def create_secret(ctx: Context, new: SecretCreate) -> SecretPublic:
    """Keep a text that can be revealed `max_uses` times and then is destroyed. Returns the `short_url` to share.

    Opening that uses nothing up: people press a button there. A slug of your own can be guessed: add a passphrase.
    Counts as a short link in the plan's limit while it is active.
    """
    if new.expires_at is not None and new.expires_at <= ctx.now:
        raise invalid("expires_at", "`expires_at` must lie in the future.")
    if new.client_encrypted and not _is_encrypted(new.content):
        raise invalid(
            "content", "`content` must be base64 of a nonce of 12 bytes and what AES-256-GCM made, its tag included."
        )
    slug = claim_code(ctx, new.slug, Kind.SECRET, field="slug", length=UNGUESSABLE_LENGTH)
    check_link_limit(ctx, lambda: count_codes(ctx) - 1)
    # One that has ended there before: the code was this workspace's, or it could not have been claimed.
    ctx.session.exec(delete(Secret).where(col(Secret.slug) == slug))
    secret = Secret(
        workspace_id=ctx.caller.workspace_id,
        slug=slug,
        max_uses=new.max_uses,
        remaining_uses=new.max_uses,
        has_passphrase=new.passphrase is not None,
        client_encrypted=new.client_encrypted,
        expires_at=new.expires_at,
        created_at=ctx.now,
    )
    ctx.session.add(secret)
    ctx.session.flush()
    ctx.session.add(_seal(ctx, secret, new))
    return public_secret(ctx, secret)


def list_secrets(ctx: Context, query: SecretList) -> Page[SecretPublic]:
    """List secrets, newest first, without their contents; those that are used up or expired stay for 30 days."""
    mine = col(Secret.workspace_id) == ctx.caller.workspace_id
    if query.is_active is not None:
        is_open = col(Secret.ended_at).is_(None) & or_(
            col(Secret.expires_at).is_(None), col(Secret.expires_at) > ctx.now
        )
        mine &= is_open if query.is_active else ~is_open
    return page_newest_first(ctx, query, Secret, mine, lambda secret: public_secret(ctx, secret))


def get_secret(ctx: Context, ref: SecretRef) -> SecretPublic:
    """Show how often a secret can still be revealed and when it was last; never its content."""
    return public_secret(ctx, find_own(ctx, ref.slug))


def delete_secret(ctx: Context, ref: SecretRef) -> None:
    """Destroy a secret unread; this cannot be undone."""
    secret = find_own(ctx, ref.slug, hold=True)
    # Once it has ended, its code may be another thing's.
    if secret.ended_at is None:
        ctx.session.exec(delete(SealedContent).where(col(SealedContent.secret_id) == secret.id))
        retire_code(ctx, secret.slug)
    ctx.session.delete(secret)


def _is_encrypted(content: str) -> bool:
    if not _BASE64.fullmatch(content):
        return False
    plain = content.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        return len(urlsafe_b64decode(plain + "=" * (-len(plain) % 4))) >= _LEAST_ENCRYPTED
    except ValueError:
        return False


def _seal(ctx: Context, secret: Secret, new: SecretCreate) -> SealedContent:
    lock = None if new.passphrase is None else Lock.read(new.passphrase)
    seed = ctx.random.randbytes(SEED_BYTES)
    keys = keys_of(ctx, secret, b"" if lock is None else lock.key)
    return SealedContent(
        secret_id=secret.id or 0,
        salt=None if lock is None else lock.salt,
        proof=None if lock is None else lock.proof,
        sealed=seal(new.content, keys, seed, ctx.random.randbytes(NONCE_BYTES)),
        seed=seed,
    )
