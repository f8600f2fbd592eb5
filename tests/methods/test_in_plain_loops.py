"""Loss and gradient of intricate methods again, token by token in plain loops, on ragged groups off the policy."""

import math
from collections.abc import Callable, Iterator, Sequence

import pytest
import torch
from torch import Tensor

from tests.batches import loss_and_gradient
from workbench.registry import find_method
from workbench.types import Batch

REWARD = [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]
GROUP = [0, 0, 0, 0, 1, 1, 1, 2, 2]
LENGTH = [5, 2, 3, 1, 4, 4, 2, 3, 1]
FOREIGN = (3, 6)  # rollouts that another policy wrote
ROLLOUTS, WIDTH, TOKENS = len(LENGTH), max(LENGTH), sum(LENGTH)
BUDGET, STEP, STEPS = 11, 7, 40
GENERATOR = torch.Generator().manual_seed(7)


def uniform(low: float, high: float) -> Tensor:
    """Made-up numbers, [rollout, token]."""
    return low + (high - low) * torch.rand(ROLLOUTS, WIDTH, generator=GENERATOR, dtype=torch.float64)


OLD = uniform(-2.5, -0.3)
NEW = OLD + uniform(-0.25, 0.25)
FACTS = {
    "ref_logprob": OLD + uniform(-0.3, 0.3),
    "behaviour_logprob": uniform(-2.0, -0.1),
    "old_logprob@right": uniform(-3.0, -0.1),
    "old_logprob@wrong": uniform(-3.0, -0.1),
    "old_entropy": uniform(0.1, 2.0),
    "entropy": uniform(0.1, 2.0),
    "kl": uniform(0.0, 0.3),
    "old_kl": uniform(0.0, 0.3),
    "old_chosen_logit": uniform(-3.0, 9.0),
    "logsumexp": uniform(9.0, 12.0),
    "mean_logit": uniform(-1.0, 1.0),
    "old_logsumexp": uniform(9.0, 12.0),
    "old_mean_logit": uniform(-1.0, 1.0),
}
Formula = Callable[[Tensor], Tensor]


def batch(*, foreign: bool = False) -> Batch:
    marks = torch.tensor([[float(i in FOREIGN)] * WIDTH for i in range(ROLLOUTS)], dtype=torch.float64)
    return Batch(
        logprob=NEW,
        old_logprob=OLD,
        mask=torch.tensor([[t < length for t in range(WIDTH)] for length in LENGTH]),
        reward=torch.tensor(REWARD, dtype=torch.float64),
        group=torch.tensor(GROUP),
        step=STEP,
        total_steps=STEPS,
        budget=BUDGET,
        extras={**FACTS, **({"off_policy": marks} if foreign else {})},
    )


# ------------------------------------------------------------------------------------------ what several need


def tokens() -> Iterator[tuple[int, int]]:
    return ((i, t) for i in range(ROLLOUTS) for t in range(LENGTH[i]))


def groups() -> list[list[int]]:
    return [[i for i in range(ROLLOUTS) if GROUP[i] == group] for group in sorted(set(GROUP))]


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def standard(values: Sequence[float] = REWARD) -> list[float]:
    """Each value standardised in its group, by the sample's deviation."""
    found = [0.0] * ROLLOUTS
    for group in groups():
        centre = mean([values[i] for i in group])
        deviation = math.sqrt(sum((values[i] - centre) ** 2 for i in group) / (len(group) - 1))
        for i in group:
            found[i] = (values[i] - centre) / (deviation + 1e-6)
    return found


def fact(name: str, i: int, t: int) -> float:
    return float(FACTS[name][i, t])


def ratio(x: Tensor, i: int, t: int) -> Tensor:
    return (x[i, t] - OLD[i, t]).exp()


def clipped(r: Tensor, advantage: float, low: float = 0.2, high: float = 0.2) -> Tensor:
    return -torch.minimum(r * advantage, r.clamp(1 - low, 1 + high) * advantage)


def total(terms: Iterator[Tensor]) -> Tensor:
    return torch.stack(list(terms)).sum()


# ------------------------------------------------------------------------------------------------ the formulas


def vimpo(x: Tensor) -> Tensor:
    beta, values = 5e-4, []
    for i in range(ROLLOUTS):
        siblings = [REWARD[j] for j in range(ROLLOUTS) if GROUP[j] == GROUP[i]]
        end = total(x[i, t] - FACTS["ref_logprob"][i, t] - FACTS["kl"][i, t] for t in range(LENGTH[i]))
        values.append((beta * end - (REWARD[i] - mean(siblings))).square())

    def difference(i: int, t: int) -> float:
        return beta * float(OLD[i, t] - FACTS["ref_logprob"][i, t] - FACTS["old_kl"][i, t])

    raw = torch.tensor([sum(difference(i, k) for k in range(t, LENGTH[i])) for i, t in tokens()], dtype=torch.float64)
    white = ((raw - raw.mean()) / (raw.var() + 1e-8).sqrt()).tolist()
    actor = total(clipped(ratio(x, i, t), a, 0.2, 0.28) for (i, t), a in zip(tokens(), white, strict=True))
    return torch.stack(values).sum() / (2 * ROLLOUTS) + 5e-3 * actor / TOKENS


