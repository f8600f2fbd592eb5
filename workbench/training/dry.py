"""A dry pass: the largest update a run may come to, before it starts, so that what does not fit fails at once."""

from collections.abc import Callable, Sequence
from itertools import cycle, islice

import torch

from workbench.training.forward import Forward, Wanted, micro_batches
from workbench.training.signal_plan import SignalPlan
from workbench.types import Row

SAMPLE = 64  # problems of which the longest prompt is taken

Advice = Callable[[int], str]  # from the tokens of a prompt to what makes the run fit


def largest_rows(prompts: Sequence[Sequence[int]], rollouts: int, tokens: int) -> list[Row]:
    """Rows of a step whose prompts are all as long as the longest and whose answers all have so many tokens.

    >>> largest_rows([[1], [2, 3]], 1, 3)
    [Row(prompt=(1, 1), answer=(1, 1, 1)), Row(prompt=(2, 3), answer=(2, 3, 2))]
    """
    longest = max(len(prompt) for prompt in prompts)
    return [
        Row(tuple(islice(cycle(prompt), longest)), tuple(islice(cycle(prompt), tokens)))
        for prompt in prompts
        for _ in range(rollouts)
    ]


def dry_pass(forward: Forward, plan: SignalPlan, optimiser: torch.optim.Optimizer, rows: Sequence[Row]) -> None:
    """Forward and backward of the largest micro-batch of these rows, beside all that an update keeps in memory.

    Nothing is changed: the gradient is dropped, and room is only held for what the optimiser will remember.
    """
    tokens = [sum(rows[number].length for number in batch) for batch in micro_batches(rows, forward.budget)]
    batch = micro_batches(rows, forward.budget)[tokens.index(max(tokens))]
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    moments = 0 if optimiser.state else 2
    held = [torch.empty_like(weight) for weight in weights for _ in range(moments)]
    during = {Wanted.parse(name).signal for name in plan.during | plan.record}
    gradient = {Wanted.parse(name).signal for name in plan.gradient}
    found = forward.read([rows[number] for number in batch], during, gradient)
    torch.stack([found[name].sum() for name in sorted(gradient)]).sum().backward()
    optimiser.zero_grad(set_to_none=True)
    del held


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that the device's memory is used up."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)
