"""Plain values as texts: written, read without evaluating, compared."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.sandbox.values import DEEPEST, read, same, written

ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
KEYS = st.integers() | st.text() | st.booleans()
VALUES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.tuples(inner)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.frozensets(KEYS, max_size=4)
        | st.sets(KEYS, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_as_the_same_value(value: Any) -> None:
    back = read(written(value))
    assert type(back) is type(value)
    assert same(back, value)


def test_no_order_and_no_class_of_ones_own_shows() -> None:
    class Loud(int):
        def __repr__(self) -> str:
            return "8"

    assert written({"b", "a"}) == "{'a', 'b'}"
    assert written(Loud(7)) == "7"
    assert (written(math.inf), written(-math.inf), written((1,)), written(set())) == ("inf", "-inf", "(1,)", "set()")


def test_numbers_that_are_none_are_equal_to_themselves_only() -> None:
    assert same(read("nan"), math.nan)
    assert not same(math.nan, 1.0)
    assert not same(0.1 + 0.2, 0.3)
    assert same(0.1 + 0.2, 0.3, tolerance=1e-9)
    assert not same(10**400, 1.5, tolerance=1e-9)
    assert same(10**400, 10**400)
    assert not same(2**53 + 1, 2**53, tolerance=1e-9)


def test_types_count_but_not_for_tests_kept_as_json() -> None:
    assert not same(1, True)
    assert not same([(1, [2])], [[1, (2,)]])
    assert same([(1, [2])], [[1, (2,)]], loose=True)
    assert not same({"a": 1}, {"a": 2})
    assert not same([1], "1")


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "f(1)", "__import__('os')", "[1, 2", "1 + 1", "lambda: 1", "[x for x in ()]", "1 if 1 else 2"),
        *("'a' 'b' + 'c'", "...", "{**{}}", "{[1]}", "{{}: 1}", "-'a'", "-True", "a.b", "f'{1}'", "1j", "set([1])"),
        *("(" * 999, "[" * 99 + "]" * 99, "-" * 60_000 + "1", "9" * 5000, "1+" * 30_000 + "1", "\x00", "\ud800"),
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no value|nested|cannot be|no .* value"):
        read(text)


def test_what_is_too_long_too_deep_or_no_value_is_not_written() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="holds itself"):
        written(loop)
    for value, text in (("x" * 99, "too long"), (object(), "object"), ([1] * 99, "too long")):
        with pytest.raises(ValueError, match=text):
            written(value, longest=80)
    with pytest.raises(ValueError, match="characters"):
        read("1" * 11, longest=10)
    deep: Any = 1
    for _ in range(DEEPEST):
        deep = [deep]
    assert read(written(deep)) == deep
