"""The instance's key: what signs and encrypts, kept beside the database or given by the settings."""

import hmac
import os
import secrets
from hashlib import sha256
from pathlib import Path

from shortmcp.clicks.files import sync_folder

KEY_BYTES = 32


def read_instance_key(given: str, path: Path) -> bytes:
    """32 bytes: made from `given`, or from the 0600 file at `path`, which is made where there is none.

    Several nodes must be given the same one. ValueError for a file that is no key.
    """
    if given:
        return sha256(given.encode()).digest()
    if not path.exists():
        _make(path)
    try:
        key = bytes.fromhex(path.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"The file {path} must hold the instance's key, 64 hexadecimal digits: restore it.")
    return key


def derive_key(key: bytes, purpose: str) -> bytes:
    """A key for one purpose alone."""
    return hmac.digest(key, purpose.encode(), "sha256")


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    written = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, f"{secrets.token_hex(KEY_BYTES)}\n".encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        # Whole or not at all, and the first one of several processes wins.
        os.link(written, path)
    except FileExistsError:
        pass
    finally:
        written.unlink()
    sync_folder(path.parent)
