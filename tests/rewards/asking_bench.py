"""A bench for tests of rewards that ask: tokens are characters, and replies come from a function or a real model."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from workbench.kinds import Reward
from workbench.rewards.asking import Memo, run
from workbench.types import Problem, Question, Reply, Request, Rollout, Score


class Characters:
    """An encoder whose tokens are characters."""

    def prompt(self, text: str) -> tuple[int, ...]:
        return self.answer(text)

    def answer(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    def text(self, tokens: Sequence[int]) -> str:
        return "".join(chr(token) for token in tokens if token > 2)

    def shown(self, tokens: Sequence[int]) -> str:
        return self.text(tokens)


class Table:
    """Satisfies `types.Bench`; keeps what was asked."""

    step = 3

    def __init__(self, answer: Callable[[Any], Reply]) -> None:
        self.answer, self.encoder, self.asked = answer, Characters(), list[Any]()

    def score(self, prompts: Any, answers: Any, signals: Any) -> list[dict[str, list[float]]]:
        raise NotImplementedError

    def uniform(self, key: str) -> float:
        return (sum(map(ord, key)) % 97) / 97

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        self.asked += questions
        return [self.answer(question) for question in questions]


def rollouts_of(problem: Problem, *texts: str) -> list[Rollout]:
    """A rollout for every text, which ends with the token 2."""
    request = Request(problem, tuple(map(ord, problem.prompt)), group=0, number=0)
    return [
        Rollout(request, place, [*map(ord, text), 2], text, [-1.0] * (len(text) + 1), [-1.0] * (len(text) + 1), "stop")
        for place, text in enumerate(texts)
    ]


def scores(reward: Reward, problem: Problem, rollouts: Sequence[Rollout], bench: Any) -> list[Score]:
    """The scores of a reward; what it raises is raised."""
    (found,) = run([lambda: reward(problem, rollouts, bench)], Memo(bench))
    if isinstance(found, Exception):
        raise found
    return found


def logs(*probabilities: float) -> Reply:
    """A reply with the logarithms of probabilities."""
    return Reply(signals={"logprob": tuple(map(math.log, probabilities))})
