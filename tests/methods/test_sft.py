"""SFT: the loss by hand, the gradient against transformers' cross-entropy, and what is said of missing references."""

import dataclasses
import itertools
import math

import pytest
import torch

from tests.batches import UNEQUAL, assert_close, loss_and_gradient, toy
from tests.methods.rounds import Echo, make_round, scored
from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.config import RunConfig
from workbench.method import lens
from workbench.methods.sft import Teach
from workbench.models import LoraSpec
from workbench.registry import find_method
from workbench.runs.process.build import errors
from workbench.types import Problem

SFT = find_method("sft")
IGNORED = -100  # a label that transformers leaves out of its loss


def test_the_loss_is_the_mean_over_all_tokens_whatever_the_reward():
    batch = toy(mask=UNEQUAL, reward=torch.zeros(4, dtype=torch.float64))
    loss, gradient = loss_and_gradient(SFT, batch)
    assert_close(loss, -batch.logprob[UNEQUAL].mean())
    assert_close(gradient[UNEQUAL], -torch.full((9,), 1 / 9, dtype=torch.float64))
    assert (lens(SFT, batch)[UNEQUAL] > 0).all()


@pytest.mark.parametrize("lora", [None, LoraSpec(rank=2)], ids=["all weights", "adapter"])
def test_the_gradient_is_that_of_transformers_cross_entropy(lora):
    policy, other = tiny_policy(lora), tiny_policy(lora)
    budget = {"rollouts": {"max_tokens": 64}, "training": {"steps": 1, "clip_norm": 1e9, "micro_batch": 80}}
    run = make_trainer("sft", make_settings(**budget), policy)
    step = next(iter(run))
    rows = list(zip(step.columns["prompt_ids"], split(step), strict=True))
    longest = max(len(prompt) + len(trace) for prompt, trace in rows)
    tokens, labels = torch.zeros(4, longest, dtype=torch.long), torch.full((4, longest), IGNORED)
    for place, (prompt, trace) in enumerate(rows):
        whole = torch.tensor([*prompt, *trace])
        tokens[place, : len(whole)] = whole
        labels[place, len(prompt) : len(whole)] = whole[len(prompt) :]
    loss = other.model(input_ids=tokens, labels=labels).loss
    loss.backward()
    assert len({len(trace) for _, trace in rows}) > 1
    assert math.isclose(step.metrics["loss"], loss.item(), abs_tol=1e-6)
    assert math.isclose(step.metrics["nll"], loss.item(), abs_tol=1e-6)
    gradients = [(policy.trainable()[name].grad, weight.grad) for name, weight in other.trainable().items()]
    largest = max(float(theirs.abs().max()) for _, theirs in gradients)
    assert all(float((ours - theirs).abs().max()) <= 1e-6 * max(1.0, largest) for ours, theirs in gradients)


def split(step):
    """The tokens of every rollout of a step."""
    offsets, tokens = step.columns["offsets"], step.columns["token_ids"]
    return [tokens[start:end].tolist() for start, end in itertools.pairwise(offsets)]


def test_nothing_is_sampled_and_every_token_of_a_trace_is_on_record():
    run = make_trainer("sft", make_settings(rollouts={"max_tokens": 64}, training={"steps": 1}))
    run.parts.engine.generate = None  # the engine is not asked
    step = next(iter(run))
    texts = [run.parts.task.problem(number, "train").data["solution"] for number in range(4)]
    assert step.columns["text"] == texts
    assert all(tokens[-1] == 2 for tokens in split(step))
    assert (step.columns["lens"] > 0).all()
    assert step.columns["trained"].all()
    assert step.metrics["tokens"] == 0
    assert step.metrics["given_tokens"] == len(step.columns["token_ids"])
    assert not {"reward", "correct", "length", "zero_variance_groups", "mismatch_mean"} & step.metrics.keys()


def test_one_of_several_traces_is_drawn():
    groups = [dataclasses.replace(scored(number, [], solution=["a", "b"])) for number in range(10)]
    orders = Teach()({}, dataclasses.replace(make_round(0, groups), stop=(46, 0)))
    assert {Echo().text(each.tokens) for each in orders.rollouts} == {"a.", "b."}
    assert not Teach()({}, make_round(1, groups)).rollouts


@pytest.mark.parametrize("solution", [None, "", "  ", 7, [], [""]])
def test_a_problem_without_a_trace_is_named(solution):
    assert not Teach().references(Problem("p", "q", "a", {"solution": solution}))
    with pytest.raises(ValueError, match="problem p0 has no text in the column 'solution': name the column"):
        Teach()({}, make_round(0, [scored(0, [], solution=solution)]))


def config(**changes):
    tables = {"task": {"task": "sums", "level": 1}, "rewards": ["exact"], "method": "sft", "training": {"threads": 1}}
    return RunConfig(**{**tables, **changes})


def test_missing_and_long_references_are_one_message_before_the_start():
    assert errors(config()) == []
    (missing,) = errors(config(method={"method": "sft", "controller": {"solution": "proof"}}))
    assert missing.startswith("sums, train problem 0: there is no reference trace in the column 'proof' (columns with")
    assert "name the column with method.controller.solution (64 such: train problem 0, " in missing
    (long,) = errors(config(rollouts={"max_tokens": 8}))
    assert "tokens, more than rollouts.max_tokens = 8; raise rollouts.max_tokens" in long
