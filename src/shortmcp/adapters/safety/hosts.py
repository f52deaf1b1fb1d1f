"""Lists of hosts: hosts files and plain names, kept in memory as numbers and read again when the file changes."""

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from threading import Lock

from ada_url import URL

from shortmcp.core.jobs import Failure

MAX_BYTES = 32 << 20
MAX_HOSTS = 1_000_000
NUMBER_BYTES = 8
WILDCARD = "*."
_PLAIN = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,62})\.)+[a-z0-9][a-z0-9-]{0,62}", re.ASCII)
Version = tuple[int, int, int]


class HostList:
    """Hosts as numbers of 64 bits, sorted: eight bytes each, whatever they are called."""

    def __init__(self, numbers: "array[int]") -> None:
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def to_bytes(self) -> bytes:
        """The list as `from_bytes` reads it, on this machine."""
        return self._numbers.tobytes()

    def has(self, host: str) -> bool:
        """Whether `host` itself is listed, or `*.` and a domain that it is in or is."""
        labels = host.split(".")
        wildcards = (WILDCARD + ".".join(labels[start:]) for start in range(len(labels)))
        return self._contains(host) or any(map(self._contains, wildcards))

    def _contains(self, entry: str) -> bool:
        number = _number(entry)
        position = bisect_left(self._numbers, number)
        return position < len(self._numbers) and self._numbers[position] == number


def from_names(names: Iterable[str]) -> HostList:
    """The list of these hosts."""
    return HostList(array("Q", sorted({_number(name) for name in names})))


def from_text(content: bytes) -> HostList:
    """The list that a hosts file holds."""
    return from_names(read_hosts(content.decode("utf-8", errors="replace"))[0])


def from_bytes(content: bytes) -> HostList:
    """The list that `to_bytes` has written: a million hosts in milliseconds, where reading names takes seconds."""
    if len(content) % NUMBER_BYTES:
        raise Failure("The list is damaged.")
    numbers = array("Q")
    numbers.frombytes(content)
    return HostList(numbers)


class HostFile:
    """A file of hosts, read again when it changes."""

    def __init__(self, path: Path, load: Callable[[bytes], HostList]) -> None:
        self._path, self._load = path, load
        self._hosts = from_names(())
        self._version: Version | None = None
        self._lock = Lock()

    def read(self) -> HostList:
        """The hosts in it as it is now; none where there is no file. Raises Failure where it cannot be read."""
        with self._lock:
            try:
                seen = self._path.stat()
                version = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
                if version != self._version:
                    if seen.st_size > MAX_BYTES:
                        raise Failure(f"The list is larger than {MAX_BYTES >> 20} MB.")
                    self._hosts = self._load(self._path.read_bytes())
                    self._version = version
            except FileNotFoundError:
                self._hosts, self._version = from_names(()), None
            except OSError as error:
                raise Failure(f"The list cannot be read ({type(error).__name__}).") from error
            return self._hosts


class Blocklist:
    """The operator's own list; as long as it is empty or not there it has nothing to say."""

    name = "the blocklist of this server"
    is_local = True

    def __init__(self, path: Path) -> None:
        self._file = HostFile(path, from_text)

    def is_ready(self) -> bool:
        """Whether there is anything in it; one that cannot be read has to say so when it is asked."""
        try:
            return len(self._file.read()) > 0
        except Failure:
            return True

    def look_up(self, url: str) -> str:
        """`listed` where the URL's host is."""
        return "listed" if self._file.read().has(host_of(url)) else ""


def host_of(url: str) -> str:
    """The host of an http(s) URL as lists write it: lower case, punycode, without brackets and final dot."""
    return URL(url).hostname.strip("[]").rstrip(".")


def read_hosts(text: str) -> tuple[list[str], int]:
    """The hosts in a list, and how many lines say something else.

    A line is `0.0.0.0 bad.example`, with any address and any number of hosts, or a host alone; what follows a `#` is
    a comment. `*.bad.example` stands for `bad.example` and all that is in it, `bad.example` for itself alone. Names
    without a dot, such as `localhost`, are passed over.
    """
    hosts: list[str] = []
    strange = 0
    for line in text.splitlines():
        names = line.partition("#")[0].split()
        has_address = len(names) > 1 and _is_address(names[0])
        if not has_address and len(names) > 1:
            strange += 1
            continue
        names = [name for name in names[has_address:] if "." in name or not has_address]
        found = [host for name in names if (host := _read_host(name))]
        strange += len(found) < len(names)
        hosts += found[: MAX_HOSTS - len(hosts)]
    return hosts, strange


def _read_host(name: str) -> str:
    lowered = name.lower().rstrip(".")
    if _PLAIN.fullmatch(lowered):
        return lowered
    star = WILDCARD if lowered.startswith(WILDCARD) else ""
    bare = lowered.removeprefix(star)
    if _is_address(bare):
        return str(ip_address(bare))
    # Letters of other alphabets become punycode, as in destinations.
    if bare.isascii() or "." not in bare:
        return ""
    try:
        return star + host_of(f"http://{bare}/")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _number(entry: str) -> int:
    return int.from_bytes(blake2b(entry.encode(), digest_size=NUMBER_BYTES).digest(), "big")
