"""URLhaus of abuse.ch: URLs that spread malware."""

from dataclasses import dataclass, field
from urllib.parse import urlencode

from shortmcp.adapters.outbound import Outbound
from shortmcp.adapters.safety.answers import NoAnswer, read_object


@dataclass(frozen=True)
class UrlHaus:
    """Asks `POST /v1/url/` of the community API. What it lists as offline spreads nothing at the moment."""

    outbound: Outbound
    base_url: str
    key: str = field(repr=False)
    name: str = "URLhaus"
    is_local: bool = False

    def is_ready(self) -> bool:
        """Always: it is there only where it has a key."""
        return True

    def look_up(self, url: str) -> str:
        """`malware` where it lists the URL."""
        headers = {"auth-key": self.key, "content-type": "application/x-www-form-urlencoded"}
        body = urlencode({"url": url}).encode()
        said = read_object(self.outbound.send("POST", f"{self.base_url}/v1/url/", headers=headers, body=body))
        match said.get("query_status"):
            case "ok" if isinstance(said.get("url_status"), str):
                return "" if said["url_status"] == "offline" else "malware"
            case "no_results":
                return ""
            case _:
                raise NoAnswer("Its answer is not as documented.")
