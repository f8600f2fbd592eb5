"""Self-play without weights: an engine that says what a function of the request says, and small trainers for it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.kinds import Reward
from workbench.method import Method
from workbench.methods.azr import PROPOSE, SEED, SelfPlay
from workbench.registry import find_method
from workbench.rewards.by_running import ByRunning
from workbench.rewards.scoring import score_groups
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Group, Request, Rollout

Say = Callable[[Request], Sequence[str]]


class Player(ScriptedEngine):
    """Says what a function of the request returns, one text for each rollout in turn."""

    def __init__(self, encoder: Any, say: Say) -> None:
        super().__init__(encoder, {})
        self.say = say

    def generate(self, requests: Sequence[Request], sampling: Any, pruner: Any = None) -> list[Rollout]:
        self.answers = {request.problem.key: list(self.say(request)) for request in requests}
        return super().generate(requests, sampling, pruner)


def fluent(request: Request) -> list[str]:
    """A player that proposes another program every time, and solves every second time."""
    problem, kind = request.problem, request.problem.source
    if request.role not in (PROPOSE, SEED):
        return [f"answer: {problem.answer}", "answer: def f(x): return 0" if kind == "write" else "answer: 99"]
    number = 31 * request.number + 1_000 * (request.role == SEED)
    if kind == "write":
        return ["; ".join(f"[{number % 97}, {place}]" for place in range(6))]
    first, second = number % 89 + 1, number % 7 + 1
    return [f"def f(x): x = [v + {first} for v in x]; x = x[::-1]; return x\nx = [{second}, {number % 10}]"]


def player(say: Say, method: Method, reward: Reward | None = None, steps: int = 1, **tables: Any) -> Trainer:
    """A trainer of six solver problems a step, whose engine says what a function of the request returns."""
    policy = tiny_policy(max_position_embeddings=tables.pop("positions", 2048))

    def score(groups: Sequence[Group]) -> list[str]:
        return score_groups([("by_running", reward or ByRunning(), 1.0)], method.shaping, groups, None, 200)

    tables["training"] = {"steps": steps, "mismatch_limit": 0.0, "unscored": 1.0, **tables.get("training", {})}
    tables["rollouts"] = {"problems": 6, "rollouts": 1, "max_tokens": 200, **tables.get("rollouts", {})}
    return make_trainer(method, make_settings(**tables), policy, engine=Player(policy.encoder, say), score=score)


def small(key: str = "azr", **fields: Any) -> Method:
    """A method with few proposals."""
    method = find_method(key)
    assert isinstance(method.controller, SelfPlay)
    return replace(method, controller=replace(method.controller, **{"proposals": 2, "tries": 2, "seeds": 3, **fields}))


def rows(step: Step, *names: str) -> list[tuple[Any, ...]]:
    """Columns of a step's rollouts, row by row."""
    assert step.columns is not None
    return list(zip(*(step.columns[name] for name in names), strict=True))
