"""Short domains: each is a namespace of codes of its own. The instance's own one is kept as an empty name."""

from shortmcp.core.context import Site
from shortmcp.core.errors import invalid

OWN = ""


def read_domain(site: Site, given: str | None) -> str:
    """The domain that a caller named, by host or by URL, as it is kept; the instance's own one where None was."""
    if given is None:
        return OWN
    host = given.strip().partition("://")[2] or given.strip()
    name = host.rstrip("/").lower()
    if name == site.host:
        return OWN
    if name not in site.domains:
        names = ", ".join((site.host, *site.domains))
        raise invalid("domain", f"`domain` must be one of this instance's short domains: {names}.")
    return name


def qualify(domain: str, code: str) -> str:
    """The one name of a code over all domains: the code alone on the own one, `domain/code` on others."""
    return f"{domain}/{code}" if domain else code
