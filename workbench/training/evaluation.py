"""Held-out problems: many asked once for the accuracy; a few, the probes, sampled as in training at each evaluation."""

import math
from collections.abc import Sequence
from typing import Any

from workbench.training.forward import Forward
from workbench.training.sampling import Parts, Sampled
from workbench.training.step import Learned, make_columns
from workbench.types import Group, Request, Rollout, Row, Sampling

EVALUATION_STEP, PROBE_STEP = -1, -2  # key the noise, which is the same every time and no training step's


def ask(parts: Parts, problems: int, rollouts: int, sampling: Sampling) -> Sampled:
    """The first `problems` held-out problems, with so many rollouts of each, judged."""
    asked = [parts.task.problem(number, "test") for number in range(problems)]
    requests = [
        Request(problem, parts.encoder.prompt(problem.prompt), group=number, number=number, n=rollouts)
        for number, problem in enumerate(asked)
    ]
    members: dict[int, list[Rollout]] = {number: [] for number in range(problems)}
    for rollout in parts.engine.generate(requests, sampling):
        members[rollout.request.group].append(rollout)
    groups = [Group(number, problem, members[number]) for number, problem in enumerate(asked)]
    events = [text for group in groups for text in parts.judge(group)]
    return Sampled(groups, {group.number for group in groups}, events)


def accuracy(sampled: Sampled) -> dict[str, float]:
    """The share of right ones among the answers with a verdict, and how many those are."""
    verdicts = [rollout.correct for rollout in sampled.rollouts if not math.isnan(rollout.correct)]
    known = {"accuracy": sum(verdicts) / len(verdicts)} if verdicts else {}
    return {**known, "evaluated": float(len(verdicts))}


def probe_columns(
    parts: Parts, sampled: Sampled, step: int, forward: Forward, signals: Sequence[str]
) -> dict[str, Any]:
    """Rollouts of probe problems as those of a step are recorded; `signals` are read of every token, none if empty."""
    rollouts = sampled.rollouts
    learned = Learned(rollouts)
    if signals:
        learned.tensors = forward.read_all([Row(rollout.prompt, rollout.tokens) for rollout in rollouts], signals)
    return make_columns(sampled, learned, parts.encoder, step, numbers=bool(signals))
