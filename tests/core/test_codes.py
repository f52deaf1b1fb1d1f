"""Codes that are made up: never a word that is reserved, never one that is taken."""

from random import Random

from shortmcp.adapters.database import Database, SqlWork
from shortmcp.core.codes import RESERVED, Kind, claim_code
from shortmcp.core.context import OPERATOR, Context, Scope, Site
from shortmcp.core.plans import DEFAULT_PLANS
from shortmcp.core.usage import Meter


class Dictated(Random):
    """Chance that draws the words it is given, one after the other."""

    def __init__(self, *words: str) -> None:
        super().__init__()
        self.words = list(words)

    def choices(self, *_: object, **__: object) -> list[str]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return list(self.words.pop(0))


def test_a_generated_code_is_never_reserved_nor_taken(database: Database) -> None:
    assert {"assets", "status", "readyz"} <= RESERVED
    site = Site("https://sho.rt", frozenset(), DEFAULT_PLANS)
    with SqlWork(database, site, Meter(), lambda _: None).begin(OPERATOR, Scope.WRITE) as ctx:
        assert claim_code(ctx, "abcdef", Kind.LINK) == "abcdef"
        chance = Dictated("assets", "status", "readyz", "abcdef", "bcdefg")
        drawn = Context(ctx.session, OPERATOR, ctx.now, site, Meter(), random=chance)
        assert claim_code(drawn, None, Kind.LINK) == "bcdefg"
    assert chance.words == []