def real(x: Tensor) -> Tensor:
    losses = []
    for group in groups():
        score = {i: total(x[i, t] - OLD[i, t] for t in range(LENGTH[i])) / LENGTH[i] / 0.5 for i in group}
        right, wrong = ([i for i in group if REWARD[i] == verdict] for verdict in (1, 0))
        if right and wrong:
            losses.append((1 + total((-score[i]).exp() for i in right)).log())
            losses.append((1 + total(score[i].exp() for i in wrong)).log())
    return torch.stack(losses).sum() / len(groups())


def ucas(x: Tensor) -> Tensor:
    spans = [range(length) for length in LENGTH]
    sums = [sum(fact("old_logsumexp", i, t) - fact("old_mean_logit", i, t) for t in spans[i]) for i in range(ROLLOUTS)]
    score, logits = standard(sums), [fact("old_chosen_logit", i, t) for i, t in tokens()]
    low, high, plain = min(logits), max(logits), standard()

    def advantage(i: int, t: int) -> float:
        shaped = plain[i] * math.exp(-0.25 * score[i] if plain[i] > 0 else 0.35 * score[i])
        paid = shaped - 0.05 * (fact("old_chosen_logit", i, t) - low) / (high - low)
        return max(paid, 0.0) if shaped > 0 else paid

    return total(clipped(ratio(x, i, t), advantage(i, t)) for i, t in tokens()) / TOKENS


def dhpo_entropy(x: Tensor) -> Tensor:
    plain, entropy = standard(), [fact("old_entropy", i, t) for i, t in tokens()]
    losses = []
    for i, t in tokens():
        share = (fact("old_entropy", i, t) - min(entropy)) / (max(entropy) - min(entropy))
        whole = (total(x[i, k] - OLD[i, k] for k in range(LENGTH[i])) / LENGTH[i]).exp()
        losses.append(share * clipped(ratio(x, i, t), plain[i], 0.2, 0.28))
        losses.append((1 - share) * clipped(whole, plain[i], 3e-4, 4e-4))
    return torch.stack(losses).sum() / TOKENS


def temporal(x: Tensor, kept: Callable[[int, float], Sequence[int]]) -> Tensor:
    left_out, plain = 0.99 * (1 - STEP / (0.8 * STEPS)), standard()
    chosen = [(i, t) for i in range(ROLLOUTS) for t in kept(i, left_out)]
    return total(clipped(ratio(x, i, t), plain[i], 0.2, 0.28) for i, t in chosen) / len(chosen)


def ending(i: int, left_out: float) -> Sequence[int]:
    return range(min(math.floor(left_out * LENGTH[i]), LENGTH[i] - 1), LENGTH[i])


def forking(i: int, left_out: float) -> Sequence[int]:
    order = sorted(range(LENGTH[i]), key=lambda t: -fact("old_entropy", i, t))
    return order[: math.ceil((1 - left_out) * LENGTH[i])]


def cepo(x: Tensor) -> Tensor:
    share, plain, losses = 0.5 * (1 - (STEP - 1) / 25), standard(), []
    for i, t in tokens():
        evidence = fact("old_logprob@right", i, t) - fact("old_logprob@wrong", i, t)
        weight = min(max(math.exp(evidence if plain[i] > 0 else -evidence), 0.8), 1.2)
        losses.append(clipped(ratio(x, i, t), plain[i] * (1 - share + share * weight), 0.2, 0.28))
    return torch.stack(losses).sum() / TOKENS


def steer(x: Tensor) -> Tensor:
    plain = standard()

    def change(i: int, t: int) -> float:
        p = math.exp(float(NEW[i, t]))
        return plain[i] / math.exp(float(OLD[i, t])) * p * (1 - p) * (math.log(p) + fact("old_entropy", i, t))

    fall = math.log(0.8) / max(abs(change(i, t)) for i, t in tokens())
    weights = {(i, t): math.exp(fall * abs(change(i, t))) for i, t in tokens()}
    return total(weights[i, t] * clipped(ratio(x, i, t), plain[i], 0.2, 0.28) for i, t in tokens()) / TOKENS


