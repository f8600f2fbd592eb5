"""What does the model of a run write, now and at other moments, to this question?"""

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
    """`n` answers of the model as of `step` (None: the last kept) to `asked`; as a group's payload.

    `temperature` None is the run's own; requests with the same `seed` draw alike at every step. ValueError where the
    step has no checkpoint, or there is no such problem.
    """
    from workbench.runs.checkpoints.snapshot import snapshot

    n, temperature = int(request["n"]), request.get("temperature")
    if not 1 <= n <= MOST:
        raise ValueError(f"n = {n}: ask for 1 to {MOST} answers")
    if temperature is not None and not temperature >= 0:
        raise ValueError(f"temperature = {temperature:g}: give 0 (always the likeliest token) or more")
    now = snapshot(desk.run, request["step"])
    asked = asked_for(desk, request["asked"])
    rollouts = now.sample(asked, n, temperature, int(request["seed"]))
    table = now.table(rollouts)
    header, columns = group_parts(table, desk.data.vocabulary)
    told = {"step": now.step, "group": None, "texts": [rollout.text for rollout in rollouts], **described(asked)}
    return pack({"kind": "try", **told, **header}, columns)


@answer("problem", slow=True)
def held_out_problem(desk: Desk, request: Request) -> bytes:
    """A held-out problem by its number, as one reads it before it is asked."""
    return pack({"kind": "problem", **described(asked_for(desk, request["asked"]))}, {})


def asked_for(desk: Desk, asked: dict[str, Any]) -> Any:
    """A text, a held-out problem by its number, or the problem of a recorded rollout."""
    from workbench.runs.checkpoints.problems import asked_in, recorded

    if "text" in asked:
        if not str(asked["text"]).strip():
            raise ValueError("nothing was written: write what the model is asked")
        return str(asked["text"])
    task = task_of(desk.data)
    if "rollout" in asked:
        return asked_in(task, recorded(desk.run, int(asked["step"]), int(asked["rollout"])))
    number, size = int(asked["number"]), task.size("test")
    if number < 0 or (size is not None and number >= size):
        known = "from 0 on" if size is None else f"from 0 to {size - 1}"
        raise ValueError(f"held-out problem {number}: there is none; they are numbered {known}")
    return task.problem(number, "test")


def described(asked: Any) -> dict[str, Any]:
    """A question as its reader sees it; a text has neither name nor reference answer."""
    if isinstance(asked, str):
        return {"question": asked, "problem": None, "reference": None}
    return {"question": asked.prompt, "problem": asked.key, "reference": asked.answer}


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
