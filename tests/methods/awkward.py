"""Awkward batches for contracts: signals at the ends of their ranges, lone rollouts, single tokens, equal rewards."""

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from workbench.method import Method
from workbench.types import Batch, axes

RANGES = {
    "logprob": (-60.0, 0.0),
    "entropy": (0.0, 11.0),
    "core_entropy": (0.0, 11.0),
    "kl": (0.0, 60.0),
    "forward_kl": (0.0, 60.0),
}
CHAIN = ("span", "token_reward", "tag")  # facts of a chain of subproblems
SHARES = {"max_prob", "collision", "survival", "off_policy", "truncated"}


plans = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.integers(1, 4), min_size=1, max_size=3),
        "width": st.integers(1, 4),
        "seed": st.integers(0, 10_000),
        "extreme": st.sampled_from([0.02, 0.3, 1.0]),
        "right": st.sampled_from([0.0, 0.5, 1.0]),
        "on_policy": st.booleans(),
        "foreign": st.sampled_from([0.0, 0.5, 1.0]),
        "step": st.integers(0, 12),
    }
)


def drawn(name: str, shape: tuple[int, ...], extreme: float, generator: torch.Generator) -> Tensor:
    """Numbers such a signal may have; `extreme` 1 reaches the ends of its range."""
    bare = name.split("@")[0].split(":")[0]
    bare = next((bare.removeprefix(mark) for mark in ("old_", "ref_", "engine_") if bare.startswith(mark)), bare)
    bare = "logprob" if bare == "behaviour_logprob" else bare
    low, high = RANGES.get(bare, (0.0, 1.0) if bare in SHARES else (-30.0, 30.0))
    share = extreme * torch.rand(shape, generator=generator)
    values = high + (low - high) * share if bare == "logprob" else low + (high - low) * share
    return values.round() if bare in ("off_policy", "truncated", "span", "tag") else values


def awkward(method: Method, plan: dict[str, Any]) -> Batch:
    """A small batch: lone rollouts, single tokens, equal rewards, foreign rows, probabilities near 0 and 1."""
    generator = torch.Generator().manual_seed(plan["seed"])
    rollouts, width = sum(plan["sizes"]), plan["width"]

    def values(name: str) -> Tensor:
        return drawn(name, (rollouts, width)[: len(axes(name))], plan["extreme"], generator)

    logprob = values("logprob")
    lengths = torch.randint(1, width + 1, (rollouts,), generator=generator)
    foreign = (torch.rand(rollouts, 1, generator=generator) < plan["foreign"]).float().expand(-1, width)
    facts = {"off_policy": foreign, **{name: values(name) for name in ("behaviour_logprob", *CHAIN)}}
    return Batch(
        logprob=logprob,
        old_logprob=logprob if plan["on_policy"] else values("logprob"),
        mask=torch.arange(width)[None] < lengths[:, None],
        reward=(torch.rand(rollouts, generator=generator) < plan["right"]).float(),
        group=torch.repeat_interleave(torch.arange(len(plan["sizes"])), torch.tensor(plan["sizes"])),
        step=plan["step"],
        total_steps=10,
        extras={name: values(name) for name in sorted(method.needs) if name != "old_logprob"} | facts,
        state=method.init(),
    )
