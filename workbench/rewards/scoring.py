"""Runs every reward over a group and makes one number of the parts.

A rollout is scored once: one that has a part is not given to that reward again when its group grows in a later round. A
reward that compares the rollouts of a group says so (`groupwise`) and is run over all of them.

A reward that raises costs the rollout it raised on, not the run: that rollout is unscored, and so counts as incorrect.
"""

from collections.abc import Sequence
from typing import NamedTuple

from workbench.kinds import Reward, Shaping
from workbench.types import Group, Request, Rollout, Score, Scorer, score_fault

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


def score_group(
    rewards: Sequence[Part | tuple[str, Reward, float]],
    shaping: Sequence[Shaping],
    group: Group,
    scorer: Scorer | None,
    budget: int,
) -> list[str]:
    """Scores the rollouts of a group in place; returns the texts of what went wrong, for the event log.

    Sets of every rollout `parts` (by name), `reward` (Σ weight · value, then every shaping in order; nan where a part
    is unscored) and `correct` (1, 0 or nan: of the first part that grades the answer). A part of weight 0 is recorded
    and never makes the reward nan. A part's values per token stay on its score. A part that came late, from a
    controller, has its reward's weight, or 1 where no reward is called so.
    """
    parts = [Part(*given) for given in rewards]
    check_parts(parts)
    problems: list[str] = []
    for part in parts:
        new = to_score(part, group)
        scores, faults = run_reward(part.name, part.reward, new, scorer)
        problems += faults
        for rollout, score in zip(new.rollouts, scores, strict=True):
            rollout.parts[part.name] = score
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


def run_reward(name: str, reward: Reward, group: Group, scorer: Scorer | None) -> tuple[list[Score], list[str]]:
    """The scores of one reward on a group, and what went wrong.

    When it raises, every rollout is tried by itself; those on which it raises are unscored, and the others are
    scored again as a group, since a reward may compare them with each other.
    """
    if not group.rollouts:
        return [], []
    everyone = range(len(group.rollouts))
    faults: dict[int, str] = {}
    try:
        return ask(reward, group, everyone, scorer), []
    except Exception as error:  # a reward is anybody's code and may fail in any way; the fault is reported below
        faults = culprits(reward, group, scorer) or dict.fromkeys(everyone, describe(error))
    try:
        scored = iter(ask(reward, group, [place for place in everyone if place not in faults], scorer))
    except Exception as error:  # as above
        faults, scored = {**dict.fromkeys(everyone, describe(error)), **faults}, iter(())
    scores = [Score(NAN, f"{name} raised {faults[place]}") if place in faults else next(scored) for place in everyone]
    return scores, reports(name, faults, group)


def ask(reward: Reward, group: Group, places: Sequence[int], scorer: Scorer | None) -> list[Score]:
    """The scores on some rollouts of a group, checked: one for each, no infinite value, per-token values to fit."""
    rollouts = [group.rollouts[place] for place in places]
    if not rollouts:
        return []
    scores = list(reward(group.problem, rollouts, scorer))
    if len(scores) != len(rollouts):
        raise ValueError(f"{len(scores)} scores for {len(rollouts)} rollouts: return one for each")
    for score, rollout in zip(scores, rollouts, strict=True):
        if fault := score_fault(score, rollout):
            raise ValueError(fault)
    return scores


def culprits(reward: Reward, group: Group, scorer: Scorer | None) -> dict[int, str]:
    """The rollouts on which a reward raises when asked for them alone, and what it raises."""
    faults = {}
    for place in range(len(group.rollouts)):
        try:
            ask(reward, group, [place], scorer)
        except Exception as error:  # as above
            faults[place] = describe(error)
    return faults


def describe(error: Exception) -> str:
    """An exception in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def reports(name: str, faults: dict[int, str], group: Group) -> list[str]:
    """One text for every different fault: the first rollout it happened on, and how many more there were."""
    texts = []
    for fault in dict.fromkeys(faults.values()):
        places = [place for place, found in faults.items() if found == fault]
        more = f" (and {len(places) - 1} more of its group)" if len(places) > 1 else ""
        excerpt = group.rollouts[places[0]].text[:EXCERPT]
        where = f"rollout {places[0]} of problem {group.problem.key}{more}"
        texts.append(f"reward {name} raised {fault} on {where}: {excerpt!r}")
    return texts
