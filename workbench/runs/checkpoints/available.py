"""The checkpoints of a run by step, read while its trainer may be replacing them."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workbench.runs.directory.checkpoint import Checkpoint, DamagedError, candidates, error_in, read_checkpoint
from workbench.runs.directory.lines import current, read_lines, restarts_in
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.open import refuse_imported, spans

BASE = 0  # the step before the first: the model as it was loaded, of which no files are kept
TRIES = 20  # looks at a folder that the trainer keeps replacing

Answer = TypeVar("Answer")


class MovedError(ValueError):
    """A trainer put another checkpoint in the place of the one that was being read."""


def checkpoints(directory: RunDirectory) -> dict[int, Checkpoint]:
    """Every complete checkpoint by step, in order; without those that a later attempt left behind."""
    return {step: copies[-1] for step, copies in copies_by_step(directory).items()}


def copies_by_step(directory: RunDirectory) -> dict[int, list[Checkpoint]]:
    """The same, with every folder that holds a step's checkpoint; the one that stays comes last."""
    found = sorted(candidates(directory), key=lambda one: one.path.name.startswith("step-"))
    lines = [{"step": one.step, "attempt": one.attempt} for one in found]
    events, _ = read_lines(directory.events)
    chosen = current(lines, restarts_in(events))
    return {
        step: [one for one in found if (one.step, one.attempt) == (step, line["attempt"])]
        for step, line in chosen.items()
    }


def find_checkpoint(directory: RunDirectory, step: int | None) -> Checkpoint:
    """The checkpoint of a step, None: the last one that is intact; ValueError that names those there are.

    That of `BASE` has no files: what it stands for is loaded as the config says. DamagedError where the files of a step
    are not as they were written.
    """
    refuse_imported(directory)
    there = copies_by_step(directory)
    errors: list[str] = []
    for wanted in sorted(there, reverse=True) if step is None else [step] if step in there else []:
        for one in reversed(there[wanted]):
            error = error_in(one.path)
            if not error:
                for text in errors:
                    warnings.warn(f"{text}; step {one.step} is used instead", stacklevel=2)
                return one
            if not same(one):
                raise MovedError(f"{one.path} was replaced while it was read")
            errors.append(error)
    if errors:
        others = spans([BASE, *(number for number in there if step is not None and number != step)])
        raise DamagedError(f"{'; '.join(errors)}. Put the file back as it was, or choose another step: {others}")
    if step == BASE:
        return Checkpoint(directory.checkpoints, BASE, attempt=0, line={}, size=0)
    what = "no checkpoint yet" if step is None else f"no checkpoint of step {step}"
    raise ValueError(
        f"{directory.path} has {what}; there are: {spans([BASE, *there])} ({BASE} is the model before training). "
        "More are kept with a smaller training.checkpoint, or by `workbench checkpoint`"
    )


def use_checkpoint(directory: RunDirectory, step: int | None, use: Callable[[Checkpoint], Answer]) -> Answer:
    """What `use` answers of a step's checkpoint; asked again where the trainer replaced the folder under it."""
    for _ in range(TRIES):
        try:
            return use(find_checkpoint(directory, step))
        except MovedError:
            continue
    raise ValueError(f"{directory.checkpoints} changes faster than it can be read; pause the run and try again")


def read_from(checkpoint: Checkpoint, read: Callable[[Path], Answer]) -> Answer:
    """What `read` makes of a checkpoint's folder; MovedError where that holds another one by now."""
    try:
        answer = read(checkpoint.path)
    except Exception as error:  # of any library that found a file gone: told as it is unless the trainer took it away
        if same(checkpoint):
            raise
        raise MovedError(f"{checkpoint.path} was replaced while it was read") from error
    if not same(checkpoint):
        raise MovedError(f"{checkpoint.path} was replaced while it was read")
    return answer


def same(checkpoint: Checkpoint) -> bool:
    """Whether a checkpoint's folder still holds it."""
    now = read_checkpoint(checkpoint.path)
    return now is not None and (now.step, now.attempt) == (checkpoint.step, checkpoint.attempt)
