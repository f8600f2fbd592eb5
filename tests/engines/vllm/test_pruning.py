"""Pruning inside vLLM, and the likeliest tokens, against a stand-in for vLLM."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.engine_models import make_requests
from tests.engines.test_pruning_hook import KeepEven
from tests.engines.vllm.fake_vllm import STOP, calls
from tests.engines.vllm.vllm_stand_in import adapted
from workbench.config import RunConfig
from workbench.engines.options import VllmOptions
from workbench.engines.vllm.engine import VllmEngine
from workbench.engines.vllm.gate import errors
from workbench.kinds import BoundPruner
from workbench.pruning.arrol import Arrol
from workbench.types import Rollout, Sampling

ALONE = Arrol(detect=4, rule="random", draw="bernoulli", warm_up=0, min_group=2)
IN_ENGINE = VllmOptions(prune="in_engine")
SAMPLING = Sampling(max_tokens=16, stop=(STOP,), seed=1, step=1)  # after the warm-up


def bound(pruner: Arrol = ALONE) -> BoundPruner:
    return BoundPruner(pruner, pruner.init())


@pytest.fixture
def inside(folder: Path) -> Iterator[VllmEngine]:
    """An engine that prunes within vLLM."""
    made = VllmEngine(adapted(), concurrent=24, options=IN_ENGINE)
    yield made
    made.close()


def pruned(rollouts: list[Rollout]) -> set[tuple[int, int]]:
    """Who was, by request and index."""
    return {(rollout.request.number, rollout.index) for rollout in rollouts if rollout.finish == "pruned"}


def test_survivors_are_those_of_a_run_without_pruning(inside: VllmEngine, folder: Path) -> None:
    free = inside.generate(make_requests(8), SAMPLING)
    state = bound()
    rollouts = inside.generate(make_requests(8), SAMPLING, state)
    assert 4 < len(pruned(rollouts)) < 28
    for rollout, whole in zip(rollouts, free, strict=True):
        if rollout.finish == "pruned":
            assert (rollout.pruned_at, rollout.tokens) == (4, whole.tokens[:4])
            assert rollout.engine_logprob == whole.engine_logprob[:4]
        else:
            assert (rollout.finish, rollout.tokens, rollout.pruned_at) == (whole.finish, whole.tokens, None)
            assert rollout.engine_logprob == whole.engine_logprob
        assert ("pruning" in rollout.extras) == (len(whole.tokens) > 4)
    asked = calls(folder, "prompt")
    assert len(asked) == 2 * 32  # nobody was written on in a second order
    assert {call["extra"] is None for call in asked[:32]} == {True}
    judged = {(rollout.request.number, rollout.index) for rollout in rollouts if "pruning" in rollout.extras}
    assert {f"{number}/{index}" for number, index in judged} == set(state.state["pending"])


def test_both_ways_prune_the_same_and_record_the_same(inside: VllmEngine, folder: Path) -> None:
    requests = make_requests(8, prefix=(50, 51))  # a given prefix counts as part of the answer
    one = inside.generate(requests, SAMPLING, bound())
    assert pruned(inside.generate(requests, SAMPLING, bound())) == pruned(one)
    phases = VllmEngine(adapted(), concurrent=24)
    two = phases.generate(requests, SAMPLING, bound())
    phases.close()
    assert pruned(one) == pruned(two) != set()
    for first, second in zip(one, two, strict=True):
        assert first.tokens[:4] == second.tokens[:4]
        if "pruning" in second.extras:
            assert first.extras["pruning"] == second.extras["pruning"]


def test_the_pruner_has_the_last_word(inside: VllmEngine, folder: Path) -> None:
    """Groups of which few came so far are left alone: who was stopped is written on."""
    free = inside.generate(make_requests(3), SAMPLING)
    before = len(calls(folder, "prompt"))
    rollouts = inside.generate(make_requests(3), SAMPLING, bound(Arrol(**{**ALONE.fields(), "min_group": 4})))
    assert pruned(rollouts) == set()
    assert len(calls(folder, "prompt")) > before + 12
    for rollout, whole in zip(rollouts, free, strict=True):
        assert rollout.tokens[:4] == whole.tokens[:4]
        assert rollout.finish == "stop" or len(rollout.tokens) == 16


def test_a_dead_process_changes_no_word(inside: VllmEngine, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = inside.generate(make_requests(8), SAMPLING, bound())
    (folder / "die").touch()
    assert inside.generate(make_requests(8), SAMPLING, bound()) == whole
    assert "restarted" in caplog.text


def test_what_looks_at_groups_is_refused(inside: VllmEngine, folder: Path) -> None:
    with pytest.raises(
        ValueError, match=r"pruning.rule = 'group' depends on whole groups: set 'paper' or 'random'.*'two_"
    ):
        inside.generate(make_requests(2), SAMPLING, bound(Arrol(detect=4, draw="bernoulli")))
    with pytest.raises(
        ValueError, match=r"pruning.draw = 'fixed' depends on whole groups: set 'bernoulli', or set roll"
    ):
        inside.generate(make_requests(2), SAMPLING, bound(Arrol(detect=4, rule="random")))
    with pytest.raises(ValueError, match=r"KeepEven cannot decide on a rollout alone; set 'two_phase'"):
        inside.generate(make_requests(2), SAMPLING, BoundPruner(KeepEven(), KeepEven().init()))
    assert len(errors(IN_ENGINE, Arrol())) == 2
    assert errors(IN_ENGINE, ALONE) == errors(VllmOptions(), Arrol()) == errors(IN_ENGINE, None) == []


def test_a_model_without_a_stop_token_is_refused(inside: VllmEngine) -> None:
    inside.policy.encoder.stop = ()
    with pytest.raises(ValueError, match=r"the model has none: name one, or set rollouts.vllm.prune = 'two_phase'"):
        inside.generate(make_requests(2), Sampling(max_tokens=16), bound())


def test_the_settings_are_in_the_config() -> None:
    text = '[rollouts.vllm]\nprune = "in_engine"\ntop_logprobs = 7\n'
    config = RunConfig.from_toml('task = "sums"\nmethod = "grpo"\n[[rewards]]\nreward = "exact"\n' + text)
    again = RunConfig.from_toml(config.to_toml()).rollouts.vllm
    assert (again.prune, again.top_logprobs) == ("in_engine", 7)
    for wrong in ('prune = "never"', "top_logprobs = 21", "top_logprobs = -1"):
        with pytest.raises(ValueError, match=f"rollouts.vllm.{wrong.split()[0]}"):
            RunConfig.from_toml(
                f'task = "sums"\nmethod = "grpo"\n[[rewards]]\nreward = "exact"\n[rollouts.vllm]\n{wrong}\n'
            )


def test_the_likeliest_tokens_are_told_where_they_are_asked_for(folder: Path) -> None:
    engine = VllmEngine(adapted(), concurrent=24, options=VllmOptions(top_logprobs=3))
    rollouts = engine.generate(make_requests(4, prefix=(50,)), SAMPLING, BoundPruner(KeepEven(), KeepEven().init()))
    engine.close()
    assert pruned(rollouts)
    for rollout in rollouts:
        ids, logprobs = (rollout.extras[f"engine_top_{name}"] for name in ("ids", "logprobs"))
        assert len(ids) == len(logprobs) == len(rollout.tokens)
        assert ids[0] == [-1] * 3
        assert all(math.isnan(value) for value in logprobs[0])
        assert ids[1:] == [[100, 101, 102]] * (len(ids) - 1)
        assert logprobs[1:] == [[-0.1, -0.101, -0.102]] * (len(ids) - 1)
        assert rollout.engine_logprob[1:] == [-token / 1000 for token in rollout.tokens[1:]]


def test_they_are_not_told_where_they_are_not(engine: VllmEngine) -> None:
    assert not [rollout for rollout in engine.generate(make_requests(2), SAMPLING) if rollout.extras]
