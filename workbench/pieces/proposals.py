"""Proposals of self-play: read by an environment, checked against what is there, counted, and rated by their tries."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.kinds import Environment
from workbench.types import Group, Problem, Rollout, Score

NAN = float("nan")
COPY = "a copy of a problem that is there already, or of a reference"


@dataclass(frozen=True)
class Read:
    """What came of one proposal: a new problem (its score, nan, is still to come), or a score with the reason."""

    rollout: Rollout
    score: Score
    problem: Problem | None = None
    skeleton: str = ""
    blameless: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """The rollout's."""
        return self.rollout.key

    @property
    def kind(self) -> str:
        """The kind of problem that was asked for."""
        return self.rollout.request.problem.source


def read_proposals(
    environment: Environment, rollouts: Sequence[Rollout], known: Iterable[str], invalid: float
) -> list[Read]:
    """What came of proposals; one whose problem is among the `known` keys, or was just read, scores as `invalid`."""
    seen = set(known)
    found = environment.read([(each.request.problem, each.text) for each in rollouts])
    reads = []
    for rollout, proposal in zip(rollouts, found, strict=True):
        problem, score = proposal.problem, Score(NAN, "valid")
        if problem is None:
            score = Score(NAN if proposal.blameless else invalid, proposal.reason)
        elif problem.key in seen:
            problem, score = None, Score(invalid, COPY)
        else:
            seen.add(problem.key)
        reads.append(Read(rollout, score, problem, proposal.skeleton, proposal.blameless))
    return reads


def validity(role: str, reads: Sequence[Read]) -> dict[str, float]:
    """The share of valid proposals, by kind too; of different skeletons among their programs, and of the commonest.

    Programs are counted whose problem exists already, too: a proposer that repeats itself has collapsed all the same.
    """
    counted: dict[str, list[bool]] = {}
    for each in reads:
        for label in (role, f"{role}.{each.kind}"):
            if not each.blameless:
                counted.setdefault(label, []).append(each.problem is not None)
    metrics = {f"valid.{label}": sum(valid) / len(valid) for label, valid in counted.items()}
    skeletons = Counter(each.skeleton for each in reads if each.skeleton)
    if skeletons:
        total = skeletons.total()
        metrics[f"distinct_skeletons.{role}"] = len(skeletons) / total
        metrics[f"commonest_skeleton.{role}"] = skeletons.most_common(1)[0][1] / total
    return metrics


def cannot_seed(kind: str, faults: Sequence[Sequence[str]], rounds: int) -> str:
    """Why a kind has no problem to start from; `faults` are kinds with reasons."""
    reasons = Counter(reason.partition(": ")[0] for each, reason in faults if each == kind)
    commonest = "; ".join(f"{reason} ({count} times)" for reason, count in reasons.most_common(3))
    return (
        f"self_play: no valid proposal of kind {kind!r} in {rounds} rounds of seeding: {commonest or 'none was made'}; "
        "take a model that writes such programs, raise method.controller.seed_rounds and rollouts.rounds, or leave the "
        "kind out of method.controller.kinds"
    )


def number_cohorts(groups: Sequence[Group]) -> None:
    """Gives the rollouts of each role and kind of problem a number of their own, as the fact `cohort`."""
    numbers: dict[tuple[str, str], float] = {}
    for group in groups:
        for each in group.rollouts:
            name = each.request.role, each.request.problem.source
            each.extras["cohort"] = numbers.setdefault(name, float(len(numbers)))


def rate_of(tries: Sequence[Rollout]) -> float:
    """The share of correct ones among the tries that were graded; nan where none was."""
    known = [each.correct for each in tries if each.correct == each.correct]
    return sum(known) / len(known) if known else NAN


def rated(tries: Group) -> Problem:
    """The problem that was tried, with the rate of success, the number of tries, and the group's number in the step."""
    made = {"rate": rate_of(tries.rollouts), "tries": len(tries.rollouts), "group": tries.number}
    return replace(tries.problem, data={**tries.problem.data, **made})


def drawn(pool: Sequence[Problem], count: int, uniform: Sequence[float]) -> list[Problem]:
    """Up to `count` different problems of a pool, by numbers in [0, 1)."""
    places = dict.fromkeys(int(number * len(pool)) for number in uniform)
    return [pool[place] for place in list(places)[:count]]
