"""The program in a completion."""

import pytest

from workbench.rewards.code.text import program_of


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("```python\nx = 1\n```", "x = 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
        ("```py\nfirst\n```\nor\n```python\nlast\n```\nDone.", "last\n"),
        ("```python\nx = 1\n```\nprints\n```text\n1\n```", "x = 1\n"),
        ("```python\nx = 1\n```\n```python\nunclosed", "x = 1\n"),
        ("<think>```python\nno\n```</think>\n```python\nyes\n```", "yes\n"),
        ("so\nanswer: def f(x): return x\n", "def f(x): return x"),
        ("Answer: no. answer: yes", "yes"),
    ],
)
def test_the_last_closed_block_else_what_follows_the_last_marker(text: str, program: str) -> None:
    assert program_of(text).text == program


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "no code block"),
        ("print(1)", "no code block"),
        ("answer:  ", "nothing behind"),
        ("```python\nx = 1", "no closed code block"),
        ("```java\nint x;\n```", "no closed code block"),
        ("```python\n\n```", "no closed code block"),
        ("answer: x ```", "no closed code block"),
        ("<think>```python\nx\n```", "never closed"),
    ],
)
def test_what_is_missing_is_said(text: str, missing: str) -> None:
    found = program_of(text)
    assert missing in found.missing
    assert not found.text


def test_a_long_text_takes_no_long_time() -> None:
    assert program_of("```" * 100_000 + "answer:" * 100_000).missing
