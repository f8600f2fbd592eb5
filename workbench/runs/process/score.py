"""Scores given texts with one reward, without a run: with a model to ask where the reward asks one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workbench.config import RunConfig
from workbench.rewards.scoring import Part, score_groups
from workbench.runs.process.build import build, errors
from workbench.sections import CastPart, RewardPart
from workbench.types import Group, Problem, Request, Rollout

BUDGET = 1_000_000  # tokens: no text counts as truncated


@dataclass(frozen=True)
class Scored:
    """Texts as rollouts with their scores, what went wrong, and what was asked of whom."""

    rollouts: list[Rollout]
    faults: list[str]
    questions: list[dict[str, Any]]


def score_texts(
    part: RewardPart, problem: Problem, texts: Sequence[str], model: str = "embedded", cast: Sequence[CastPart] = ()
) -> Scored:
    """The texts as completions of a problem, scored as one group. `model`: the policy, where the reward asks a model.

    ValueError where the reward cannot score here, or asks for somebody who is not in the cast.
    """
    if not part.reward.asks:
        wrong = part.reward.check()
        if wrong:
            raise ValueError(f"{part.key}: {'; '.join(wrong)}")
        rollouts = [
            Rollout(Request(problem, (0,), 0, 0, n=len(texts)), place, [0] * len(text.split()), text, [], [], "stop")
            for place, text in enumerate(texts)
        ]
        rewards = [Part(part.key, part.reward)]
        return Scored(rollouts, score_groups(rewards, (), [Group(0, problem, rollouts)], None, BUDGET), [])
    tables = {"task": {"task": "sums"}, "method": {"method": "grpo"}, "record": {"questions": "all"}}
    config = RunConfig(**tables, rewards=[part], cast=list(cast), model={"name": model}, training={"threads": 1})
    wrong = errors(config)
    if wrong:
        raise ValueError("\n".join(wrong))
    trainer = build(config)
    encoder, stop = trainer.parts.encoder, list(trainer.stop_tokens[:1])
    request = Request(problem, encoder.prompt(problem.prompt), 0, 0, n=len(texts))
    rollouts = []
    for place, text in enumerate(texts):
        tokens = [*encoder.answer(text), *stop]
        unknown = [float("nan")] * len(tokens)
        rollouts.append(Rollout(request, place, tokens, text, unknown, list(unknown), "stop"))
    with trainer.bench.sampling(0):
        faults = trainer.parts.score([Group(0, problem, rollouts)])
    lines = trainer.bench.journal({}, rollouts).get("questions", ())
    return Scored(rollouts, faults, [dict(line) for line in lines])
