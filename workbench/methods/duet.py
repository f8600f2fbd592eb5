"""DUET: how many rollouts a problem gets follows how much its gradient varies and how long its completions are.

Left out: the stop rule while tokens are generated, and the ridge regression for problems not seen before, which get the
run's own number here.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from pydantic import Field

from workbench.kinds import Advantage, Pick, Pool, Sampler, Survey
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.advantage import GroupZ
from workbench.pieces.sampler import Uniform
from workbench.types import Batch, Group, PerToken, Rollout, State

HALVINGS, WIDEST = 10, 20.0  # of the search for log lambda, as in the authors' code


@dataclass(frozen=True)
class Allocate(Sampler):
    """Another sampler's problems, with a Neyman allocation of a budget of tokens. arXiv:2605.08441.

    rollouts = spread / sqrt(lambda · length), rounded and kept within `least` and `most`; lambda is found by bisection
    so that the expected tokens are `budget` times those of the run's own group size. spread: running mean of the
    population standard deviation over a group of advantage times the completion's log-prob.
    """

    budget: Annotated[float, Field(gt=0, description="of the tokens of equal groups")] = 1.0
    least: Annotated[int, Field(ge=1, description="rollouts of a problem")] = 1
    most: Annotated[int, Field(ge=1, description="rollouts of a problem")] = 32
    inner: Annotated[Sampler, Field(description="which problems")] = Uniform()

    @property
    def survey(self) -> Survey | None:
        return self.inner.survey

    def init(self) -> State:
        return {"inner": self.inner.init(), "seen": {}}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        picks, inner = self.inner(state["inner"], pool)
        known = [state["seen"].get(str(pick.number)) for pick in picks]
        found = [item for item in known if item is not None]
        if found:
            usual = [sum(item[place] for item in found) / len(found) for place in (1, 2)]
            spreads, lengths = zip(*(item[1:] if item is not None else usual for item in known), strict=True)
            tokens = self.budget * pool.rollouts * sum(lengths)
            sizes = allocate(spreads, lengths, tokens, self.least, self.most)
            sizes = [pool.rollouts if item is None else size for item, size in zip(known, sizes, strict=True)]
            picks = [replace(pick, rollouts=size) for pick, size in zip(picks, sizes, strict=True)]
        return picks, {**state, "inner": inner}

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        seen = dict(state["seen"])
        for group in groups:
            members = [each for each in group.rollouts if each.reward == each.reward and each.finish != "pruned"]
            if len(members) < 2 or members[0].request.pick < 0:
                continue
            name = str(members[0].request.pick)
            count, spread, length = seen.get(name, (0, 0.0, 0.0))
            new = (spread_of(members), sum(len(each.tokens) for each in members) / len(members))
            means = [old + (value - old) / (count + 1) for old, value in zip((spread, length), new, strict=True)]
            seen[name] = [count + 1, *means]
        return {"inner": self.inner.learn(state["inner"], groups), "seen": seen}


def spread_of(rollouts: Sequence[Rollout]) -> float:
    """The population standard deviation of advantage times log-prob of the whole completion, over a group."""
    rewards = torch.tensor([each.reward for each in rollouts], dtype=torch.float64)
    logprobs = torch.tensor([sum(each.engine_logprob) for each in rollouts], dtype=torch.float64).nan_to_num()
    advantage = (rewards - rewards.mean()) / (rewards.std() + 1e-6)
    return float((advantage * logprobs).std(correction=0))


def allocate(spreads: Sequence[float], lengths: Sequence[float], tokens: float, least: int, most: int) -> list[int]:
    """Rollouts of each problem within a budget of tokens; trimmed at the longest until it holds, or all are at `least`.

    >>> allocate([0.2, 1, 2, 0.5], [400, 800, 2400, 1000], 36800, 1, 32)
    [3, 9, 10, 4]
    """
    low, high = -WIDEST, WIDEST
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        over = spent(sizes_at(middle, spreads, lengths, least, most), lengths) > tokens
        low, high = (middle, high) if over else (low, middle)
    sizes = sizes_at((low + high) / 2, spreads, lengths, least, most)
    while spent(sizes, lengths) > tokens and max(sizes) > least:
        longest = max((place for place, size in enumerate(sizes) if size > least), key=lambda place: lengths[place])
        sizes[longest] -= 1
    return sizes


def sizes_at(log: float, spreads: Sequence[float], lengths: Sequence[float], least: int, most: int) -> list[int]:
    """The allocation at a logarithm of lambda."""
    scale = math.exp(log)
    wanted = [spread / math.sqrt(scale * max(length, 1.0)) for spread, length in zip(spreads, lengths, strict=True)]
    return [min(max(round(min(value, most)), least), most) for value in wanted]


def spent(sizes: Sequence[int], lengths: Sequence[float]) -> float:
    """Expected tokens of an allocation."""
    return sum(size * length for size, length in zip(sizes, lengths, strict=True))


@dataclass(frozen=True)
class ByAllocation(Advantage):
    """A group's advantage, divided by its size as a share of the mean size, at most 1. arXiv:2605.08441."""

    inner: Annotated[Advantage, Field(description="before it is divided")] = GroupZ()
    smallest: Annotated[float, Field(gt=0, le=1, description="share that is divided by at least (epsilon)")] = 0.05

    @property
    def needs(self) -> frozenset[str]:
        return self.inner.needs

    def __call__(self, batch: Batch) -> PerToken:
        _, place = batch.group.unique(return_inverse=True)
        count = place.new_zeros(int(place.max()) + 1).index_add(0, place, batch.scored.to(place.dtype))
        share = (count / count[count > 0].double().mean()).clamp(self.smallest, 1.0)[place]
        found: PerToken = self.inner(batch) / share.to(batch.logprob.dtype)[:, None]
        return found


METHODS = {
    "duet": derive(
        GRPO,
        title="DUET, allocation",
        paper="arXiv:2605.08441",
        equation=r"n_q=\mathrm{clip}\Big(\frac{\hat s_q}{\sqrt{\lambda\hat L_q}}\Big),\quad\sum_qn_q\hat L_q=B,\quad"
        r" A_i\leftarrow A_i\Big/\mathrm{clip}\big(\tfrac{n_q}{\bar n},\epsilon,1\big)",
        changes="a budget of tokens is dealt out by how much a problem's gradient varies and what its completions cost,"
        " and small groups count more",
        advantage=ByAllocation(),
        regularisers=(),
        sampler=Allocate(),
    )
}
