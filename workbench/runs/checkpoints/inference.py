"""The config under which a run's model is prompted: without its method, and beside a trainer that continues."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from workbench.config import RunConfig
from workbench.kinds import Shaping
from workbench.method import Method
from workbench.registry import find_method
from workbench.runs.open import Run, refuse_imported

#: Threads on a CPU. Two that wait spin: beside a busy trainer on two cores a branch took 2 to 14 s, and .2 s with one.
THREADS = 1
HERE = ("local", "generate")  # engines that write with the policy itself


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for torch; afterwards as many as this process had before."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(count)
        yield
    finally:
        torch.set_num_threads(before)


def inference_config(run: Run, device: str | None, *, reference: bool) -> RunConfig:
    """The config of a run for inference alone: without pruning and exams, GRPO in place of its method.

    ValueError for an imported run, or one whose resolved.json names no method.
    """
    refuse_imported(run.directory)
    table = run.resolved
    if "method" not in table:
        raise ValueError(f"{run.path} has no resolved.json that names its method; it was not made by `launch`")
    table.pop("pruning", None)
    table.pop("exams", None)
    table["training"] = {**table["training"], "threads": THREADS}
    own = "cpu" if table["model"].get("device") == "cpu" else "auto"  # a run's GPU may be elsewhere
    table["model"] = {**table["model"], "device": device or own}
    if table["rollouts"]["engine"] not in HERE:  # a server of its own, for which the trainer leaves no memory
        table["rollouts"] = {**table["rollouts"], "engine": HERE[0]}
    return RunConfig(**{**table, "method": stand_in(table["method"], reference=reference)})


def stand_in(method: Mapping[str, Any], *, reference: bool) -> Method:
    """GRPO with the shaping of a method, its one part that rewards depend on; a KL loss has the reference kept."""
    plain = find_method("grpo_paper" if reference else "grpo")
    shaping = tuple(Shaping.parse(piece) for piece in method.get("shaping", ()))
    return dataclasses.replace(plain, shaping=shaping, group_size=1)
