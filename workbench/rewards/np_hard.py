"""Format plus quality for the solutions of NP-hard problems. NP-Engine, arXiv:2510.16476; Forge, arXiv:2605.08905."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Reward
from workbench.problems.np_hard.family import families, read_list
from workbench.rewards.whole.answers import whole_answer
from workbench.types import Problem, Rollout, Score, Scorer

NAN = float("nan")


@dataclass(frozen=True)
class NpHard(Reward):
    """`format` for a list where the answer belongs, else `-format`; plus the quality, or `infeasible`.

    reward = ±1 + (q where the solution is feasible, else -1.5); the quality q in (0, 1] is the solution's value over
    the heuristic's (its inverse where less is better), 1 at most. With `scale = "quality"` the value is q alone, 0
    without a feasible solution: as a part of weight 0 it records success (q > 0) and quality ratio (the best q).
    Correct is a solution whose quality is `enough`. A binary reward for feasibility was exploited by trivial solutions.
    """

    format: Annotated[float, Field(ge=0, le=10, description="paid for a list, taken without one")] = 1.0
    infeasible: Annotated[float, Field(ge=-10, le=0, description="instead of a quality")] = -1.5
    enough: Annotated[float, Field(gt=0, le=1, description="the least quality that is correct")] = 1.0
    scale: Annotated[Literal["reward", "quality"], Field(description="the whole reward, or the quality alone")] = (
        "reward"
    )
    longest: Annotated[int, Field(ge=1, description="longer answers, in characters, are no list")] = 10_000
    think_end: Annotated[str, Field(description="the closing think tag; empty: all text counts")] = "</think>"

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        del scorer
        if problem.data.get("family") not in families() or "instance" not in problem.data:
            return [Score(NAN, "unscored: the problem is none of the task np_hard") for _ in rollouts]
        return [self.score(problem, rollout.text) for rollout in rollouts]

    def score(self, problem: Problem, text: str) -> Score:
        """One answer."""
        found = whole_answer(text, self.longest, self.think_end)
        solution = None if found.missing else read_list(found.text)
        if solution is None:
            why = found.missing or f"{found.text[:40]!r} is no list of whole numbers"
            return self.scored(0.0, -self.format, why, found.text[:200])
        family = families()[problem.data["family"]]
        verdict, best = family.verify(problem.data["instance"], solution), problem.data["best"]
        if verdict.value is None:
            return self.scored(0.0, self.format, f"infeasible: {verdict.fault}", found.text)
        quality = family.quality(verdict.value, best)
        return self.scored(quality, self.format, f"value {verdict.value:g}, the heuristic's {best:g}", found.text)

    def scored(self, quality: float, form: float, reason: str, extracted: str) -> Score:
        """The score of an answer with this quality, 0 where it is infeasible."""
        whole = form + (quality if quality > 0 else self.infeasible)
        value = quality if self.scale == "quality" else whole
        return Score(value, f"{reason}; quality {quality:.3g}", correct=quality >= self.enough, extracted=extracted)
