"""Pruning within vLLM itself, on a CPU, with the embedded model; and its likeliest tokens."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from tests.engines.vllm.test_real import GAP, OPTIONS, change, requests, why_not
from workbench.config import RunConfig
from workbench.engines.options import VllmOptions
from workbench.engines.vllm.engine import VllmEngine
from workbench.engines.vllm.process import EngineError
from workbench.kinds import BoundPruner
from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.pruning.arrol import Arrol
from workbench.pruning.quality import make_head
from workbench.runs.process import build
from workbench.types import Rollout, Sampling, State

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

IN_ENGINE = dataclasses.replace(OPTIONS, prune="in_engine", top_logprobs=5)
SAMPLING = Sampling(max_tokens=48, seed=3, step=1)
ALONE = Arrol(detect=8, rule="random", draw="bernoulli", warm_up=0, min_group=2)


@pytest.fixture(scope="module")
def engine() -> Iterator[VllmEngine]:
    policy = load_policy(ModelSpec(lora=LoraSpec(rank=6)))
    made = VllmEngine(policy, concurrent=64, options=IN_ENGINE)
    change(made, seed=1)
    made.sync(policy)
    yield made
    made.close()


def taught(engine: VllmEngine, pruner: Arrol) -> State:
    """A state in which a head that tells rollouts apart prunes."""
    hidden = engine.policy.hidden(torch.arange(20, 420)[None])[0].detach()
    head = make_head(hidden, 16, seed=2)
    head["second"] = torch.linspace(-2, 2, 16)
    bins = torch.arange(pruner.bins)
    counts = {"right": (3 * bins).tolist(), "wrong": (3 * bins.flip(0)).tolist()}
    return {**pruner.init(), **counts, "head": head, "auc": 0.9}


def bound(engine: VllmEngine, pruner: Arrol = ALONE) -> BoundPruner:
    return BoundPruner(pruner, pruner.init() if pruner.rule == "random" else taught(engine, pruner))


def pruned(rollouts: list[Rollout]) -> list[bool]:
    return [rollout.finish == "pruned" for rollout in rollouts]


@pytest.mark.parametrize("rule", ["random", "paper"])
def test_survivors_are_those_of_a_run_without_pruning(engine: VllmEngine, rule: str) -> None:
    pruner = dataclasses.replace(ALONE, rule=rule)
    free = engine.generate(requests(engine, n=12), SAMPLING)
    state = bound(engine, pruner)
    rollouts = engine.generate(requests(engine, n=12), SAMPLING, state)
    assert pruned(engine.generate(requests(engine, n=12), SAMPLING, bound(engine, pruner))) == pruned(rollouts)
    assert 4 < sum(pruned(rollouts)) < 36
    stop = set(engine.policy.encoder.stop)
    for rollout, whole in zip(rollouts, free, strict=True):
        judged = len(whole.tokens) > 8
        assert ("pruning" in rollout.extras) == judged
        assert not stop & set(rollout.tokens[:-1])
        if rollout.finish == "pruned":
            assert judged
            assert (rollout.tokens, rollout.pruned_at) == (whole.tokens[:8], 8)
        else:
            assert (rollout.tokens, rollout.finish) == (whole.tokens, whole.finish)
        kept = len(rollout.tokens)
        torch.testing.assert_close(
            torch.tensor(rollout.engine_logprob), torch.tensor(whole.engine_logprob[:kept]), atol=GAP, rtol=0
        )
    survival = [rollout.extras["pruning"][-1]["survival"] for rollout in rollouts if "pruning" in rollout.extras]
    assert len(set(survival)) > (3 if rule == "paper" else 0)
    assert len(state.state["pending"]) == len(survival)


def test_both_ways_judge_by_the_same_states(engine: VllmEngine) -> None:
    pruner = dataclasses.replace(ALONE, rule="paper")
    one, two = bound(engine, pruner), bound(engine, pruner)
    inside = engine.generate(requests(engine, n=8), SAMPLING, one)
    engine.options = dataclasses.replace(IN_ENGINE, prune="two_phase")
    try:
        phases = engine.generate(requests(engine, n=8), SAMPLING, two)
    finally:
        engine.options = IN_ENGINE
    assert one.state["pending"].keys() == two.state["pending"].keys()
    assert len(one.state["pending"]) > 8
    for key, seen in one.state["pending"].items():
        other = two.state["pending"][key]
        torch.testing.assert_close(seen["hidden"], other["hidden"], atol=1e-4, rtol=1e-4)
        assert seen["u"] == other["u"]
        assert abs(seen["score"] - other["score"]) < 1e-4
    alike = [first == second for first, second in zip(pruned(inside), pruned(phases), strict=True)]
    assert np.mean(alike) > 0.9  # but for a score at the border of a bin


def test_rows_that_vllm_puts_off_for_want_of_memory_are_judged_alike(engine: VllmEngine) -> None:
    """In 4 MB are 16 blocks of 128 tokens; 12 rows of 4 blocks begin side by side, and most must be begun again."""
    long = Sampling(max_tokens=384, seed=3, step=1, stop=(447,))
    late = dataclasses.replace(ALONE, detect=100)
    wanted = engine.generate(requests(engine, n=3), long, bound(engine, late))
    small = VllmEngine(engine.policy, concurrent=64, options=dataclasses.replace(IN_ENGINE, memory=2**22))
    found = small.generate(requests(engine, n=3), long, bound(engine, late))
    small.close()
    assert [rollout.tokens for rollout in found] == [rollout.tokens for rollout in wanted]
    assert pruned(found) == pruned(wanted)
    assert 0 < sum(pruned(found)) < 12


def test_the_likeliest_tokens_are_the_trainers(engine: VllmEngine) -> None:
    cool = Sampling(temperature=0.7, max_tokens=24, seed=3)
    for rollout in engine.generate(requests(engine, n=1), cool):
        tokens = torch.tensor([[*rollout.prompt, *rollout.tokens]])
        with torch.no_grad():
            read = (engine.policy.logits(engine.policy.hidden(tokens)[0]) / 0.7).log_softmax(-1)
        wanted = read[len(rollout.prompt) - 1 : -1].topk(5)
        found = torch.tensor(rollout.extras["engine_top_logprobs"])
        torch.testing.assert_close(found, wanted.values, atol=GAP, rtol=0)
        clear = wanted.values.diff().abs().min(1).values > GAP
        assert torch.equal(torch.tensor(rollout.extras["engine_top_ids"])[clear], wanted.indices[clear])
        drawn = [dict(zip(*pair, strict=True)).get(token) for *pair, token in triples(rollout)]
        assert all(value in (None, own) for value, own in zip(drawn, rollout.engine_logprob, strict=True))


def triples(rollout: Rollout) -> list[tuple[list[int], list[float], int]]:
    """The likeliest ids, their log-probs and the token drawn, of each place."""
    found = (rollout.extras["engine_top_ids"], rollout.extras["engine_top_logprobs"], rollout.tokens)
    return list(zip(*found, strict=True))


def test_what_cannot_be_drawn_is_among_the_likeliest_with_no_probability(engine: VllmEngine) -> None:
    cut = Sampling(top_k=2, max_tokens=8, seed=3)
    for rollout in engine.generate(requests(engine, n=1), cut):
        for logprobs in rollout.extras["engine_top_logprobs"]:
            assert logprobs[2:] == [-np.inf] * 3
            assert sum(np.exp(logprobs)) == pytest.approx(1, abs=1e-5)


def test_a_start_that_fails_says_which_setting_it_was() -> None:
    policy = load_policy(ModelSpec(lora=LoraSpec(rank=6)))
    with pytest.raises(EngineError, match=r"kv-cache-memory-bytes is rollouts\.vllm\.memory"):
        VllmEngine(policy, options=VllmOptions(memory=2**50, longest=512))


def test_a_run_that_prunes_within_it() -> None:
    config = RunConfig(
        model={"lora": {"rank": 4}},
        task="word_problems",
        rewards=["exact"],
        method="grpo",
        rollouts={
            "engine": "vllm",
            "problems": 2,
            "rollouts": 6,
            "max_tokens": 24,
            "vllm": {"prune": "in_engine", "memory": 2**28, "longest": 512},
        },
        pruning={"pruner": "arrol", "detect": 6, "rule": "random", "draw": "bernoulli", "warm_up": 1},
        training={"steps": 3, "threads": 1},
        evaluation={"problems": 0},
    )
    assert build.errors(config) == []
    trainer = build.build(config)
    columns = [step.columns for step in trainer]
    trainer.parts.engine.close()
    finishes = [set(step["finish"]) for step in columns if step is not None]
    assert "pruned" not in finishes[0]
    assert any("pruned" in finish for finish in finishes[1:])
