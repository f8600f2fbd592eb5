"""Every number of a config has two bounds, and a huge one gives one message at once, wherever it is written."""

import math
import time
from collections.abc import Iterator
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typer.testing import CliRunner

from workbench import registry
from workbench.checks import warnings_of
from workbench.cli import app
from workbench.config import ConfigError, ExamPart, RewardPart, RunConfig
from workbench.engines.build import capabilities
from workbench.piece import Piece, check_fields, schema
from workbench.planning.forecast import forecast
from workbench.planning.memory import GIB, fullest
from workbench.runs.demo import demo_config
from workbench.training.forward import micro_batches
from workbench.types import Row

registry.load()
PIECES = sorted(
    {piece for kind in Piece.__subclasses__() for piece in kind.registry.values()}, key=lambda p: p.__name__
)
HUGE = (10**10, 10**18, 2**200, -(10**18), 1e300, math.inf, -math.inf, math.nan)
SECONDS = 1.0  # of processor time


class Own(GenerateJsonSchema):
    """Leaves out the fields that hold a piece: pieces are walked by themselves."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Any:
        del schema, error_info
        return {}


def numbers(node: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every number of a JSON schema with its place."""
    if isinstance(node, dict):
        if node.get("type") in ("integer", "number"):
            yield place, node
        node = list(node.items())
    if isinstance(node, list | tuple):
        for each in node:
            name, inner = each if isinstance(each, tuple) and len(each) == 2 else ("", each)
            yield from numbers(inner, f"{place}.{name}" if name else place)


def unbounded(kind: Any, place: str) -> list[str]:
    """The numbers of a type that lack a bound."""
    found = TypeAdapter(kind).json_schema(schema_generator=Own)
    return [
        f"{where}: {node}"
        for where, node in numbers(found, place)
        if not {"minimum", "exclusiveMinimum"} & node.keys() or not {"maximum", "exclusiveMaximum"} & node.keys()
    ]


def test_every_number_of_every_table_and_piece_has_two_bounds() -> None:
    found = unbounded(RunConfig, "config") + unbounded(RewardPart, "rewards") + unbounded(ExamPart, "exams")
    for piece in PIECES:
        found += unbounded(schema(piece), piece.__name__)
    assert not found, "\n".join(found)


def test_a_number_without_bounds_would_be_found() -> None:
    assert unbounded(dict[str, int | None], "x") == ["x.additionalProperties.anyOf: {'type': 'integer'}"]


def number_fields() -> list[tuple[type[Piece], str]]:
    """Every field of every piece that may hold a number by itself."""
    found = []
    for piece in PIECES:
        fields = TypeAdapter(schema(piece)).json_schema(schema_generator=Own).get("properties", {})
        for name, node in fields.items():
            kinds = [each.get("type") for each in (node, *node.get("anyOf", ()))]
            if {"integer", "number"} & set(kinds):
                found.append((piece, name))
    return found


@pytest.mark.parametrize("value", HUGE, ids=repr)
def test_every_piece_refuses_what_is_huge_or_no_number(value: float) -> None:
    fields = number_fields()
    assert len(fields) > 100
    for piece, name in fields:
        with pytest.raises(ValueError, match=rf"{name} = .*: give ") as caught:
            check_fields(piece, {name: value})
        assert "\n" not in str(caught.value)


NUMBERS = [
    (table, name)
    for table in ("rollouts", "training", "evaluation", "record")
    for name, field in RunConfig.model_fields[table].annotation.model_fields.items()  # type: ignore[union-attr]
    if field.annotation in (int, float)
]
OPTIONS = [("rollouts.vllm", "memory"), ("rollouts.vllm", "longest"), ("rollouts.vllm", "patience")]
OTHERS = [("", "seed"), ("model.lora", "rank"), ("model.lora", "alpha"), *OPTIONS]


def with_value(table: str, name: str, value: Any) -> dict[str, Any]:
    """The demonstration's tables with one value put in."""
    tables: dict[str, Any] = tomlkit.parse(demo_config().to_toml()).unwrap()
    place = tables
    for part in table.split(".") if table else []:
        place = place.setdefault(part, {})
    place[name] = value
    return tables


@pytest.mark.parametrize(("table", "name"), [*NUMBERS, *OTHERS])
@pytest.mark.parametrize(
    "value",
    [10**18, 2**200, 10**5000, math.inf, math.nan],
    ids=lambda value: f"{value:.3g}"[:9] if isinstance(value, float) else str(value.bit_length()),
)
def test_a_huge_number_of_a_table_is_one_message_at_once(table: str, name: str, value: float) -> None:
    tables, start = with_value(table, name, value), time.process_time()
    with pytest.raises(ConfigError) as caught:
        RunConfig(**tables)
    assert time.process_time() - start < SECONDS
    (message,) = caught.value.errors
    assert message.startswith(f"{table}.{name} = ".lstrip("."))
    assert "give " in message
    assert len(message) < 400


def test_toml_with_too_many_digits_is_one_message() -> None:
    with pytest.raises(ConfigError, match="not valid TOML: Invalid number at line 1"):
        RunConfig.from_toml(f"seed = {'9' * 5000}")


def largest(table: str, name: str) -> float:
    """The largest value that a field takes."""
    model: Any = RunConfig.model_fields[table].annotation
    return next(item.le for item in model.model_fields[name].metadata if getattr(item, "le", None) is not None)


@pytest.mark.parametrize(
    ("table", "name"),
    [("rollouts", "rollouts"), ("rollouts", "problems"), ("rollouts", "max_tokens"), ("training", "micro_batch"),
     ("training", "steps"), ("rollouts", "concurrent"), ("evaluation", "problems")],
)  # fmt: skip
def test_the_largest_that_is_allowed_is_forecast_by_formula(table: str, name: str) -> None:
    """Where all are at their largest as well: no count goes by rows."""
    config = demo_config().replace(**{table: {name: largest(table, name)}}, model={"device": "cpu"})
    forecast(demo_config().replace(model={"device": "cpu"}), 1)  # what is loaded once, for the advice as well
    start = time.process_time()
    found = forecast(config, GIB)
    warnings_of(config, capabilities("local"))
    assert time.process_time() - start < SECONDS
    assert found.peak > 0


def test_the_command_says_it_at_once(tmp_path: Any) -> None:
    for name, value in (("rollouts", 10**9), ("problems", 10**18), ("max_tokens", 2**200)):
        path = tmp_path / "huge.toml"
        path.write_text(tomlkit.dumps(with_value("rollouts", name, 3)).replace(f"{name} = 3", f"{name} = {value}", 1))
        start = time.process_time()
        told = CliRunner().invoke(app, ["plan", str(path)])
        assert time.process_time() - start < SECONDS
        assert isinstance(told.exception, ConfigError)
        assert str(told.exception).startswith(f"rollouts.{name} = ")


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 12), st.integers(1, 12), st.integers(1, 120))
def test_the_formula_agrees_with_counting(groups: int, size: int, prompt: int, answer: int, budget: int) -> None:
    rows = [Row((number,) * prompt, range(answer)) for number in range(groups) for _ in range(size)]
    batches = micro_batches(rows, budget)
    counted = max((len(batch), len({rows[row].prompt for row in batch})) for batch in batches)
    found = fullest(groups, size, prompt, answer, budget)
    assert found[0] == counted[0]
    assert counted[1] <= found[1] <= counted[1] + 1
