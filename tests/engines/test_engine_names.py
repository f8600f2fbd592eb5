"""Engines by name."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.engine_models import make_requests, qwen3
from workbench import registry
from workbench.engines.build import capabilities, engines, make_engine
from workbench.types import Sampling

OWN = '''
"""Always says the same."""

from workbench.engines.entry import Entry
from workbench.engines.scripted import ScriptedEngine

def make(policy, *, concurrent):
    return ScriptedEngine(policy.encoder, {"p0": ["The answer is 4."]})

ENGINES = {"parrot": Entry(make, ScriptedEngine.capabilities, agrees=False)}
'''


@pytest.mark.parametrize("name", ["local", "generate", "vllm"])
def test_an_entry_says_what_the_class_can_give(name: str) -> None:
    entry = engines()[name]
    assert entry.load().capabilities == entry.capabilities  # type: ignore[attr-defined]


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The registry as it was before."""
    known, modules, broken = dict(engines()), set(sys.modules), dict(registry.BROKEN)
    yield
    registry.ENGINES.clear()
    registry.ENGINES.update(known)
    registry.BROKEN.clear()
    registry.BROKEN.update(broken)
    for name in set(sys.modules) - modules:
        if name.startswith("workbench_user_"):
            del sys.modules[name]


@pytest.mark.usefixtures("forgotten")
def test_a_file_of_ones_own_is_enough_for_an_engine(tmp_path: Path) -> None:
    (tmp_path / "parrot.py").write_text(OWN)
    registry.load_file(tmp_path / "parrot.py")
    assert not registry.BROKEN
    assert capabilities("parrot").deterministic
    engine = make_engine("parrot", qwen3(), concurrent=4)
    assert engine.generate(make_requests(1)[:1], Sampling(max_tokens=50))[0].text == "The answer is 4."


@pytest.mark.usefixtures("forgotten")
def test_what_is_no_entry_is_told(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text('ENGINES = {"odd": "workbench.engines.scripted"}')
    registry.load_file(tmp_path / "odd.py")
    with pytest.raises(ValueError, match=r"ENGINES\['odd'\] is a str: give an Entry of workbench.engines.entry"):
        capabilities("odd")


def test_an_unknown_engine_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no engine is called 'vlm' .*'vllm'.*; .* generate, local"):
        capabilities("vlm")
