"""Codes of pastes: short ones to be told and typed, and private ones that nobody guesses."""

from typing import Final

from sqlmodel import select

from shortmcp.core.codes import ALPHABET
from shortmcp.core.context import Context
from shortmcp.core.pastes.tables import DeletedPaste, Paste

LENGTH: Final = 8
PRIVATE_LENGTH: Final = 22
# Without 0 O I l; 22 of these 58 are more than 128 bits.
PRIVATE_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def make_code(ctx: Context, *, is_private: bool) -> str:
    """A code that no paste has or had."""
    letters, length = (PRIVATE_ALPHABET, PRIVATE_LENGTH) if is_private else (ALPHABET, LENGTH)
    while _is_taken(ctx, code := "".join(ctx.random.choices(letters, k=length))):
        pass
    return code


def fold_code(code: str) -> str:
    """`code` as it is kept: short ones have no capitals, so that they may be typed either way."""
    # Outside ASCII lower-casing makes letters of other signs, such as the Kelvin sign.
    return code.lower() if len(code) == LENGTH and code.isascii() else code


def _is_taken(ctx: Context, code: str) -> bool:
    known = ctx.session.exec(select(Paste.id).where(Paste.code == code)).first()
    return known is not None or ctx.session.get(DeletedPaste, code) is not None
