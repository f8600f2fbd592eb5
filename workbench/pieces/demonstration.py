"""Off-policy demonstrations: solutions from the data that join a step's rollouts without being sampled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.types import Request, Rollout, State

TAG = "demonstration"


def given(request: Request, text: str, tokens: Sequence[int]) -> Rollout:
    """A demonstration as a rollout: its tokens are marked off-policy, and have no log-probs since none was sampled."""
    unknown = [float("nan")] * len(tokens)
    rollout = Rollout(request, 0, list(tokens), text, unknown, list(unknown), "given")
    rollout.extras["off_policy"] = [1.0] * len(tokens)
    return rollout


def end_of_answer(round: Round) -> tuple[int, ...]:
    """The token that ends a completion, as seen on a rollout of this round; empty if none was finished."""
    ended = (rollout for group in round.groups for rollout in group.rollouts if rollout.finish == "stop")
    first = next(ended, None)
    return () if first is None else tuple(first.tokens[-1:])


@dataclass(frozen=True)
class Demonstrate(Controller):
    """Adds one reference solution to each group. LUFFY, arXiv:2504.14945; RL-PLUS, arXiv:2508.00222.

    The solution is `problem.data[solution]`; it is scored like the rollouts, which it joins without replacing one,
    and stays only if it is correct. A problem without a solution, or with one that is too long, gets none.
    """

    solution: Annotated[str, Field(description="the column of the data that holds a solution")] = "solution"
    longest: Annotated[int, Field(ge=1, description="most tokens of a solution")] = 8192  # both papers

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data without which it does nothing."""
        return (self.solution,)

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(drop=lambda rollout: rollout.request.tag == TAG and rollout.correct != 1, state=state)
        end, added = end_of_answer(round), []
        for group in round.groups:
            text = str(group.problem.data.get(self.solution) or "")
            tokens = (*round.encoder.answer(text), *end)
            if text and len(tokens) <= self.longest:
                prompt = group.rollouts[0].prompt
                request = round.request(problem=group.problem, prompt=prompt, group=group.number, tag=TAG)
                added.append(given(request, text, tokens))
        return Orders(rollouts=added, state=state)
