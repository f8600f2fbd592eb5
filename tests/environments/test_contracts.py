"""What every environment keeps to, whatever a proposer writes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench import registry
from workbench.kinds import Environment
from workbench.types.memory import fault_of

registry.load()
ENVIRONMENTS = {
    name: piece() for name, piece in Environment.registry.items() if piece.__module__.startswith("workbench.")
}
every_environment = pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
HOSTILE = (
    *("", "\0", "\ud800", "answer: 4", "x = ", "```", "```python\n", "```input\n4\n```", "()" * 400, "[" * 900),
    *("def f(x): return x\nx = 4", "```python\ndef f(x): return x\n```\n```input\n\ud800\n```", "4; " * 300),
    *("```python\nimport os\n```\n```input\n1\n```", "<think>" * 100, "</think>", "9" * 5000, "{question}", "\n" * 500),
)


def usable(name: str) -> Environment:
    environment = ENVIRONMENTS[name]
    if environment.check():
        pytest.skip(environment.check()[0])
    return environment


@every_environment
def test_the_first_problems_can_be_stocked_and_shown(name: str) -> None:
    environment = ENVIRONMENTS[name]
    assert environment.kinds
    for kind in environment.kinds:
        sources, count = environment.references(kind)
        assert set(sources) <= set(environment.kinds)
        problems = [each for source in sources for each in environment.first(source)]
        assert problems
        assert count >= 1  # as many are shown as there are
        assert [fault_of(each) for each in problems] == [""] * len(problems)
        assert {each.source for each in problems} == set(sources)
        asked = environment.ask(kind, problems[:count], "the key")
        assert (asked.key, asked.source, asked.answer) == ("the key", kind, "")
        assert problems[0].data["program"].split("\n")[0].split(":")[0] in asked.prompt


@every_environment
def test_whatever_is_written_is_told_apart(name: str) -> None:
    environment = usable(name)
    for kind in environment.kinds:
        sources, count = environment.references(kind)
        asked = environment.ask(kind, environment.first(sources[0])[:count], "key")
        found = environment.read([(asked, text) for text in HOSTILE])
        assert len(found) == len(HOSTILE)
        for text, each in zip(HOSTILE, found, strict=True):
            assert (each.problem is None) == bool(each.reason), text
            assert each.problem is None or fault_of(each.problem) == ""
    assert environment.read([]) == []


@every_environment
@settings(deadline=None, max_examples=60)
@given(text=st.text(alphabet="def f(x):retun[]0129 ;,.+-*%=\n`pythoinm'\"", max_size=120))
def test_noise_is_no_error(name: str, text: str) -> None:
    environment = usable(name)
    kind = environment.kinds[0]
    _, count = environment.references(kind)
    (found,) = environment.read([(environment.ask(kind, environment.first(kind)[:count], "key"), text)])
    assert found.reason or found.problem is not None
