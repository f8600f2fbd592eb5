"""What may be given to a library that evaluates it."""

import pytest

from workbench.sandbox.gate import formula, literal


@pytest.mark.parametrize("text", ["3*x**2 + sin(x)/2", "(1 + 2.5e3) * 4!", "7", "-x^2", "log(x, 2)", "C + 2 x", " 1\n"])
def test_formulas_pass(text: str) -> None:
    assert formula(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "open('x')", "().__class__", "__import__('os')", "x.y", "[1]", "{1}", "'a'", '"a"', "x = 1", "a;b"),
        *("lambda: 1", "exec(1)", "eval(x)", "open(0)", "exit()", "input()", "x_", "x:1", "`x`", "\\x", "1if 1else 2"),
        *(
            "True",
            "sin.func",
            "print(1)",
            "globals()",
            "1" * 3000,
            "ｅｖａｌ(1)",
            "x\x00",
            "@x",
            "x & y",
            "x | y",
            "~x",
        ),
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    assert formula(text)


def test_names_can_be_chosen() -> None:
    assert formula("gcd(4, 6)") == "'gcd' is no function of a formula"
    assert formula("gcd(4, 6)", {"gcd"}) == ""


def test_literals_pass_and_code_does_not() -> None:
    assert literal("[['Q', '_'], [1, 2.5]]") == ""
    assert "no value" in literal("open('x','w').close()")
    assert "characters" in literal("1" * 2001)
