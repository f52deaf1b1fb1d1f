"""Guessing at passwords: counted before any is checked, so that many are neither tried nor paid for."""

import hmac
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from sqlalchemy import BigInteger, Connection, text
from sqlmodel import Field, SQLModel

from shortmcp.core.errors import Code, OperationError
from shortmcp.core.passwords import is_password

Transaction = Callable[[], AbstractContextManager[Connection]]
UNLOCKED_SECONDS: Final = 12 * 3600
STEP: Final = 5_000


class PasswordGuess(SQLModel, table=True):
    """How many passwords were tried since `started_at` (unix milliseconds); `who` is a keyed hash, never an address."""

    __tablename__ = "password_guesses"  # pyright: ignore[reportAssignmentType] - SQLModel declares a descriptor

    who: str = Field(primary_key=True)
    started_at: int = Field(sa_type=BigInteger, index=True)
    tries: int


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries in so many milliseconds."""

    tries: int
    milliseconds: int


PER_VISITOR: Final = Limit(10, 600_000)
PER_SUBJECT: Final = Limit(60, 3_600_000)
# What is made by people whom nobody knows.
PER_STRANGER: Final = Limit(20, 3_600_000)
_COUNT: Final = text(
    "INSERT INTO password_guesses (who, started_at, tries) VALUES (:who, :now, 1) "
    "ON CONFLICT (who) DO UPDATE SET "
    "tries = CASE WHEN password_guesses.started_at BETWEEN :oldest AND :latest "
    "THEN password_guesses.tries + 1 ELSE 1 END, "
    "started_at = CASE WHEN password_guesses.started_at BETWEEN :oldest AND :latest "
    "THEN password_guesses.started_at ELSE :now END RETURNING started_at, tries"
)


@dataclass(frozen=True)
class Doorkeeper:
    """Lets in who knows the password of a subject, such as `link:7`. `secret` is the instance's key for this purpose.

    `clock` gives unix milliseconds.
    """

    write: Transaction
    secret: bytes
    clock: Callable[[], int]

    def check(self, subject: str, visitor: str, password: str, hashed: str) -> bool:
        """Whether `password` is the one; RATE_LIMITED, before it is looked at, for who has guessed too often."""
        return self.attempt(subject, visitor, lambda: is_password(password, hashed))

    def attempt(self, subject: str, visitor: str, is_right: Callable[[], bool]) -> bool:
        """`check` for passwords that are kept in another way: whether `is_right`."""
        someone, anyone = self._name(subject, _network(visitor)), self._name(subject, "")
        now = self.clock()
        with self.write() as connection:
            _count(connection, someone, PER_VISITOR, now)
            _count(connection, anyone, PER_SUBJECT, now)
        if not is_right():
            return False
        with self.write() as connection:
            connection.execute(text("DELETE FROM password_guesses WHERE who = :who"), {"who": someone})
            connection.execute(
                text("UPDATE password_guesses SET tries = tries - 1 WHERE who = :who AND tries > 0"), {"who": anyone}
            )
        return True

    def let_make(self, what: str, visitor: str) -> None:
        """Count one of the things that somebody without a token makes; RATE_LIMITED for who has made too many."""
        with self.write() as connection:
            _count(connection, self._name(what, _network(visitor)), PER_STRANGER, self.clock(), f"{what} were made")

    def make_pass(self, subject: str, hashed: str) -> str:
        """What proves for twelve hours that the password was known; a changed password ends it."""
        ends = self.clock() // 1000 + UNLOCKED_SECONDS
        return f"{ends}.{self._seal(subject, hashed, ends)}"

    def is_pass(self, shown: str, subject: str, hashed: str) -> bool:
        """Whether `shown` is a pass for the subject that is still good."""
        ends, _, seal = shown.partition(".")
        if not (ends.isascii() and ends.isdigit() and len(ends) < 15) or not seal.isascii():  # noqa: PLR2004
            return False
        return int(ends) > self.clock() // 1000 and hmac.compare_digest(seal, self._seal(subject, hashed, int(ends)))

    def _name(self, subject: str, visitor: str) -> str:
        return self._digest(f"guess\0{subject}\0{visitor}")

    def _seal(self, subject: str, hashed: str, ends: int) -> str:
        return self._digest(f"pass\0{subject}\0{hashed}\0{ends}")

    def _digest(self, what: str) -> str:
        return hmac.digest(self.secret, what.encode("utf-8", "surrogatepass"), "sha256").hex()


def forget_guesses(connection: Connection, now: int) -> int:
    """Throw away what limits nobody any more, one step of it; returns how many rows went."""
    old = "SELECT who FROM password_guesses WHERE started_at < :before LIMIT :step"
    return connection.execute(
        text(f"DELETE FROM password_guesses WHERE who IN ({old})"),  # noqa: S608 - no text from outside
        {"before": now - PER_SUBJECT.milliseconds, "step": STEP},
    ).rowcount


def _count(connection: Connection, who: str, limit: Limit, now: int, what: str = "passwords were tried") -> None:
    # As in `limits.add_request`: who reads the clock a little earlier is in the same window.
    counted = {
        "who": who,
        "now": now,
        "oldest": now - limit.milliseconds + 1,
        "latest": now + limit.milliseconds,
    }
    started, tries = connection.execute(_COUNT, counted).one()
    if tries > limit.tries:
        wait = -(-(started + limit.milliseconds - now) // 1000)
        raise OperationError(Code.RATE_LIMITED, f"Too many {what}: try again in {wait} seconds.", retry_after=wait)


def _network(visitor: str) -> str:
    # Whoever has one address of IPv6 has 2^64 of them.
    try:
        address = ip_address(visitor)
    except ValueError:
        return visitor
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network(f"{address}/64", strict=False))
    return str(address)
