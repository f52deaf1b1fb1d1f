"""Passphrases of secrets: each makes a part of the secret's key, and whoever guesses at it is held up."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_bytes

from shortmcp.core.context import Caller, Context, Scope, Work
from shortmcp.core.errors import Code, OperationError, invalid
from shortmcp.core.guesses import Doorkeeper
from shortmcp.core.passwords import stretch
from shortmcp.core.secrets.finding import find_any, find_content, find_own
from shortmcp.core.secrets.models import SecretCreate, SecretReveal, SecretVisit
from shortmcp.core.secrets.tables import SealedContent, Secret

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Lock:
    """What is made of a passphrase: `salt` and `proof` are kept, `key` is not."""

    salt: bytes
    proof: bytes
    key: bytes

    def __str__(self) -> str:
        """The lock as text, which stands for the passphrase once it is made."""
        return " ".join(part.hex() for part in (self.salt, self.proof, self.key))

    @classmethod
    def read(cls, text: str) -> "Lock":
        """The lock that `text` stands for."""
        return cls(*(bytes.fromhex(part) for part in text.split(" ")))


def make_lock(passphrase: str, salt: bytes) -> Lock:
    """The lock that `passphrase` opens; takes some 30 ms."""
    stretched = stretch(passphrase, salt)
    return Lock(salt, hmac.digest(stretched, b"proof", "sha256"), hmac.digest(stretched, b"key", "sha256"))


def lock_up(given: SecretCreate) -> SecretCreate:
    """`given` with its passphrase replaced by a lock; done before the transaction, which must be short."""
    if given.passphrase is None:
        return given
    return given.model_copy(update={"passphrase": str(make_lock(given.passphrase, token_bytes(SALT_BYTES)))})


def admit_owner(work: Work, caller: Caller, given: SecretReveal) -> SecretReveal:
    """`admit` for a token of the secret's workspace."""
    return _admit(work, caller, given, find_own, f"token {caller.token_id}")


def admit_visitor(work: Work, caller: Caller, given: SecretVisit) -> SecretReveal:
    """`admit` for whoever comes to the secret's page."""
    return _admit(work, caller, given, find_any, given.visitor)


def _admit(
    work: Work, caller: Caller, given: SecretReveal, find: Callable[[Context, str], Secret], who: str
) -> SecretReveal:
    # `given` with its passphrase replaced by the key made of it. The try is counted, and stays so where it was wrong.
    with work.begin(caller, Scope.READ) as ctx:
        secret = find(ctx, given.slug)
        content = find_content(ctx, secret)
    if content.salt is None:
        return given.model_copy(update={"passphrase": None})
    if given.passphrase is None:
        raise invalid("passphrase", "`passphrase` is required: this secret has one.")
    return given.model_copy(update={"passphrase": _open(work.doors, content, given.passphrase, who)})


def _open(doors: Doorkeeper, content: SealedContent, passphrase: str, who: str) -> str:
    made = list[Lock]()

    def is_right() -> bool:
        made.append(make_lock(passphrase, content.salt or b""))
        return hmac.compare_digest(made[0].proof, content.proof or b"")

    if not doors.attempt(f"secret:{content.secret_id}", who, is_right):
        raise OperationError(
            Code.FORBIDDEN, "The `passphrase` is not right: nothing was used up, try again.", field="passphrase"
        )
    return made[0].key.hex()
