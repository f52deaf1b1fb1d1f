"""Passwords that people choose for links: hashed with argon2id, two at a time."""

import unicodedata
from threading import BoundedSemaphore

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.low_level import hash_secret_raw

MAX_PASSWORD = 256
# What OWASP asks for at least: each hash takes 19 MiB and some 30 ms of a core.
_ROUNDS, _KIBIBYTES = 2, 19 * 1024
_HASHER = PasswordHasher(time_cost=_ROUNDS, memory_cost=_KIBIBYTES, parallelism=1, type=Type.ID)
# The memory and the cores are the process's, whoever asks.
_TURNS = BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """The argon2id hash of `password`, with its salt and parameters; takes some 30 ms."""
    with _TURNS:
        return _HASHER.hash(_normalize(password))


def is_password(password: str, hashed: str) -> bool:
    """Whether `hashed` was made from `password`; takes as long as hashing."""
    with _TURNS:
        try:
            return _HASHER.verify(hashed, _normalize(password))
        except (VerifyMismatchError, InvalidHashError):
            return False


def stretch(password: str, salt: bytes) -> bytes:
    """32 bytes to make keys of; takes as long as hashing, for whoever guesses too. `salt` has at least 8 bytes."""
    with _TURNS:
        return hash_secret_raw(_normalize(password).encode(), salt, _ROUNDS, _KIBIBYTES, 1, 32, Type.ID)


def _normalize(password: str) -> str:
    # One keyboard writes é as one character, another one as two.
    return unicodedata.normalize("NFC", password)
