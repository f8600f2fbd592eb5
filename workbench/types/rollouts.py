"""Problems, requests, rollouts and groups, as Python objects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Finish = Literal["stop", "length", "pruned", "given"]
State = dict[str, Any]  # the state of a piece: JSON values and tensors, saved with checkpoints


@dataclass(frozen=True)
class Problem:
    """A problem of a task, before any chat template. `key` is unique within its task; `answer` is the reference.

    `source` tells problems of a mixture apart, or the kinds of question that a piece makes: metrics of its own.
    """

    key: str
    prompt: str
    answer: str
    data: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Request:
    """A request to an engine: `n` rollouts of one problem.

    `prompt` is what the engine conditions on; `training_prompt` what the update conditions on, where it
    differs (hinted rollouts trained on the bare prompt). `prefix` is the given part of the completion:
    generated tokens follow it, and it is not trained on. `number` is unique within a step and keys the random numbers.

    `role` is what the rollouts do: "" solves the problem, any other word (check, rewrite, propose) is the piece's own,
    and their metrics stand apart as `correct.check`. `tag` is a label of how a rollout came about (branch, hinted).
    With `late` no reward scores them: the controller does, in a later round (`Orders.scores`).
    """

    problem: Problem
    prompt: tuple[int, ...]
    group: int
    number: int
    n: int = 1
    training_prompt: tuple[int, ...] | None = None
    prefix: tuple[int, ...] = ()
    max_tokens: int | None = None  # None: the run's limit; counts the prefix
    tag: str = ""
    train: bool = True
    pick: int = -1  # the problem's number in the pool, where a sampler picked it
    role: str = ""
    late: bool = False
    temperature: float | None = None  # None: the run's; log-probs are of the run's temperature in any case
    parent: tuple[int, int] | None = None  # `Rollout.key` of the rollout of this step that it was made from


@dataclass(frozen=True)
class Row:
    """One completion after one prompt, as token ids."""

    prompt: Sequence[int]
    answer: Sequence[int]

    @property
    def length(self) -> int:
        """The number of tokens, prompt included."""
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True)
class Score:
    """One reward part of one rollout.

    `value` nan: unscored; `correct` None: this reward does not grade the answer.
    """

    value: float
    reason: str = ""
    correct: bool | None = None
    extracted: str = ""
    per_token: tuple[float, ...] | None = None


Judgement = Score  # its former name, in the sources of rewards that older runs recorded


@dataclass
class Rollout:
    """One completion with its log-probs, its scores and further columns.

    Lists run over `tokens`, which include the given prefix and the stop token.
    """

    request: Request
    index: int  # among the rollouts of its request
    tokens: list[int]
    text: str
    engine_logprob: list[float]  # of the untruncated distribution
    sampled_logprob: list[float]  # of the distribution actually sampled from (after top-p, top-k)
    finish: Finish
    round: int = 0
    pruned_at: int | None = None
    parts: dict[str, Score] = field(default_factory=dict)
    reward: float = float("nan")
    correct: float = float("nan")
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[int, int]:
        """Unique within a step: the number of its request, and its place among the rollouts of it."""
        return self.request.number, self.index

    @property
    def scored(self) -> bool:
        """Whether every reward part has a value; a shaping may still leave the rollout out."""
        return bool(self.parts) and not any(part.value != part.value for part in self.parts.values())

    @property
    def outcome(self) -> float:
        """As accuracies count it: 1 correct, 0 incorrect or unscored, nan where no reward grades the answer."""
        asked = bool(self.parts) and not self.request.late
        unscored = self.correct != self.correct and asked and not self.scored
        return 0.0 if unscored else self.correct

    @property
    def prompt(self) -> tuple[int, ...]:
        """The prompt the update conditions on."""
        given = self.request.training_prompt
        return self.request.prompt if given is None else given

    @property
    def trained(self) -> list[bool]:
        """Per token whether the update trains on it; not on a given prefix."""
        given = len(self.request.prefix)
        return [self.request.train and position >= given for position in range(len(self.tokens))]


def score_fault(score: Any, rollout: Rollout) -> str:
    """Why something is no score of a rollout; empty where it is one."""
    if not isinstance(score, Score):
        return f"{score!r} is no Score: return Score(value)"
    if math.isinf(score.value):
        return f"value {score.value}: a reward is finite, or nan where it is unscored"
    if score.per_token is not None and len(score.per_token) != len(rollout.tokens):
        return f"{len(score.per_token)} values per token for {len(rollout.tokens)} tokens"
    return ""


@dataclass
class Group:
    """Rollouts that are compared with each other."""

    number: int
    problem: Problem
    rollouts: list[Rollout]

    @property
    def alive(self) -> "Group":
        """The group without the rollouts that were pruned."""
        return Group(self.number, self.problem, [each for each in self.rollouts if each.finish != "pruned"])

    @property
    def accuracy(self) -> float:
        """Share of correct rollouts, unscored ones counted as incorrect; nan where no reward grades answers."""
        outcomes = [rollout.outcome for rollout in self.rollouts if rollout.outcome == rollout.outcome]
        return sum(outcomes) / len(outcomes) if outcomes else float("nan")


@dataclass(frozen=True)
class Sampling:
    """How tokens are sampled. Log-probs are taken at `temperature`; 0: always the most likely token."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0  # 0: off
    max_tokens: int = 64
    stop: tuple[int, ...] = ()
    seed: int = 0
    step: int = 0