def pacs(x: Tensor) -> Tensor:
    implicit = [total(x[i, t] - OLD[i, t] for t in range(LENGTH[i])) for i in range(ROLLOUTS)]
    losses = []
    for group in groups():
        right = sum(REWARD[i] for i in group)
        for i in group:
            score = implicit[i] - total(implicit[j] for j in group if j != i) / (len(group) - 1)
            alike = right if REWARD[i] else len(group) - right
            weight = len(group) / (2 * alike) if 0 < right < len(group) else 1.0
            losses.append(-weight * (score if REWARD[i] else -score).sigmoid().log())
    return torch.stack(losses).sum() / ROLLOUTS


def rl_plus(x: Tensor) -> Tensor:
    centred = [REWARD[i] - mean([REWARD[j] for j in range(ROLLOUTS) if GROUP[j] == GROUP[i]]) for i in range(ROLLOUTS)]
    losses = []
    for i, t in tokens():
        p, old = x[i, t].exp(), OLD[i, t].exp()
        foreign = 2 * p / (old + (old + 1) / 2) * (1 - p.detach()).sqrt()
        losses.append(-centred[i] * (foreign if i in FOREIGN else ratio(x, i, t)))
    bonus = mean([fact("entropy", i, t) for i, t in tokens()])
    return torch.stack(losses).sum() / BUDGET - 0.001 * bonus


def guide(x: Tensor) -> Tensor:
    behaviour, plain, losses = FACTS["behaviour_logprob"], standard(), []
    known = torch.stack([(NEW[i, t] - behaviour[i, t]).exp() for i, t in tokens() if i in FOREIGN])
    for i, t in tokens():
        hinted = (x[i, t] - behaviour[i, t]).exp()
        saturated = -plain[i] * hinted / (hinted + known.quantile(0.9))
        losses.append(saturated if i in FOREIGN else clipped(ratio(x, i, t), plain[i]))
    return torch.stack(losses).sum() / TOKENS


def dgpo(x: Tensor) -> Tensor:
    mixed = [group for group in groups() if len({REWARD[i] for i in group}) > 1]
    means = [mean([REWARD[i] for i in group]) for group in mixed]
    losses = []
    for group, centre in zip(mixed, means, strict=True):
        weight = len(mixed) * math.exp(-centre / 2) / sum(math.exp(-other / 2) for other in means)
        spread = sum(abs(REWARD[i] - centre) for i in group) + 1e-4
        for i in group:
            advantage = weight * len(group) * (REWARD[i] - centre) / spread
            losses += [clipped(ratio(x, i, t), advantage) for t in range(LENGTH[i])]
    return torch.stack(losses).mean()


def canon(x: Tensor) -> Tensor:
    losses = []
    for group in groups():
        order = sorted(group, key=lambda i: mean([fact("old_entropy", i, t) for t in range(LENGTH[i])]))
        low, high = order[: len(order) // 2], order[len(order) // 2 :]
        for i in group:
            advantage = REWARD[i] - mean([REWARD[j] for j in (high if i in low else low)])
            losses += [clipped(ratio(x, i, t), advantage, 0.2, 0.28) for t in range(LENGTH[i])]
    return torch.stack(losses).sum() / (ROLLOUTS * BUDGET)


def rover(x: Tensor) -> Tensor:
    losses = []
    for i, t in tokens():
        target = REWARD[i] - mean([REWARD[j] for j in range(ROLLOUTS) if GROUP[j] == GROUP[i]])
        if t + 1 < LENGTH[i]:
            now, then = (
                fact(f"{name}mean_logit", i, t + 1) - fact(f"{name}logsumexp", i, t + 1) for name in ("", "old_")
            )
            target += now - then
        losses.append((x[i, t] - OLD[i, t] - target).square())
    return torch.stack(losses).sum() / TOKENS


FORMULAS: dict[str, Formula] = {
    "vimpo": vimpo,
    "real": real,
    "ucas": ucas,
    "dhpo_entropy": dhpo_entropy,
    "temporal_schedule": lambda x: temporal(x, ending),
    "temporal_forking": lambda x: temporal(x, forking),
    "cepo": cepo,
    "steer": steer,
    "pacs": pacs,
    "rl_plus": rl_plus,
    "guide": guide,
    "dgpo": dgpo,
    "canon": canon,
    "rover": rover,
}


@pytest.mark.parametrize("key", FORMULAS)
def test_loss_and_gradient(key: str) -> None:
    loss, gradient = loss_and_gradient(find_method(key), batch(foreign=key in ("rl_plus", "guide")))
    x = NEW.clone().requires_grad_()
    expected = FORMULAS[key](x)
    expected.backward()
    assert x.grad is not None
    assert loss == pytest.approx(expected.item(), rel=1e-9)
    torch.testing.assert_close(gradient, x.grad, rtol=1e-9, atol=1e-12)
    assert x.grad.abs().max() > 0
