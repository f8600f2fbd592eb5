"""The effect of a step on the tokens it was trained on, and on those of the tracked problems, which it was not."""

import math
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from widgets.recorded.data import RunData, group_parts, per_token, read, token_counts
from widgets.recorded.question import question_of
from widgets.wire.payload import number, pack

if TYPE_CHECKING:
    from widgets.lens.weights import Weights

MOST_TOKENS = 200_000  # of a step that are sent; of more the first rollouts
NAMES = ("rollout", "group", "problem", "prompt", "reward", "correct", "finish", "token_ids", "trained", "lens",
         "logprob", "after_logprob")  # fmt: skip
PROBED = ("rollout", "group", "problem", "prompt", "prompt_ids", "correct", "token_ids", "logprob")
SENT = ("tokens", "trained", "lens", "change")


def effect(data: RunData, step: int) -> bytes:
    """The rollouts of a step that were scored again, as a group's payload of kind `step`, with `lens` and `change`.

    `groups`: how many groups these are, `all`: how many the step has, `left_out`: rollouts that are not sent.
    """
    table = read(data.file(step), NAMES)
    numbers, again = table.column("group").to_numpy(), scored_again(table)
    header, columns = parts(data, table)
    counts = {"groups": len(set(numbers[again].tolist())), "all": len(set(numbers.tolist()))}
    return pack({"kind": "step", "step": step, **header, **counts}, columns)


def parts(data: RunData, table: pa.Table) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and columns of the rollouts that were scored again; of too many the first, `left_out` counts the rest."""
    again = scored_again(table)
    room = np.cumsum(np.where(again, token_counts(table), 0)) <= MOST_TOKENS
    header, columns = group_parts(table.filter(pa.array(again & room)), data.vocabulary)
    kept = {name: columns[name] for name in SENT if name in columns}
    return {**header, "left_out": int((again & ~room).sum())}, kept


def scored_again(table: pa.Table) -> np.ndarray:
    """Which rollouts have a log-prob from after the step's updates, [rollout]."""
    if "after_logprob" not in table.column_names:
        return np.zeros(table.num_rows, dtype=bool)
    owners = np.repeat(np.arange(table.num_rows), token_counts(table))
    known: np.ndarray = np.bincount(owners[np.isfinite(per_token(table, "after_logprob"))], minlength=table.num_rows)
    return known > 0


# ---------------------------------------------------------------------------------------------- probe problems


def probe_effect(data: RunData, step: int) -> bytes:
    """What `probes` tells, and where the probes of the step before were scored again after this one, their tokens.

    These come as those of `effect` do; `lens` is the gradient weight under the run's method, as if it were
    trained on them, `method` its title. Where it cannot be computed, `error` says why.
    """
    told = probes(data, step)
    if told["scored"] != step:
        return pack({"kind": "step_probes", "step": step, **told}, {})
    table, asked = read(Path(data.run.file("probes", step - 1)), NAMES), lens_of_probes(data, step - 1)
    if asked.weights is not None:
        ends = np.concatenate([[0], np.cumsum(token_counts(table))]).astype(np.int32)
        lens = pa.ListArray.from_arrays(pa.array(ends), pa.array(asked.weights))
        table = table.set_column(table.column_names.index("lens"), "lens", lens)
    header, columns = parts(data, table)
    header |= {"method": asked.title, "error": asked.error}
    return pack({"kind": "step_probes", "step": step, **told, **header}, columns)


def lens_of_probes(data: RunData, step: int) -> "Weights":
    """The gradient weights that the run's method would give the tracked problems of a step, or the error."""
    from widgets.lens.weights import Weights, weigh  # brings torch along
    from workbench.runs.replay import Replay

    try:
        return weigh(data.run.config.method, Replay.of_probes(data.run, step))
    except ValueError as error:  # as where the method was written in a cell that was not run here
        return Weights("", error=str(error))


def probes(data: RunData, step: int) -> dict[str, Any]:
    """The probe problems at the last evaluation before a step's update and at the first one after it.

    `scored`: the step after which those from before it were scored again, None where they were not.

    `before` and `after` are steps, None where there was no evaluation. Their noise is the same at every evaluation, so
    both policies sample the same tokens for a while: `shared` of `sampled`, whose log-prob moved by `drift` on average
    and by `moved` in size.
    """
    steps = data.run.steps("probes")
    before = max((each for each in steps if each < step), default=None)
    after = min((each for each in steps if each >= step), default=None)
    again = before is not None and scored_again(read(Path(data.run.file("probes", before)), NAMES)).any()
    scored = before + 1 if before is not None and again else None
    told: dict[str, Any] = {"before": before, "after": after, "scored": scored, "problems": []}
    if before is None or after is None:
        return told
    one, other = (probed(data, each) for each in (before, after))
    for problem, old in one.items():
        if problem in other:
            told["problems"].append({"problem": problem, "question": old[0]["question"],
                                     "before": outcome(old), "after": outcome(other[problem])})  # fmt: skip
    changes = [change(*pair) for name, old in one.items() for pair in zip(old, other.get(name, []), strict=False)]
    return told | shared(changes, sum(len(row["tokens"]) for rows in other.values() for row in rows))


def probed(data: RunData, step: int) -> dict[str, list[dict[str, Any]]]:
    """The rollouts of every probe problem at an evaluation, in the order in which they were asked for."""
    table = read(Path(data.run.file("probes", step)), PROBED)
    rows = table.select([name for name in PROBED if name in table.column_names]).to_pylist()
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        logprob = [math.nan if value is None else value for value in row.get("logprob") or ()]
        numbers = np.array(logprob or [math.nan] * len(row["token_ids"]))
        known = {"tokens": np.array(row["token_ids"]), "logprob": numbers, "given": row.get("prompt_ids")}
        found[row["problem"]].append(
            {"question": question_of(row["prompt"], data.special), "correct": row["correct"], **known}
        )
    return dict(found)


def outcome(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many of a problem's rollouts are correct, unscored ones counted as incorrect, and the mean length."""
    grades = [row["correct"] for row in rows if number(row["correct"]) is not None]
    length = sum(len(row["tokens"]) for row in rows) / len(rows)
    return {"correct": sum(grade > 0.5 for grade in grades), "scored": len(rows) if grades else 0, "length": length}


def change(old: dict[str, Any], new: dict[str, Any]) -> np.ndarray:
    """Change of log-prob of the tokens that two rollouts share from their beginning on; their prompts must agree."""
    if old["given"] != new["given"]:
        return np.zeros(0)
    most = min(len(old["tokens"]), len(new["tokens"]))
    apart = np.flatnonzero(old["tokens"][:most] != new["tokens"][:most])
    end = int(apart[0]) if apart.size else most
    return np.asarray(new["logprob"][:end] - old["logprob"][:end])


def shared(changes: list[np.ndarray], sampled: int) -> dict[str, Any]:
    """Mean change and mean size of the change over the shared tokens."""
    every = np.concatenate([np.zeros(0), *changes])
    known = every[np.isfinite(every)]
    drift, moved = (number(values.mean()) if known.size else None for values in (known, np.abs(known)))
    return {"shared": int(known.size), "sampled": sampled, "drift": drift, "moved": moved}
