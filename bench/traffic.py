"""Visits as a busy instance gets them, for the benchmarks that need more than one browser on one link.

10,000 links by Zipf, some hundred user agents, tens of thousands of addresses, referrers, languages and campaigns; one
visit in ten carries an advertiser's click id, which never comes twice, and one in twenty is a robot's.
"""

from itertools import accumulate, product
from random import Random

from shortmcp.clicks.visits import encode_visit

LINKS = 10_000
ADDRESSES = 20_000
AHEAD = 200_000

_CHROMES = [
    f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 {mobile}Safari/537.36"
    for version in range(118, 142)
    for system, mobile in (
        ("Windows NT 10.0; Win64; x64", ""),
        ("Macintosh; Intel Mac OS X 10_15_7", ""),
        ("X11; Linux x86_64", ""),
        ("Linux; Android 10; K", "Mobile "),
        ("Linux; Android 13; SM-S918B", "Mobile "),
    )
]
_SAFARIS = [
    f"Mozilla/5.0 ({device}; CPU {system} {major}_{minor} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    f"Version/{major}.{minor} Mobile/15E148 Safari/604.1"
    for (device, system), major, minor in product((("iPhone", "iPhone OS"), ("iPad", "OS")), range(15, 19), range(7))
]
_FIREFOXES = [
    f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
    for version in range(110, 141)
    for system in ("Windows NT 10.0; Win64; x64", "X11; Linux x86_64", "Android 14; Mobile")
]
_EDGES = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{version}.0.0.0 Safari/537.36 Edg/{version}.0.{build}.61"
    for version, build in product(range(118, 132), (1901, 2210))
]
_ROBOTS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "curl/8.5.0",
]
_LANGUAGES = [
    f"{one}-{land},{one};q=0.9,en;q=0.8"
    for one, land in zip(
        ["de", "fr", "es", "it", "pt", "nl", "pl", "cs", "tr", "ja", "ko", "uk"],
        ["AT", "FR", "ES", "IT", "BR", "NL", "PL", "CZ", "TR", "JP", "KR", "UA"],
        strict=True,
    )
] + ["en-US,en;q=0.9", "en-GB,en;q=0.9", "en", ""]


class Traffic:
    """An endless row of visits; the same seed gives the same ones."""

    def __init__(self, seed: int = 1, links: int = LINKS) -> None:
        self._random = Random(seed)  # noqa: S311 - visits, no secrets
        self._links = range(1, links + 1)
        self._weights = _by_zipf(links)
        # Some browsers are far more frequent than others.
        browsers = [*_CHROMES, *_SAFARIS, *_FIREFOXES, *_EDGES]
        self._random.shuffle(browsers)
        self._agents = browsers
        self._agent_weights = _by_zipf(len(browsers))
        self._visitors = [(self._address(), self._agent(), self._random.choice(_LANGUAGES)) for _ in range(ADDRESSES)]
        # Browsers tell other sites no more than where the visitor was: scheme and host.
        self._referrers = [f"https://site-{host}.example/" for host in range(300)]
        self._referrer_weights = _by_zipf(300)
        self._campaigns = [
            f"utm_source={source}&utm_medium={medium}&utm_campaign=launch-{number}"
            for source, medium, number in product(("news", "mail", "social", "ads"), ("cpc", "post"), range(40))
        ]

    def visits(self, number: int) -> list[tuple[int, str, str, str, str, str]]:
        """(link id, address, user agent, referrer, Accept-Language, query) of so many visits."""
        random = self._random
        links = random.choices(self._links, cum_weights=self._weights, k=number)
        visitors = random.choices(self._visitors, k=number)
        return [
            (link, address, self._agent_of(agent), self._referrer(), language, self._query())
            for link, (address, agent, language) in zip(links, visitors, strict=True)
        ]

    def payloads(self, number: int, at: int) -> list[bytes]:
        """The same as journal payloads, all of one moment in unix milliseconds."""
        return [
            encode_visit(link, at, address, agent, referrer, language, query, False)
            for link, address, agent, referrer, language, query in self.visits(number)
        ]

    def _agent(self) -> str:
        return self._random.choices(self._agents, cum_weights=self._agent_weights)[0]

    def _agent_of(self, usual: str) -> str:
        return self._random.choice(_ROBOTS) if self._random.random() < 0.05 else usual

    def _address(self) -> str:
        random = self._random
        if random.random() < 0.1:
            return "2a02:" + ":".join(f"{random.randrange(1, 65536):x}" for _ in range(7))
        return ".".join(str(random.randrange(1, 224 if place == 0 else 255)) for place in range(4))

    def _referrer(self) -> str:
        return (
            ""
            if self._random.random() < 0.4
            else self._random.choices(self._referrers, cum_weights=self._referrer_weights)[0]
        )

    def _query(self) -> str:
        kind = self._random.random()
        if kind < 0.7:
            return ""
        campaign = self._random.choice(self._campaigns)
        return campaign if kind < 0.9 else f"{campaign}&fbclid=IwAR{self._random.getrandbits(200):050x}"


def _by_zipf(number: int) -> list[float]:
    """Cumulated weights: the first of so many comes twice as often as the second, three times as often as the third."""
    return list(accumulate(1 / rank for rank in range(1, number + 1)))
