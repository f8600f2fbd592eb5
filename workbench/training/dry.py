"""A dry pass: the largest possible update, before the run starts, so that out of memory shows immediately."""

from collections.abc import Callable, Sequence
from itertools import cycle, islice

import torch

from workbench.kinds import Task
from workbench.training.forward import Forward, Wanted, micro_batches
from workbench.training.signal_plan import SignalPlan
from workbench.types import Encoder, Row

SAMPLE = 64  # problems whose longest prompt is used

Advice = Callable[[int], str]  # from the tokens of a prompt to a change that makes the run fit


def longest_prompts(task: Task, encoder: Encoder, count: int) -> list[tuple[int, ...]]:
    """The longest prompts among a task's first training problems: `count` of them."""
    size, wanted = task.size("train"), max(SAMPLE, count)
    problems = [task.problem(number, "train") for number in range(wanted if size is None else min(size, wanted))]
    return sorted((encoder.prompt(problem.prompt) for problem in problems), key=len)[-count:]


def largest_rows(prompts: Sequence[Sequence[int]], rollouts: int, tokens: int) -> list[Row]:
    """Rows of a step whose prompts all have the length of the longest and whose completions all have `tokens` tokens.

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
    """Forward and backward pass of the largest micro-batch of these rows, with the memory that an update allocates.

    Nothing is changed: the gradient is dropped, and the memory of the optimiser's state is allocated and freed.
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
    """Whether an error means that the device is out of memory."""
    return isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error)
