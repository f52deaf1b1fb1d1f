"""Plans: what a workspace may use. Data, not code; a TOML file redefines or adds some."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

NO_LIMIT = "unlimited"


def _absent(value: Any) -> Any:
    # TOML has no null: the word stands for it.
    return None if value == NO_LIMIT else value


Limit = Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_absent)]


class Plan(BaseModel):
    """One plan's limits; None means no limit. `history` is how far back analytics answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    api: bool = True
    projects: Limit = None
    links: Limit = None
    pastes: Limit = None
    history: Annotated[
        tuple[Annotated[int, Field(ge=1)], Literal["days", "months"]] | None, BeforeValidator(_absent)
    ] = None
    requests_per_minute: Limit = None
    calls_per_month: Limit = None
    mask: bool = True
    webhooks: Limit = None

    @property
    def kept_days(self) -> int | None:
        """How many days raw clicks must be kept so that every answer inside the history can be made."""
        if self.history is None:
            return None
        number, unit = self.history
        # A time zone's first day begins up to 14 hours before the UTC day of the same name.
        return (number if unit == "days" else number * 31) + 2

    @property
    def compares_years(self) -> bool:
        """Whether the history is long enough (24 months) for a comparison with last year."""
        return self.history is None or (self.history[1] == "months" and self.history[0] >= 24)  # noqa: PLR2004


DEFAULT_PLANS: Mapping[str, Plan] = {
    "free": Plan(name="free", api=False, projects=1, links=25, pastes=25, history=(30, "days"), mask=False, webhooks=0),
    "basic": Plan(
        name="basic",
        projects=10,
        links=500,
        pastes=500,
        history=(13, "months"),
        requests_per_minute=60,
        calls_per_month=10_000,
        mask=False,
        webhooks=5,
    ),
    "pro": Plan(
        name="pro",
        projects=100,
        links=10_000,
        pastes=10_000,
        history=(37, "months"),
        requests_per_minute=60,
        calls_per_month=100_000,
        webhooks=20,
    ),
    "unlimited": Plan(name="unlimited"),
}


def load_plans(path: Path | None) -> Mapping[str, Plan]:
    """The default plans, with those of the TOML file at `path` put over them.

    Each table `[name]` starts from the default plan of that name, or from no limits. `history` is `[13, "months"]`.
    Raises ValueError with a sentence for a file that cannot be read as plans.
    """
    if path is None:
        return DEFAULT_PLANS
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"The plans file {path} cannot be read: {error}") from error
    return {**DEFAULT_PLANS, **{name: _plan(path, name, table) for name, table in tables.items()}}


def _plan(path: Path, name: str, table: Any) -> Plan:
    if not isinstance(table, dict):
        raise ValueError(f"The plans file {path} must hold tables alone, as in [basic]; `{name}` is none.")  # noqa: TRY004
    base = DEFAULT_PLANS.get(name, Plan()).model_dump()
    try:
        return Plan.model_validate({**base, **table, "name": name})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"The plans file {path}, plan `{name}`, `{where}`: {first['msg']}.") from error
