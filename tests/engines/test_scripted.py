"""The scripted engine says its lines."""

import pytest

from tests.engines.engine_models import make_requests, qwen3
from workbench.engines.build import capabilities, make_engine
from workbench.engines.scripted import ScriptedEngine
from workbench.types import Engine, Sampling


def test_answers_in_turn():
    engine = ScriptedEngine(qwen3().encoder, {"p0": ["The answer is 4.", [50, 60]]})
    assert isinstance(engine, Engine)
    first, second, third = engine.generate(make_requests(3)[:1], Sampling(max_tokens=50))
    assert first.text == third.text == "The answer is 4."
    assert first.tokens[-1] == 2
    assert first.finish == "stop"
    assert second.tokens == [50, 60, 2]
    assert second.engine_logprob == [-1.0] * 3
    assert first.trained == [True] * len(first.tokens)


def test_long_answers_are_cut():
    engine = ScriptedEngine(qwen3().encoder, {"p0": [[50] * 9]})
    (rollout,) = engine.generate(make_requests(1, prefix=(40,))[:1], Sampling(max_tokens=5))
    assert rollout.tokens == [40, 50, 50, 50, 50]
    assert rollout.finish == "length"


def test_what_is_not_scripted_is_named():
    with pytest.raises(ValueError, match="'p1'"):
        ScriptedEngine(qwen3().encoder, {"p0": ["a"]}).generate(make_requests(1), Sampling())
    with pytest.raises(ValueError, match="p0"):
        ScriptedEngine(qwen3().encoder, {"p0": []})


def test_engines_by_name():
    assert capabilities("local").pruning
    assert not capabilities("generate").pruning
    assert isinstance(make_engine("local", qwen3(), concurrent=4), Engine)
    with pytest.raises(ValueError, match=r"'vlm'.*generate, local"):
        capabilities("vlm")
