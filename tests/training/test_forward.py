"""Signals of rows against the model's own full logits: contexts, heads, the reference."""

import pytest
import torch
from torch import Tensor

from tests.training.small_runs import ROWS, tiny_policy
from workbench.kinds import Head
from workbench.models import LoraSpec
from workbench.models.policy import LocalPolicy
from workbench.training.forward import Forward, make_heads, micro_batches
from workbench.training.scorer import PolicyScorer
from workbench.types import Row


def own_logprobs(policy: LocalPolicy, row: Row, temperature: float = 1.0) -> Tensor:
    """The model's own log-softmax over one unpadded row, [answer token, vocabulary]."""
    tokens = torch.tensor([[*row.prompt, *row.answer]])
    logits = policy.causal(input_ids=tokens, use_cache=False).logits[0] / temperature
    return logits.log_softmax(-1)[len(row.prompt) - 1 : -1]


@pytest.mark.parametrize("temperature", [1.0, 0.6])
@pytest.mark.parametrize("budget", [1, 12, 1000])
def test_log_probs_and_entropy_are_the_models_own(temperature: float, budget: int) -> None:
    policy = tiny_policy()
    found = Forward(policy, temperature, budget).read_all(ROWS, ["logprob", "entropy", "top_ids"])
    assert found["logprob"].shape == (4, 5)
    assert found["top_ids"].shape == (4, 5, 5)
    for number, row in enumerate(ROWS):
        full, length = own_logprobs(policy, row, temperature).detach(), len(row.answer)
        chosen = full[torch.arange(length), torch.tensor(row.answer)]
        torch.testing.assert_close(found["logprob"][number, :length], chosen, atol=1e-4, rtol=1e-4)
        entropy = -(full.exp() * full).sum(-1)
        torch.testing.assert_close(found["entropy"][number, :length], entropy, atol=1e-4, rtol=1e-4)
        assert found["top_ids"][number, :length, 0].tolist() == full.argmax(-1).tolist()
        assert not found["logprob"][number, length:].any()


def test_the_gradient_is_that_of_unpadded_rows() -> None:
    policy = tiny_policy()
    weights = list(policy.trainable().values())
    found = Forward(policy).read(ROWS, ["logprob", "entropy"], ["logprob"])
    assert found["logprob"].requires_grad
    assert not found["entropy"].requires_grad
    got = torch.autograd.grad(found["logprob"].sum(), weights)
    alone = sum(own_logprobs(policy, row)[torch.arange(len(row.answer)), list(row.answer)].sum() for row in ROWS)
    assert isinstance(alone, Tensor)
    torch.testing.assert_close(got, torch.autograd.grad(alone, weights), atol=1e-4, rtol=1e-3)


def test_heads_read_the_hidden_state_and_begin_silent() -> None:
    policy = tiny_policy()
    heads = make_heads([Head("value", hidden=4), Head("quality", detach=True)], 16, seed=0)
    forward = Forward(policy, heads=heads, detached_heads=frozenset({"quality"}))
    assert not forward.read(ROWS, ["value", "quality"])["value"].any()
    torch.nn.init.normal_(heads["value"][2].weight, generator=torch.Generator().manual_seed(0))
    torch.nn.init.normal_(heads["quality"].weight, generator=torch.Generator().manual_seed(1))
    found = forward.read(ROWS, ["value", "quality", "logprob"], ["value", "quality", "logprob"])
    row = ROWS[2]
    states = policy.hidden(torch.tensor([[*row.prompt, *row.answer]]))[0, len(row.prompt) - 1 : -1]
    torch.testing.assert_close(found["quality"][2, :3], heads["quality"](states)[:, 0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found["value"][2, :3], heads["value"](states)[:, 0], atol=1e-4, rtol=1e-4)
    weight = policy.trainable()["model.layers.0.mlp.up_proj.weight"]
    own = torch.autograd.grad(found["quality"].sum(), [weight, heads["quality"].weight], allow_unused=True)
    assert own[0] is None
    assert own[1].any()
    assert torch.autograd.grad(found["value"].sum(), [weight])[0].any()


def test_heads_are_the_same_for_a_seed() -> None:
    one, two, other = (make_heads([Head("value", hidden=4)], 16, seed) for seed in (1, 1, 2))
    assert torch.equal(one["value"][0].weight, two["value"][0].weight)
    assert not torch.equal(one["value"][0].weight, other["value"][0].weight)


@pytest.mark.parametrize("lora", [None, LoraSpec(rank=2)], ids=["copy", "adapter"])
def test_the_reference_is_the_model_before_training(lora: LoraSpec | None) -> None:
    policy = tiny_policy(lora)
    before = tiny_policy()
    policy.keep_reference()
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight += 0.05
    forward = Forward(policy, 0.9)
    plain = Forward(before, 0.9).read_all(ROWS, ["logprob"])["logprob"]
    found = forward.read_all(ROWS, ["logprob"], reference=True)["logprob"]
    torch.testing.assert_close(found, plain, atol=1e-4, rtol=1e-4)
    now = forward.read(ROWS, ["logprob", "kl"], ["logprob", "kl"])
    assert not torch.allclose(now["logprob"], plain, atol=1e-2)
    for number, row in enumerate(ROWS):
        ours, theirs = own_logprobs(policy, row, 0.9), own_logprobs(before, row, 0.9)
        kl = (ours.exp() * (ours - theirs)).sum(-1)
        torch.testing.assert_close(now["kl"][number, : len(row.answer)], kl, atol=1e-4, rtol=1e-3)
    weights = list(policy.trainable().values())
    assert all(weight.requires_grad for weight in weights)
    gradients = torch.autograd.grad(now["kl"].sum(), weights, allow_unused=True)
    assert any(gradient is not None and gradient.any() for gradient in gradients)


def test_without_a_reference_what_compares_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no reference: call policy.keep_reference"):
        Forward(tiny_policy()).read(ROWS, ["kl"])
    with pytest.raises(ValueError, match=r"no signal or head is called value; signals: .*logprob"):
        Forward(tiny_policy()).read(ROWS, ["value"])


@pytest.mark.parametrize("budget", [1, 7, 10, 16, 100])
def test_micro_batches_hold_every_row_once_and_keep_to_the_budget(budget: int) -> None:
    batches = micro_batches(ROWS, budget)
    assert sorted(number for batch in batches for number in batch) == [0, 1, 2, 3]
    for batch in batches:
        prompts = sum(len(prompt) for prompt in {tuple(ROWS[number].prompt) for number in batch})
        tokens = prompts + len(batch) * max(len(ROWS[number].answer) for number in batch)
        assert len(batch) == 1 or tokens <= budget


def test_a_scorer_answers_in_lists_of_each_answers_length() -> None:
    policy = tiny_policy()
    policy.keep_reference()
    prompts, answers = [row.prompt for row in ROWS], [row.answer for row in ROWS]
    found = PolicyScorer(Forward(policy, budget=12)).score(prompts, answers, ["logprob", "ref_logprob", "entropy"])
    for row, given in zip(ROWS, found, strict=True):
        assert given.keys() == {"logprob", "ref_logprob", "entropy"}
        full = own_logprobs(policy, row)[torch.arange(len(row.answer)), list(row.answer)].tolist()
        assert given["logprob"] == pytest.approx(full, abs=1e-4)
        assert given["ref_logprob"] == pytest.approx(full, abs=1e-4)
    with pytest.raises(ValueError, match="a scorer reads the policy and `ref_`"):
        PolicyScorer(Forward(policy)).score(prompts, answers, ["logprob@hint"])
