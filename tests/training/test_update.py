"""One update: micro-batches, set-wise losses, regularisers, heads and fresh pieces against plain autograd."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from tests.example_pieces import Fit, Ranked
from tests.training.small_runs import tiny_policy
from workbench.kinds import Advantage, Head, Regulariser
from workbench.method import Method, advantages, derive, objective, settle, with_signals
from workbench.models.policy import LocalPolicy
from workbench.ops import group_centre, spread
from workbench.pieces.reduction import SequenceMean, TokenMean
from workbench.pieces.regulariser import K3, EntropyBonus
from workbench.registry import find_method
from workbench.training.assemble import Scale, make_batch
from workbench.training.forward import Forward, make_heads
from workbench.training.signal_plan import SignalPlan
from workbench.training.update import Report, Rows, Updater
from workbench.types import Batch, PerToken, Problem, Request, Rollout, Row, Scalar

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
PROMPTS = ((1, 20, 30), (1, 99, 98, 97, 96))
ANSWERS = ((40, 50, 60, 2), (41, 2), (33, 34, 35, 36, 37), (7, 8, 9), (7, 2), (5,))
REWARDS = (1.0, 0.0, 0.0, 1.0, 0.0, float("nan"))


@dataclass(frozen=True)
class Spread(Regulariser):
    """Set-wise: the variance of all log-probs and entropies of an update."""

    setwise = True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"entropy"})

    def __call__(self, batch: Batch) -> Scalar:
        return batch.logprob[batch.mask].var() + batch["entropy"][batch.mask].var()


@dataclass(frozen=True)
class Surprised(Advantage):
    """Fresh: the reward less the group's mean, times how likely the token is now."""

    fresh = True

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"old_logprob"})

    def __call__(self, batch: Batch) -> PerToken:
        return spread(group_centre(batch.reward, batch.group), batch.mask) * batch.logprob.exp()


