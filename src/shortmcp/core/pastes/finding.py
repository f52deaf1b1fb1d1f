"""Finding a paste by its code, and reading its text."""

from sqlmodel import select

from shortmcp.core.context import Context
from shortmcp.core.errors import Code, OperationError
from shortmcp.core.pastes.codes import fold_code
from shortmcp.core.pastes.tables import DeletedPaste, Paste, PasteContent


class PasteExpired(OperationError):  # noqa: N818 - it is expected to happen
    """The refusal of a paste whose time is over: GONE."""

    def __init__(self) -> None:
        super().__init__(Code.GONE, "This paste has expired, and its text is gone.")


def find_paste(ctx: Context, code: str, *, readable: bool = False, hold: bool = False) -> Paste:
    """The caller's paste with that code, NOT_FOUND without one; GONE where a `readable` one is wanted and it expired.

    `hold` it until the end of the transaction.
    """
    mine = select(Paste).where(Paste.workspace_id == ctx.caller.workspace_id, Paste.code == fold_code(code))
    # On PostgreSQL another writer may delete it meanwhile; SQLite has one writer and no such clause.
    paste = ctx.session.exec(mine.with_for_update() if hold else mine).first()
    if paste is None:
        raise OperationError(
            Code.NOT_FOUND, "There is no such paste in this workspace.", hint="list_pastes shows them all."
        )
    if readable:
        _check_time(ctx, paste)
    return paste


def find_visited_paste(ctx: Context, code: str) -> Paste:
    """The paste that visitors find under a code, whosever it is; NOT_FOUND without one, GONE where it is over."""
    code = fold_code(code)
    paste = ctx.session.exec(select(Paste).where(Paste.code == code)).first()
    if paste is not None:
        _check_time(ctx, paste)
        return paste
    if ctx.session.get(DeletedPaste, code) is not None:
        raise OperationError(Code.GONE, "This paste was deleted.")
    raise OperationError(Code.NOT_FOUND, "There is no such paste.")


def read_content(ctx: Context, paste: Paste) -> str:
    """The text of a paste; GONE where it was taken away, by a clock that is ahead of this one."""
    content = ctx.session.exec(select(PasteContent.content).where(PasteContent.paste_id == paste.id)).first()
    if content is None:
        raise PasteExpired
    return content


def subject_of(paste: Paste) -> str:
    """What a password of the paste is good for, to whoever counts guesses."""
    return f"paste:{paste.id}"


def _check_time(ctx: Context, paste: Paste) -> None:
    if paste.has_expired(ctx.now):
        raise PasteExpired
