"""Runs every reward over a group and makes one number of the parts.

A rollout is scored once: one that has a part is not given to that reward again when its group grows in a later round. A
reward that compares the rollouts of a group says so (`groupwise`) and is run over all of them.

A reward that raises costs the rollout it raised on, not the run: that rollout is unscored, and so counts as incorrect.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from workbench.kinds import Reward, Shaping
from workbench.rewards.asking import Attempt, Memo, Outcome, run
from workbench.types import Asked, Bench, Group, Request, Rollout, Score, score_fault

NAN = float("nan")
EXCERPT = 200  # characters of a rollout's text in an event


class Part(NamedTuple):
    """A reward, its name among the parts, its weight in the sum; `only` for a role, or a source of problems."""

    name: str
    reward: Reward
    weight: float = 1.0
    only: str = ""

    def scores(self, request: Request) -> bool:
        """Whether it is asked about the rollouts of a request."""
        return not request.late and self.only in ("", request.role, request.problem.source)


@dataclass(frozen=True)
class Job:
    """One reward and the rollouts of a group that it is to score."""

    name: str
    reward: Reward
    group: Group

    @property
    def everyone(self) -> range:
        """The places of its rollouts."""
        return range(len(self.group.rollouts))

    def attempt(self, scorer: Bench | None, places: Sequence[int] | None = None) -> Attempt:
        """A call of the reward on some of the rollouts, None: all; the scores are checked."""
        rollouts = [self.group.rollouts[place] for place in (self.everyone if places is None else places)]

        def asked(generator: Asked) -> Asked:
            scores = yield from generator
            return scores if scores is None else checked(list(scores), rollouts)

        def call() -> list[Score] | Asked:
            found = self.reward(self.group.problem, rollouts, scorer) if rollouts else []
            return asked(found) if isinstance(found, Generator) else checked(list(found), rollouts)

        return call

    def result(self, outcome: Outcome, faults: Mapping[int, str]) -> tuple[list[Score], list[str]]:
        """A score for every rollout, those with a fault unscored, and the texts of the faults."""
        scored = iter(() if isinstance(outcome, Exception) else outcome)
        scores = [
            Score(NAN, f"{self.name} raised {faults[place]}") if place in faults else next(scored)
            for place in self.everyone
        ]
        return scores, reports(self.name, faults, self.group)


def score_group(
    rewards: Sequence[Part | tuple[str, Reward, float]],
    shaping: Sequence[Shaping],
    group: Group,
    scorer: Bench | None,
    budget: int,
) -> list[str]:
    """Scores the rollouts of one group; see `score_groups`."""
    return score_groups(rewards, shaping, [group], scorer, budget)


def score_groups(
    rewards: Sequence[Part | tuple[str, Reward, float]],
    shaping: Sequence[Shaping],
    groups: Sequence[Group],
    scorer: Bench | None,
    budget: int,
) -> list[str]:
    """Scores the rollouts of groups in place; returns the texts of what went wrong, for the event log.

    Sets of every rollout `parts` (by name), `reward` (Σ weight · value, then every shaping in order; nan where a part
    is unscored) and `correct` (1, 0 or nan: of the first part that grades the answer). A part of weight 0 is recorded
    and never makes the reward nan. A part's values per token stay on its score. A part that came late, from a
    controller, has its reward's weight, or 1 where no reward is called so. What the rewards of all groups ask a model
    is asked together.
    """
    parts = [Part(*given) for given in rewards]
    check_parts(parts)
    jobs = [Job(part.name, part.reward, to_score(part, group)) for group in groups for part in parts]
    jobs = [job for job in jobs if job.group.rollouts]
    problems: list[str] = []
    for job, (scores, faults) in zip(jobs, run_rewards(jobs, scorer), strict=True):
        problems += faults
        for rollout, score in zip(job.group.rollouts, scores, strict=True):
            rollout.parts[job.name] = score
    for group in groups:
        sums = [weighted_sum(parts, rollout) for rollout in group.rollouts]
        for piece in shaping:
            sums = piece(group, sums, budget)
        for rollout, value in zip(group.rollouts, sums, strict=True):
            rollout.reward, rollout.correct = value, grade_of(parts, rollout)
    return problems


def to_score(part: Part, group: Group) -> Group:
    """The part of a group that a reward is given: those without its part, or all of them if it compares them."""
    asked = [rollout for rollout in group.rollouts if part.scores(rollout.request)]
    new = [rollout for rollout in asked if part.name not in rollout.parts]
    return Group(group.number, group.problem, asked if new and part.reward.groupwise else new)


def check_parts(rewards: Sequence[Part]) -> None:
    """Parts need names of their own, since they are recorded by name."""
    names = [part.name for part in rewards]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        fault = f"two rewards are called {twice[0]!r}: name one of them otherwise" if twice else "no reward is given"
        raise ValueError(f"rewards = {names}: {fault}")


def weighted_sum(rewards: Sequence[Part], rollout: Rollout) -> float:
    """Σ weight · value over the parts, nan where there are none; those of weight 0 are only recorded."""
    weights = {part.name: part.weight for part in rewards}
    weighed = [(weights.get(name, 1.0), part.value) for name, part in rollout.parts.items()]
    return sum(weight * value for weight, value in weighed if weight != 0) if weighed else NAN


def grade_of(rewards: Sequence[Part], rollout: Rollout) -> float:
    """1 or 0 by the first part that grades the answer, those of the rewards first; nan where none does."""
    names = [*(part.name for part in rewards if part.name in rollout.parts), *rollout.parts]
    grades = (rollout.parts[name].correct for name in names)
    return next((float(correct) for correct in grades if correct is not None), NAN)


def run_rewards(jobs: Sequence[Job], scorer: Bench | None) -> list[tuple[list[Score], list[str]]]:
    """For every job the scores, and what went wrong.

    Where a reward raises, every rollout is tried by itself; those on which it raises are unscored, and the others are
    scored again as a group, since a reward may compare them with each other. A question is asked once all the same.
    """
    memo = Memo(scorer)
    outcomes = run([job.attempt(scorer) for job in jobs], memo)
    broken = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Exception)]
    faults = dict(zip(broken, culprits([jobs[place] for place in broken], scorer, memo), strict=True))
    for place in broken:
        faults[place] = faults[place] or dict.fromkeys(jobs[place].everyone, describe(outcomes[place]))
    rests = {place: [each for each in jobs[place].everyone if each not in faults[place]] for place in broken}
    again = run([jobs[place].attempt(scorer, rests[place]) for place in broken], memo)
    for place, outcome in zip(broken, again, strict=True):
        outcomes[place] = outcome
        if isinstance(outcome, Exception):
            faults[place] = {**dict.fromkeys(jobs[place].everyone, describe(outcome)), **faults[place]}
    return [
        job.result(outcome, faults.get(place, {}))
        for place, (job, outcome) in enumerate(zip(jobs, outcomes, strict=True))
    ]


def culprits(jobs: Sequence[Job], scorer: Bench | None, memo: Memo) -> list[dict[int, str]]:
    """For every job the rollouts on which its reward raises when asked for them alone, and what it raises."""
    alone = [(number, place) for number, job in enumerate(jobs) for place in job.everyone]
    outcomes = run([jobs[number].attempt(scorer, [place]) for number, place in alone], memo)
    found: list[dict[int, str]] = [{} for _ in jobs]
    for (number, place), outcome in zip(alone, outcomes, strict=True):
        if isinstance(outcome, Exception):
            found[number][place] = describe(outcome)
    return found


def checked(scores: Sequence[Any], rollouts: Sequence[Rollout]) -> list[Score]:
    """The scores, one for each rollout, no infinite value, per-token values to fit; else ValueError."""
    if len(scores) != len(rollouts):
        raise ValueError(f"{len(scores)} scores for {len(rollouts)} rollouts: return one for each")
    for score, rollout in zip(scores, rollouts, strict=True):
        if fault := score_fault(score, rollout):
            raise ValueError(fault)
    return list(scores)


def describe(error: Outcome) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def reports(name: str, faults: Mapping[int, str], group: Group) -> list[str]:
    """One text for every different fault: the first rollout it happened on, and how many more there were."""
    texts = []
    for fault in dict.fromkeys(faults.values()):
        places = [place for place, found in faults.items() if found == fault]
        more = f" (and {len(places) - 1} more of its group)" if len(places) > 1 else ""
        excerpt = group.rollouts[places[0]].text[:EXCERPT]
        where = f"rollout {places[0]} of problem {group.problem.key}{more}"
        texts.append(f"reward {name} raised {fault} on {where}: {excerpt!r}")
    return texts
