"""Signals that a run did not record, read again from the models that it kept; only where that gives the same numbers.

A rollout of step N was written, and in the first update read, by the policy as of step N - 1. So a signal of the policy
can be had where that checkpoint was kept, `after_…` where N's was, and one of the reference always.
"""

from collections.abc import Sequence
from typing import Any

import pyarrow

from workbench.runs.checkpoints.available import BASE, checkpoints
from workbench.runs.checkpoints.snapshot import snapshot
from workbench.runs.directory.record import BY_NAME, read_table, write_table
from workbench.runs.open import Run, spans
from workbench.signals import SIGNALS
from workbench.training.forward import Wanted
from workbench.training.signal_plan import reads_reference

AFTER = "after_"  # before a signal: of the policy after the step
TOKENS = ("prompt_ids", "token_ids", "trained")  # lists that are no signals


def signals_in(run: Run) -> dict[str, list[int]]:
    """Every signal per token that is on record, with the steps that have it."""
    found: dict[str, list[int]] = {}
    for step in run.steps():
        table = read_table(run.file("rollouts", step))
        for name in signal_columns(table):
            if table.column(name).null_count < len(table):
                found.setdefault(name, []).append(step)
    return found


def signal_columns(table: Any) -> list[str]:
    """The columns of a record that hold numbers per token."""
    lists = [field.name for field in table.schema if pyarrow.types.is_list(field.type)]
    return [name for name in lists if name not in TOKENS and (name not in BY_NAME or BY_NAME[name].per != "rollout")]


def exact_steps(run: Run, name: str) -> list[int]:
    """The recorded steps whose rollouts can be given a signal exactly; ValueError for one that no model can give."""
    wanted, training = Wanted.parse(name.removeprefix(AFTER)), run.resolved.get("training", {})
    if wanted.signal not in SIGNALS or (wanted.policy == "ref_" and SIGNALS[wanted.signal].reference):
        raise ValueError(
            f"{name} cannot be read from a model; these can, also as old_…, after_… and ref_…: "
            f"{', '.join(sorted(SIGNALS))} (advantage and lens of any method come from a replay)"
        )
    if wanted.context:
        raise ValueError(f"{name} is read after a prompt of the run's method, which is not on record")
    if wanted.policy == "ref_":
        return run.steps()
    if wanted.name == name and not wanted.policy and (training.get("updates", 1), training.get("epochs", 1)) != (1, 1):
        raise ValueError(
            f"{name} is recorded as a rollout's last update saw it, and this run makes several a step: no checkpoint "
            f"is of that moment; add old_{name}, of the policy before the step"
        )
    kept = {BASE, *checkpoints(run.directory)}
    return [step for step in run.steps() if policy_of(name, step) in kept]


def policy_of(name: str, step: int) -> int:
    """Which checkpoint the policy is of that a signal of a step was read from.

    >>> policy_of("entropy", 7), policy_of("after_entropy", 7), policy_of("ref_entropy", 7)
    (6, 7, 0)
    """
    if name.startswith(AFTER):
        return step
    return BASE if name.startswith("ref_") else step - 1


def add_signal(run: Run, name: str, steps: Sequence[int] | None = None) -> list[int]:
    """Adds a signal to the rollouts of recorded steps, None: of all that lack it; answers the steps that were given it.

    ValueError, and nothing is changed, if it cannot be had exactly for one of them.
    """
    exact, has = exact_steps(run, name), set(signals_in(run).get(name, ()))
    lacking = [step for step in run.steps() if step not in has]
    asked = lacking if steps is None else list(steps)
    absent = [step for step in asked if step not in run.steps()]
    if absent:
        raise ValueError(f"{run.path} has no rollouts of step {spans(absent)}; there are: {spans(run.steps())}")
    inexact = [step for step in asked if step in lacking and step not in exact]
    if inexact:
        raise ValueError(
            f"{name} cannot be had for step {spans(inexact)}: the policy that wrote the rollouts of step N is that of "
            f"checkpoint N - 1, and after_… that of N, which was not kept; steps that can be given it: "
            f"{spans([step for step in exact if step in lacking])}"
        )
    for step in (step for step in asked if step in lacking):
        rescore(run, name, step)
    return [step for step in asked if step in lacking]


def rescore(run: Run, name: str, step: int) -> None:
    """Adds one signal to the rollouts of one step; the file is replaced whole."""
    file = run.file("rollouts", step)
    read = name.removeprefix(AFTER).removeprefix("old_")  # that policy is the one that is loaded
    now = snapshot(run, policy_of(name, step), reference=reads_reference(read))
    table = read_table(file)
    column = now.score(table, [read]).column(read)
    rest = table.drop_columns([name]) if name in table.column_names else table
    write_table(file, rest.append_column(name, column))
