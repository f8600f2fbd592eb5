"""Prompts checkpoints of a run."""

import functools
import json
from typing import Any

from widgets.checkpoint.branching import MOST
from widgets.recorded.data import RunData, group_parts
from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack


@answer("try", slow=True)
def try_model(desk: Desk, request: Request) -> bytes:
    """`n` completions of the checkpoint `step` (None: the last kept) to `prompt`; as a group's payload.

    `temperature` None is the run's own; requests with the same `seed` use the same random numbers at every step.
    ValueError where the step has no checkpoint, or there is no such problem.
    """
    from workbench.runs.checkpoints.snapshot import snapshot

    n, temperature = int(request["n"]), request.get("temperature")
    if not 1 <= n <= MOST:
        raise ValueError(f"n = {n}: give 1 to {MOST} samples")
    if temperature is not None and not temperature >= 0:
        raise ValueError(f"temperature = {temperature:g}: give 0 (greedy decoding) or more")
    now = snapshot(desk.run, request["step"])
    prompt = find_prompt(desk, request["prompt"])
    rollouts = now.sample(prompt, n, temperature, int(request["seed"]))
    table = now.table(rollouts)
    header, columns = group_parts(table, desk.data.vocabulary)
    header_of_prompt = {
        "step": now.step,
        "group": None,
        "texts": [rollout.text for rollout in rollouts],
        **described(prompt),
    }
    return pack({"kind": "try", **header_of_prompt, **header}, columns)


@answer("problem", slow=True)
def held_out_problem(desk: Desk, request: Request) -> bytes:
    """A held-out problem by its number, to preview the prompt."""
    return pack({"kind": "problem", **described(find_prompt(desk, request["prompt"]))}, {})


def find_prompt(desk: Desk, prompt: dict[str, Any]) -> Any:
    """A text, a held-out problem by its number, or the problem of a recorded rollout."""
    from workbench.runs.checkpoints.problems import asked_in, recorded

    if "text" in prompt:
        if not str(prompt["text"]).strip():
            raise ValueError("the prompt is empty: write one")
        return str(prompt["text"])
    task = task_of(desk.data)
    if "rollout" in prompt:
        return asked_in(task, recorded(desk.run, int(prompt["step"]), int(prompt["rollout"])))
    number, size = int(prompt["number"]), task.size("test")
    if number < 0 or (size is not None and number >= size):
        known = "from 0 on" if size is None else f"from 0 to {size - 1}"
        raise ValueError(f"there is no held-out problem {number}: they are numbered {known}")
    return task.problem(number, "test")


def described(prompt: Any) -> dict[str, Any]:
    """A prompt as it is shown; a text has neither problem nor reference answer."""
    if isinstance(prompt, str):
        return {"question": prompt, "problem": None, "reference": None}
    return {"question": prompt.prompt, "problem": prompt.key, "reference": prompt.answer}


def task_of(data: RunData) -> Any:
    """Where the run's problems come from; ValueError where its config does not name it, or it is not known here."""
    return made(json.dumps(data.config().get("task")))


@functools.lru_cache(maxsize=2)
def made(table: str) -> Any:
    """A task, once: it may read files."""
    from workbench.kinds import Task
    from workbench.registry import load

    load()
    return Task.parse(json.loads(table))
