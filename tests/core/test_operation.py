"""Every field of every operation: described, and refused in our own words whatever is sent."""

from collections.abc import Sequence
from typing import Any

import pytest

from shortmcp.catalog import CATALOG
from shortmcp.core.errors import OperationError
from shortmcp.operation import Operation

VALUES: tuple[Any, ...] = (
    None, True, 7, -1, 1.5, 2**63, 2**64, 10**400, float("nan"), float("inf"), "", " ", "x", "\0", "\ud800", "x" * 9000,
    [], [None], {}, {"x": 1}, object(),
)  # fmt: skip


def complaints(operation: Operation, field: str, value: Any) -> Sequence[str]:
    """What is said of one field; any other exception flies."""
    try:
        operation.parse({field: value})
    except OperationError as error:
        return error.errors.get(field, ())
    return ()


def test_whatever_a_field_is_sent_it_takes_it_or_says_why_not() -> None:
    for operation in CATALOG:
        for name, field in operation.input.model_fields.items():
            wire = field.alias or name
            for value in VALUES:
                for said in complaints(operation, wire, value):
                    assert said.startswith((f"`{wire}` ", "The ")), said
                    assert "see the operation's schema" not in said, (operation.name, wire, value)


def test_unknown_fields_are_refused_with_the_known_ones() -> None:
    for operation in CATALOG:
        with pytest.raises(OperationError) as caught:
            operation.parse({"workspace_id": 1})
        assert caught.value.errors["workspace_id"][0].startswith("`workspace_id` is not a field of this operation")


def test_every_field_says_what_it_is() -> None:
    for operation in CATALOG:
        schema = operation.input.model_json_schema(by_alias=True)
        for name, field in schema.get("properties", {}).items():
            texts = [field.get("description"), *(kind.get("description") for kind in field.get("anyOf", ()))]
            assert any(texts), (operation.name, name)
