"""Held-out problems: many sampled once for the accuracy; a few tracked, sampled as in training at each evaluation."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from workbench.kinds import Exam
from workbench.training.forward import Forward, Wanted
from workbench.training.sampling import Parts, Sampled
from workbench.training.signal_plan import passes
from workbench.training.step import Learned, make_columns
from workbench.training.watching.metrics import by_label, mean
from workbench.training.watching.scored import scored_share
from workbench.types import Encoder, Group, Request, Rollout, Row, Sampling, State

EVALUATION_STEP, PROBE_STEP = -1, -2  # keys of the random numbers: the same at every evaluation
EVALUATED_SHARE = "accuracy_scored_share"  # the metric beside the accuracy
WAITING = "probes"  # among the trainer's states: tracked rollouts to score again after the next step


def ask(parts: Parts, problems: int, rollouts: int, sampling: Sampling, exam: Exam | None = None) -> Sampled:
    """The first `problems` held-out problems, with so many rollouts of each, or those that an exam gives, scored."""
    asked = [parts.task.problem(number, "test") for number in range(problems)]
    requests = [
        Request(problem, parts.encoder.prompt(problem.prompt), group=number, number=number, n=rollouts)
        for number, problem in enumerate(asked)
    ]
    members: dict[int, list[Rollout]] = {number: [] for number in range(problems)}
    written = [request for request in requests if not give(exam, request, parts.encoder, members[request.group])]
    for rollout in parts.engine.generate(written, sampling) if written else ():
        members[rollout.request.group].append(rollout)
    groups = [Group(number, problem, members[number]) for number, problem in enumerate(asked)]
    return Sampled(groups, {group.number for group in groups}, parts.score(groups))


def give(exam: Exam | None, request: Request, encoder: Encoder, members: list[Rollout]) -> bool:
    """Adds an exam's ready-made completions of a problem; whether there are any."""
    texts = None if exam is None else exam.given(request.problem)
    if texts is None:
        return False
    for place, text in enumerate(texts):
        tokens = list(encoder.answer(text))
        unknown = [math.nan] * len(tokens)
        members.append(Rollout(request, place, tokens, text, unknown, list(unknown), "given"))
    return True


def accuracy(sampled: Sampled) -> dict[str, float]:
    """The share of correct answers, how many were graded, and the share that was scored.

    Unscored answers count as incorrect. No accuracy where no reward grades answers. Problems of several sources have
    their accuracies beside it: `accuracy.SOURCE`.
    """
    outcomes = [rollout.outcome for rollout in sampled.rollouts if not math.isnan(rollout.outcome)]
    if not outcomes:
        return {"evaluated": 0.0}
    share = scored_share(sampled.rollouts)
    found = {"accuracy": sum(outcomes) / len(outcomes), "evaluated": float(len(outcomes)), EVALUATED_SHARE: share}
    for name, members in by_label(sampled.rollouts).items():
        found[f"accuracy.{name}"] = mean([rollout.outcome for rollout in members])
    return {name: value for name, value in found.items() if not math.isnan(value)}


# --------------------------------------------------------------------------------------- tracked problems


def probe_columns(
    parts: Parts, sampled: Sampled, step: int, forward: Forward, signals: Iterable[str]
) -> dict[str, Any]:
    """Rollouts of tracked problems as the columns of a step; `signals` are computed for every token, none if empty.

    A signal may be the reference's (`ref_…`), but not one after another prompt than the rollout's own.
    """
    rollouts = sampled.rollouts
    learned = Learned(rollouts)
    rows = [Row(rollout.prompt, rollout.tokens) for rollout in rollouts]
    for (policy, _), names in passes(signals).items():
        found = forward.read_all(rows, names, reference=policy == "ref_")
        learned.tensors |= {Wanted(name, policy).name: values for name, values in found.items()}
    return make_columns(sampled, learned, parts.encoder, step, numbers=bool(learned.tensors))


def waiting(sampled: Sampled, step: int) -> State:
    """The state that is needed to score tracked rollouts again after the next step: lists of token ids."""
    rows = [[list(rollout.prompt), list(rollout.tokens)] for rollout in sampled.rollouts]
    return {"step": step, "rows": rows}


def scored_again(forward: Forward, state: State) -> dict[str, Any]:
    """The log-prob of every token of waiting tracked rollouts under the current policy, one rollout after the other.

    `step` is the step of their evaluation, `after_logprob` is [tokens] float32.
    """
    rows = [Row(prompt, answer) for prompt, answer in state["rows"]]
    found = forward.read_all(rows, ("logprob",))["logprob"].cpu().numpy()
    values = [found[place, : len(row.answer)] for place, row in enumerate(rows)]
    return {"step": state["step"], "after_logprob": np.concatenate(values)}
