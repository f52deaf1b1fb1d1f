"""Encryption of a secret's content: AES-256-GCM under a key of its own, whose seed is destroyed with it."""

from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shortmcp.core.errors import Code, OperationError

KEY_BYTES = SEED_BYTES = 32
NONCE_BYTES = 12
_LENGTH_BYTES = 4
# Contents are filled up to multiples of this: what is stored tells little of how long they are, and is never so short
# that SQLite would keep it, with its seed, in a page with others.
_STEP = 4096


@dataclass(frozen=True, slots=True)
class Keys:
    """What the key of one secret is derived from.

    `instance` is the instance's key for secrets, `passphrase` what was made of the passphrase, empty without one.
    `about` is authenticated with the content: sealed for one secret, it opens as no other.
    """

    instance: bytes = field(repr=False)
    passphrase: bytes = field(repr=False)
    about: str


def seal(content: str, keys: Keys, seed: bytes, nonce: bytes) -> bytes:
    """`content`, encrypted; to be kept beside its `seed`, which must be random and used once."""
    text = content.encode()
    plain = len(text).to_bytes(_LENGTH_BYTES) + text
    plain += bytes(-len(plain) % _STEP)
    return nonce + _cipher(keys, seed).encrypt(nonce, plain, keys.about.encode())


def unseal(sealed: bytes, keys: Keys, seed: bytes) -> str:
    """The content again; UNAVAILABLE where it was sealed with another instance's key."""
    try:
        plain = _cipher(keys, seed).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], keys.about.encode())
    except InvalidTag:
        raise OperationError(
            Code.UNAVAILABLE,
            "This secret was made with another key of this instance and stays unread: its operator must restore the "
            "key.",
        ) from None
    length = int.from_bytes(plain[:_LENGTH_BYTES])
    return plain[_LENGTH_BYTES : _LENGTH_BYTES + length].decode()


def _cipher(keys: Keys, seed: bytes) -> AESGCM:
    derivation = HKDF(SHA256(), KEY_BYTES, salt=seed, info=b"shortmcp secret")
    return AESGCM(derivation.derive(keys.instance + keys.passphrase))
