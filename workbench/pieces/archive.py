"""Correct completions that a run keeps: in the data of their problems, by way of the stock."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Past, Synthesis
from workbench.types import Group, Problem, Request, Rollout, State
from workbench.types.memory import LONGEST

SOLVED = "solved"  # the column: a list of {"step": …, "tokens": […], "text": …, "logprob": sum over the tokens}


@dataclass(frozen=True)
class KeepCorrect(Synthesis):
    """Keeps correct completions of problems that are seldom solved, in `problem.data["solved"]`, the newest last.

    DeepSearch, arXiv:2509.25454; NPO, arXiv:2604.20733. Of a step the shortest `each`; in all at most `most`, and no
    more than the stock takes as data.
    """

    rate: Annotated[float, Field(gt=0, le=1, description="accuracy up to which a problem's are kept")] = 0.25
    each: Annotated[int, Field(ge=1, description="completions kept of a group")] = 2
    most: Annotated[int, Field(ge=1, description="completions kept of a problem")] = 8

    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]:
        wanted = [group for group in past.groups if 0 < group.accuracy <= self.rate]
        return [self.enriched(group, past.step) for group in wanted], state

    def enriched(self, group: Group, step: int) -> Problem:
        """The problem with what its group adds."""
        own = [each for each in group.rollouts if each.correct == 1 and not each.request.role]
        own = [each for each in own if each.finish not in ("given", "pruned")]
        own.sort(key=lambda rollout: len(rollout.tokens))
        kept = [*solved(group.problem), *(entry(each, step) for each in own[: self.each])][-self.most :]
        data = {**group.problem.data, SOLVED: kept}
        while len(kept) > 1 and len(json.dumps(data, ensure_ascii=False)) > LONGEST:
            kept = data[SOLVED] = kept[1:]
        return replace(group.problem, data=data)


def entry(rollout: Rollout, step: int) -> dict[str, Any]:
    """A completion as the column holds it."""
    logprob = round(sum(value for value in rollout.engine_logprob if value == value), 6)
    return {"step": step, "tokens": list(rollout.tokens), "text": rollout.text, "logprob": logprob}


def solved(problem: Problem) -> Sequence[dict[str, Any]]:
    """The kept completions of a problem, the oldest first; also of a line of a run's `problems.jsonl`."""
    inner = problem.data.get("data")
    lines = problem.data.get(SOLVED) or (inner.get(SOLVED) if isinstance(inner, Mapping) else None)
    return list(lines or ())


def again(request: Request, kept: dict[str, Any]) -> Rollout:
    """A kept completion as a rollout. It counts as the policy's own: its old log-probs are read before the update."""
    tokens = [int(token) for token in kept["tokens"]]
    unknown = [float("nan")] * len(tokens)
    return Rollout(request, 0, tokens, str(kept["text"]), unknown, list(unknown), "given")
