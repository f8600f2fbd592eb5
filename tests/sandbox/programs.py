"""Programs of the small language, drawn by hypothesis."""

from hypothesis import strategies as st

DIGITS = st.integers(0, 9).map(str)
VALUES = st.integers(-20, 20) | st.lists(st.integers(-9, 9), max_size=6)


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Larger expressions of smaller ones."""
    operators = st.sampled_from(["+", "-", "*", "//", "%"])
    functions = st.sampled_from(["sorted", "sum", "len", "max", "min", "list", "range"])
    compare = st.sampled_from([">", "<", "==", "!=", ">=", "<="])
    optional = st.just("") | DIGITS | st.just("-1")
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(functions, inner).map(lambda p: f"{p[0]}({p[1]})"),
        st.tuples(inner, optional, optional, optional).map(lambda p: f"{p[0]}[{p[1]}:{p[2]}:{p[3]}]"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]}[{p[1]}]"),
        st.tuples(inner, inner, inner, compare, inner).map(
            lambda p: f"[{p[0]} for v in {p[1]} if {p[2]} {p[3]} {p[4]}]"
        ),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]} for v in {p[1]}]"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}).count({p[1]})"),
        st.lists(inner, max_size=3).map(lambda p: f"[{', '.join(p)}]"),
        inner.map(lambda p: f"-{p}"),
    )


EXPRESSIONS = st.recursive(st.just("x") | st.just("v") | DIGITS, _grown, max_leaves=6)
PROGRAMS = st.lists(EXPRESSIONS, min_size=1, max_size=3).map(
    lambda lines: "def f(x): " + "".join(f"x = {line}; " for line in lines) + "return x"
)
