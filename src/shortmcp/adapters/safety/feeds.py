"""Lists that others publish: a copy on disk, renewed now and then, kept where it cannot be renewed."""

import os
import time
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

import structlog

from shortmcp.adapters.outbound import Outbound
from shortmcp.adapters.safety.answers import NoAnswer, check_status
from shortmcp.adapters.safety.hosts import HostFile, from_bytes, from_names, host_of, read_hosts
from shortmcp.core.jobs import Failure

log = structlog.get_logger("shortmcp.safety")
RENEW_SECONDS = 6 * 3600.0


class Feed:
    """A list of hosts at a URL. What is asked is the copy; `renew` fetches it."""

    is_local = True

    def __init__(self, url: str, folder: Path, outbound: Outbound) -> None:
        self.name = f"the feed of {urlsplit(url).hostname}"
        self._url, self._outbound = url, outbound
        self._path = folder / f"{sha256(url.encode()).hexdigest()[:16]}.hosts"
        self._copy = HostFile(self._path, from_bytes)

    def is_ready(self) -> bool:
        """Always: a feed without a copy is one that has not answered yet."""
        return True

    def look_up(self, url: str) -> str:
        """`listed` where the URL's host is."""
        hosts = self._copy.read()
        if not hosts:
            raise NoAnswer("It has not been fetched yet.")
        return "listed" if hosts.has(host_of(url)) else ""

    def renew(self) -> None:
        """Fetch the list where the copy has grown old; a list that is not one leaves the copy as it is."""
        try:
            if time.time() - self._path.stat().st_mtime < RENEW_SECONDS:
                return
        except FileNotFoundError:
            pass
        try:
            hosts = self._fetch()
        except Failure as error:
            log.warning("feed could not be renewed", feed=self.name, reason=str(error))
            return
        _write(self._path, from_names(hosts).to_bytes())
        log.info("feed renewed", feed=self.name, hosts=len(hosts))

    def _fetch(self) -> list[str]:
        answer = self._outbound.send("GET", self._url, redirects=3)
        check_status(answer)
        hosts, strange = read_hosts(answer.body_start.decode("utf-8", errors="replace"))
        # A page that says that the list has moved holds a host or two as well.
        if not hosts or strange > len(hosts):
            raise NoAnswer("What it sent is no list of hosts.")
        return hosts


def _write(path: Path, content: bytes) -> None:
    # Whole or not at all, also for those who read it at this moment.
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(dir=path.parent, suffix=".new", delete=False) as new:
        try:
            new.write(content)
            new.flush()
            os.fsync(new.fileno())
            Path(new.name).replace(path)
        except BaseException:
            Path(new.name).unlink(missing_ok=True)
            raise
