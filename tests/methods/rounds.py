"""Rounds for tests of controllers: an encoder, groups with verdicts, and a round that numbers its requests."""

import itertools
from collections.abc import Sequence

from workbench.kinds import Round
from workbench.types import Group, Problem, Request, Rollout, Score


class Echo:
    """An encoder for tests: one token a character."""

    def prompt(self, text):
        return tuple(ord(letter) for letter in text)

    def text(self, tokens):
        return "".join(chr(token) for token in tokens)

    answer = prompt
    shown = text


def scored(number: int, verdicts: Sequence[float], texts: Sequence[str] = (), tag: str = "", **data: object) -> Group:
    """A group of finished rollouts; each text ends with a full stop, and is what was extracted, too."""
    problem = Problem(f"p{number}", f"question {number}", "4", data)
    request = Request(
        problem, Echo().prompt(problem.prompt), group=number, number=number, n=len(verdicts), tag=tag, pick=number
    )
    group = Group(number, problem, [])
    for index, verdict in enumerate(verdicts):
        text = texts[index] if texts else f"answer {index}."
        numbers = [-0.5] * len(text)
        rollout = Rollout(request, index, list(Echo().prompt(text)), text, numbers, list(numbers), "stop")
        rollout.parts["exact"] = Score(verdict, extracted=text)
        rollout.reward = rollout.correct = verdict
        group.rollouts.append(rollout)
    return group


def make_round(number: int, groups: Sequence[Group], step: int = 1) -> Round:
    """A round after these groups."""
    numbers, fresh = itertools.count(100), itertools.count(50)
    return Round(
        number,
        step=step,
        groups=groups,
        encoder=Echo(),
        request=lambda **fields: Request(**{"number": next(numbers), **fields}),
        new_group=lambda: next(fresh),
        uniform=lambda index: index / 10,
    )
