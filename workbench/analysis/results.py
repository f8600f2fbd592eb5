"""What is counted of scored completions: pass@k, votes, lengths, gains over the base; and the store of samples."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.analysis.evaluate import Estimate, Tally, estimate, gain, passes
from workbench.analysis.support import Support, answer_entropy, by_chance, support, transitions
from workbench.analysis.vote import ballot, rank_weights
from workbench.kinds import Exam
from workbench.types import Group, Rollout


@dataclass(frozen=True)
class Result:
    """The scored completions of the model as of a step, counted."""

    step: int
    temperature: float
    tallies: tuple[Tally, ...]
    passes: dict[int, Estimate]  # by k
    votes: dict[int, Estimate]  # by k, of the majority of k > 1 answers; empty where no reward extracts answers
    weighted: dict[int, Estimate]  # the same, each answer weighed by how good it looks to the run's pruner
    unweighted: str  # why there are no weighted votes; empty where there are
    length: float  # mean tokens of a completion
    truncated: float  # share of completions that reached max_tokens
    unscored: float  # share of completions that no reward could score; they count as incorrect
    entropy: float | None = None  # mean entropy of a problem's answers, in nats; None where no reward extracts them
    exam: str = ""  # its name; empty: the run's own held-out problems
    measures: dict[str, Estimate] = field(default_factory=dict)  # the exam's own
    gains: dict[int, Estimate] = field(default_factory=dict)  # of pass@k over the base
    support: Support | None = None  # problems gained and lost against the base
    chance: float | None = None  # gained, or lost, by luck: one half of the base's completions against the other
    transitions: list[list[int]] | None = None  # problems by solve rate before (row) and after (column)

    def document(self) -> dict[str, Any]:
        """Plain data."""
        support = None if self.support is None else self.support.document()
        tallies = [[tally.correct, tally.graded] for tally in self.tallies]
        return {**asdict(self), "tallies": tallies, "support": support}


def count(groups: Sequence[Group], tries: Sequence[int], *, step: int, temperature: float) -> Result:
    """What is counted of scored groups, as many completions in each as the largest of `tries`."""
    members = [group.rollouts for group in groups]
    if any(rollout.finish == "given" for group in members for rollout in group):
        tries = ()  # nothing was sampled: a reward is examined, by the exam's own measures
    rollouts = [rollout for group in members for rollout in group]
    tallies = tuple(map(tally, members))
    known = [list(map(answer_of, group)) for group in members]
    return Result(
        step=step,
        temperature=temperature,
        tallies=tallies,
        passes={number: passes(tallies, number) for number in tries},
        votes=votes(members, tries, None),
        weighted={},
        unweighted="",
        length=sum(len(rollout.tokens) for rollout in rollouts) / len(rollouts),
        truncated=sum(rollout.finish == "length" for rollout in rollouts) / len(rollouts),
        unscored=sum(not rollout.scored for rollout in rollouts) / len(rollouts),
        entropy=sum(map(answer_entropy, known)) / len(known) if any(map(any, known)) else None,
    )


def over(result: Result, base: Sequence[Tally]) -> Result:
    """The result with gains of pass@k over the base, and what was gained and lost."""
    if not result.passes:
        return result
    gains = {tries: gain(result.tallies, base, tries) for tries in result.passes}
    lucky = by_chance(base) if all(tally.graded > 1 for tally in base) else None
    moved = transitions(result.tallies, base)
    return dataclasses.replace(
        result, gains=gains, support=support(result.tallies, base), chance=lucky, transitions=moved
    )


def measured(result: Result, exam: Exam, groups: Sequence[Group], base: Sequence[Tally] | None, name: str) -> Result:
    """The result with the exam's own measures, under the exam's name."""
    before = None if base is None else [(tally.correct, tally.graded) for tally in base]
    found = {measure: estimate(values) for measure, values in exam.measures(groups, before).items()}
    return dataclasses.replace(result, exam=name, measures=found)


def metrics_of(result: Result) -> dict[str, float]:
    """The numbers of a result for a step's line: pass@k, the exam's measures, problems gained and lost."""
    found = {f"pass@{tries}": each.value for tries, each in result.passes.items()}
    found |= {name.replace(" ", "_"): each.value for name, each in result.measures.items()}
    if result.support is not None:
        found |= {"gained": float(len(result.support.gained)), "lost": float(len(result.support.lost))}
    return {**found, "truncated": result.truncated, "unscored": result.unscored}


def sample_columns(groups: Sequence[Group], step: int) -> dict[str, Sequence[Any]]:
    """The store of samples that further analyses read: a row a completion."""
    rows = [(group.problem, rollout) for group in groups for rollout in group.rollouts]
    return {
        "step": [step] * len(rows),
        "problem": [problem.key for problem, _ in rows],
        "family": [str(problem.data.get("family", "")) for problem, _ in rows],
        "sample": [place for group in groups for place in range(len(group.rollouts))],
        "extracted": [answer_of(rollout) for _, rollout in rows],
        "correct": [rollout.outcome for _, rollout in rows],
        "reward": [rollout.reward for _, rollout in rows],
        "length": [float(len(rollout.tokens)) for _, rollout in rows],
    }


def answer_of(rollout: Rollout) -> str:
    """The answer that the first reward that could extracted."""
    return next((part.extracted for part in rollout.parts.values() if part.extracted), "")


def tally(group: Sequence[Rollout]) -> Tally:
    """The correct answers to a problem; unscored ones count as incorrect."""
    outcomes = [rollout.outcome for rollout in group if not math.isnan(rollout.outcome)]
    return Tally(int(sum(outcomes)), len(outcomes))


def votes(
    groups: Sequence[Sequence[Rollout]], tries: Sequence[int], scores: Sequence[float] | None
) -> dict[int, Estimate]:
    """How often the vote of the first k answers is right, by what the first reward that can extracts of them.

    `scores`, of all rollouts, group after group, weigh votes by their rank; None: every answer weighs the same.
    """
    scored = ((name, part) for group in groups for rollout in group for name, part in rollout.parts.items())
    name = next((name for name, part in scored if part.extracted), None)
    if name is None:
        return {}
    given = iter(scores) if scores is not None else itertools.repeat(0.0)
    known = [[next(given) for _ in group] for group in groups]
    found: dict[int, Estimate] = {}
    for count in (count for count in tries if count > 1):
        ballots = [
            ballot(group[:count], name, dict(enumerate(own[:count]))) for group, own in zip(groups, known, strict=True)
        ]
        cast = [one for one in ballots if one.answers]
        found[count] = estimate(
            [float(one.right(None if scores is None else rank_weights(one.scores))) for one in cast]
        )
    return found