def make_rollouts() -> list[Rollout]:
    """Two groups of three; the last one is unscored, and the first has a given prefix of one token."""
    rollouts = []
    for number, (answer, reward) in enumerate(zip(ANSWERS, REWARDS, strict=True)):
        problem = Problem(f"p{number // 3}", "", "")
        prefix = answer[:1] if number == 0 else ()
        request = Request(problem, PROMPTS[number // 3], number // 3, number, prefix=prefix)
        logprobs = [-1.0] * len(answer)
        rollouts.append(Rollout(request, 0, list(answer), "", logprobs, logprobs, "stop", reward=reward))
        rollouts[-1].correct = reward
    return rollouts


@dataclass
class Bench:
    """A method on a policy with a batch, ready for updates."""

    method: Method
    policy: LocalPolicy
    forward: Forward
    plan: SignalPlan
    batch: Batch
    rows: Rows

    @classmethod
    def of(cls, method: Method, budget: int = 10**6, updates: int = 2) -> "Bench":
        """With `updates` to come, as the trainer prepares them; the policy has moved since it sampled."""
        policy = tiny_policy()
        policy.keep_reference()
        heads = make_heads(method.heads, 16, seed=0)
        forward = Forward(policy, 1.0, budget, heads, frozenset(head.name for head in method.heads if head.detach))
        plan = SignalPlan.of(method, updates, ("logprob", "entropy"))
        rollouts = make_rollouts()
        rows = Rows([Row(rollout.prompt, rollout.tokens) for rollout in rollouts])
        batch = make_batch(rollouts, Scale(1, 2, 5, 1.0), policy.device).replace(state=method.init())
        for name in plan.ahead:
            reference = name.startswith("ref_")
            signal = name.removeprefix("ref_").removeprefix("old_")
            values = forward.read_all(rows.plain, [signal], reference=reference)[signal]
            if name == "old_logprob":
                batch = batch.replace(logprob=values, old_logprob=values)
            else:
                batch = batch.extend(**{name: values})
        if updates > 1:
            generator = torch.Generator().manual_seed(3)
            with torch.no_grad():
                for weight in policy.trainable().values():
                    weight += 0.02 * torch.randn(weight.shape, generator=generator)
        return cls(method, policy, forward, plan, batch, rows)

    @property
    def parameters(self) -> list[Tensor]:
        """Policy and heads."""
        return [*self.policy.trainable().values(), *self.forward.heads.parameters()]

    def update(self, clip_norm: float = 1e9, rate: float = 0.0) -> tuple[Report, list[Tensor]]:
        """An update without a move: its report, and the gradient of every parameter."""
        optimiser = torch.optim.SGD(self.parameters, lr=rate)
        updater = Updater(self.method, self.plan, self.forward, optimiser, clip_norm)
        advantage = advantages(self.method, self.batch)
        report = updater.update(self.batch, self.rows, advantage, record=self.plan.record)
        return report, [gradient(parameter.grad, parameter) for parameter in self.parameters]

    def direct(self) -> tuple[float, list[Tensor]]:
        """The loss of the whole update and its gradient, by autograd alone."""
        signals = self.forward.read(self.rows.plain, self.plan.during, self.plan.gradient)
        batch = with_signals(self.batch, signals)
        if not self.plan.first_pass:
            batch = batch.replace(old_logprob=signals["logprob"].detach())
        seen = batch if self.method.advantage.fresh else self.batch
        settled = settle(self.method, batch, advantages(self.method, seen))
        loss = objective(self.method, batch, settled)
        found = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        return loss.item(), [gradient(*pair) for pair in zip(found, self.parameters, strict=True)]


def gradient(found: Tensor | None, parameter: Tensor) -> Tensor:
    """A gradient, zeros where there is none."""
    return torch.zeros_like(parameter) if found is None else found.clone()


def alike(one: Iterable[Tensor], other: Iterable[Tensor]) -> None:
    """Gradients equal up to the order of additions."""
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left, right, atol=2e-6, rtol=2e-4)


GRPO = find_method("grpo")
METHODS = {
    "grpo": GRPO,
    "sequence": derive(GRPO, **TEXTS, reduction=SequenceMean()),
    "regularised": derive(
        GRPO, **TEXTS, regularisers=(K3(coefficient=0.3, reduction=SequenceMean()), EntropyBonus(coefficient=0.2))
    ),
    "head": derive(GRPO, **TEXTS, regularisers=(Fit(),)),
    "setwise surrogate": derive(GRPO, **TEXTS, surrogate=Ranked(), regularisers=(EntropyBonus(coefficient=0.2),)),
    "setwise regulariser": derive(GRPO, **TEXTS, regularisers=(Spread(), K3(coefficient=0.3))),
    "pacs": find_method("pacs"),
    "ppo": find_method("ppo"),
}


@pytest.mark.parametrize("updates", [1, 2])
@pytest.mark.parametrize("key", METHODS)
def test_micro_batches_of_any_size_give_the_gradient_of_the_whole(key: str, updates: int) -> None:
    loss, whole = Bench.of(METHODS[key], updates=updates).direct()
    assert any(part.abs().max() > 1e-4 for part in whole)
    for budget in (1, 13, 10**6):
        report, parts = Bench.of(METHODS[key], budget, updates).update()
        alike(parts, whole)
        assert report.loss == pytest.approx(loss, abs=1e-5)
        assert report.grad_norm == pytest.approx(float(torch.stack([part.norm() for part in whole]).norm()), rel=1e-3)


@pytest.mark.parametrize("key", ["grpo", "setwise surrogate"])
def test_the_report_shows_what_every_token_was_told(key: str) -> None:
    bench = Bench.of(METHODS[key], budget=13)
    report, _ = bench.update()
    signals = bench.forward.read(bench.rows.plain, bench.plan.during | bench.plan.record, bench.plan.gradient)
    batch = with_signals(bench.batch, signals)
    loss = objective(bench.method, batch, settle(bench.method, batch))
    (push,) = torch.autograd.grad(loss, [signals["logprob"]])
    torch.testing.assert_close(report.lens, -push, atol=1e-6, rtol=1e-3)
    assert not report.lens[0, 0]  # the given prefix
    assert not report.lens[5].any()  # unscored
    torch.testing.assert_close(report.signals["logprob"], signals["logprob"].detach(), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(report.signals["entropy"], signals["entropy"].detach(), atol=1e-4, rtol=1e-4)


def test_a_regularisers_own_reduction_is_its_own() -> None:
    grads = {}
    for name, own in (("method's", None), ("sequence", SequenceMean()), ("token", TokenMean())):
        method = derive(GRPO, **TEXTS, surrogate_weight=0.0, regularisers=(EntropyBonus(1.0, own),))
        grads[name] = Bench.of(method, budget=13).update()[1]
    alike(grads["method's"], grads["token"])
    assert any(not torch.allclose(one, two, atol=1e-5) for one, two in zip(*list(grads.values())[1:], strict=True))


def test_a_head_learns_at_its_pieces_target() -> None:
    method = derive(GRPO, **TEXTS, regularisers=(Fit(),))
    bench = Bench.of(method, budget=13)
    optimiser = torch.optim.Adam(bench.forward.heads.parameters(), lr=0.05)
    updater = Updater(method, bench.plan, bench.forward, optimiser, 1e9)
    losses = [updater.update(bench.batch, bench.rows, torch.zeros_like(bench.batch.logprob)).loss for _ in range(40)]
    assert losses[-1] < 0.3 * losses[0]
    assert method.heads == (Head("value", hidden=4),)


def test_a_fresh_piece_sees_the_policy_before_every_update() -> None:
    method = derive(GRPO, **TEXTS, advantage=Surprised())
    bench = Bench.of(method, budget=13)
    _, whole = bench.direct()  # settled at the policy as it is now
    alike(bench.update()[1], whole)


def test_only_a_fresh_advantage_is_made_anew() -> None:
    bench = Bench.of(GRPO)
    optimiser = torch.optim.SGD(bench.parameters, lr=0.0)
    updater = Updater(GRPO, bench.plan, bench.forward, optimiser, 1e9)
    report = updater.update(bench.batch, bench.rows, torch.zeros_like(bench.batch.logprob))
    assert report.grad_norm == 0.0  # the advantage of the step is taken as it is given


def test_the_advantage_of_the_step_is_that_of_a_set_wise_update_too() -> None:
    method = derive(GRPO, **TEXTS, regularisers=(Spread(),))
    bench = Bench.of(method)
    updater = Updater(method, bench.plan, bench.forward, torch.optim.SGD(bench.parameters, lr=0.0), 1e9)
    updater.update(bench.batch, bench.rows, torch.zeros_like(bench.batch.logprob))
    found = [gradient(parameter.grad, parameter) for parameter in bench.parameters]
    alone = Bench.of(dataclasses.replace(method, surrogate_weight=0.0))
    alike(found, alone.update()[1])


def test_the_gradient_is_clipped_as_a_whole() -> None:
    report, whole = Bench.of(GRPO).update()
    clipped, parts = Bench.of(GRPO).update(clip_norm=report.grad_norm / 10)
    assert clipped.grad_norm == pytest.approx(report.grad_norm)
    alike(parts, [part / 10 for part in whole])


def test_a_gradient_that_is_not_finite_changes_no_weight() -> None:
    bench = Bench.of(GRPO)
    before = [parameter.clone() for parameter in bench.parameters]
    optimiser = torch.optim.SGD(bench.parameters, lr=0.1)
    updater = Updater(GRPO, bench.plan, bench.forward, optimiser, 1.0)
    with pytest.raises(ValueError, match=r"^method grpo, step 1: group_z in slot advantage is inf .* row 0, token 1"):
        updater.update(bench.batch, bench.rows, torch.full_like(bench.batch.logprob, float("inf")))
    assert all(torch.equal(old, new) for old, new in zip(before, bench.parameters, strict=True))


def test_the_plan_reads_no_more_than_is_needed() -> None:
    one = SignalPlan.of(GRPO, 1, ("logprob", "entropy"))
    logprob = frozenset({"logprob"})
    assert one == SignalPlan(frozenset(), logprob, frozenset({"entropy"}), logprob, False)
    several = SignalPlan.of(derive(GRPO, **TEXTS, regularisers=(K3(coefficient=0.1),)), 2, ("logprob",))
    assert several.ahead == {"old_logprob", "ref_logprob"}
    assert several.first_pass
    assert SignalPlan.of(METHODS["setwise surrogate"], 1, ("logprob",)).gradient == {"logprob", "entropy"}
