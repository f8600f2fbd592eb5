"""The slots of the workbench: one abstract class per kind of piece, one method each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import workbench.signals  # noqa: F401  importing them enters their axes, which every method is checked with
from workbench.piece import Head, Piece
from workbench.types import (
    Batch,
    Constants,
    Encoder,
    Group,
    Loss,
    PerToken,
    Policy,
    Problem,
    Request,
    Rollout,
    Sampling,
    Score,
    Scorer,
    State,
)

__all__ = ["Head", "Piece"]

# ------------------------------------------------------------------------------------------ the loss


class LossPiece(ABC):  # noqa: B024
    """What the pieces of the loss have in common."""

    @property
    def over_batch(self) -> bool:
        """Whether other groups' rewards change what it returns."""
        return False

    def settle(self, batch: Batch, advantage: PerToken) -> Constants:
        """Returns what is computed once over all rows of an update, without gradient; read back as `batch[name]`.

        Scalars stay as they are; tensors, whose first axis must be the rollout, are sliced with the micro-batch.
        """
        del batch, advantage
        return {}

    def learn(self, state: State, batch: Batch) -> State:
        """The state after a step, from all its rollouts; read back as `batch.state[SLOT]`."""
        del batch
        return state

    def contexts(
        self, problem: Problem, rollouts: Sequence[Rollout], encoder: Encoder
    ) -> dict[str, list[tuple[int, ...]]]:
        """Further prompts after which the same completions are read: signal `logprob@NAME`, one prompt a rollout."""
        del problem, rollouts, encoder
        return {}


class Advantage(Piece, LossPiece):
    """How much better a token was than expected; [rollout, token], without gradient."""

    @abstractmethod
    def __call__(self, batch: Batch) -> PerToken: ...


class Ratio(Piece, LossPiece):
    """Current over sampling policy, [rollout, token], with gradient."""

    @abstractmethod
    def __call__(self, batch: Batch) -> PerToken: ...


class Surrogate(Piece, LossPiece):
    """The policy's loss, per token, or one number for the whole update (`setwise`)."""

    @abstractmethod
    def __call__(self, batch: Batch, ratio: PerToken, advantage: PerToken) -> Loss: ...


class Regulariser(Piece, LossPiece):
    """A further loss, per token (weighed by its own `reduction` or the method's), or one number (`setwise`)."""

    reduction: "Reduction | None" = None

    @abstractmethod
    def __call__(self, batch: Batch) -> Loss: ...


class Reduction(Piece, LossPiece):
    """Weights of the tokens over the whole update, [rollout, token]; the loss is their weighted sum."""

    @abstractmethod
    def __call__(self, batch: Batch, advantage: PerToken) -> PerToken: ...


class Correction(Piece, LossPiece):
    """Further weights of the surrogate's tokens, [rollout, token], for what the engine drew unlike the trainer."""

    @abstractmethod
    def __call__(self, batch: Batch) -> PerToken: ...


class Schedule(Piece, ABC):
    """A hyper-parameter as a function of the step; stands in a field of another piece."""

    @abstractmethod
    def __call__(self, step: int, total_steps: int) -> float: ...


# ------------------------------------------------------------------------------- rewards and rollouts


class Task(Piece, ABC):
    """Where problems come from. Problem `i` of a split is the same in every process."""

    @abstractmethod
    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        """The problem with this number; numbers run from 0, without end where `size` says None."""

    def size(self, split: Literal["train", "test"]) -> int | None:
        """How many problems the split has; None: as many as asked for."""
        del split
        return None

    def check(self) -> list[str]:
        """Errors beyond single fields: a missing file, a missing column."""
        return []

    def place(self, number: int, split: Literal["train", "test"]) -> str:
        """Where a problem comes from, for messages: a file and its line, where there is one."""
        return f"{self.name}, {split} problem {number}"

    def system(self, number: int, split: Literal["train", "test"]) -> str | None:
        """The system prompt that the data ask for; a run refuses one that is not its `model.system`."""
        del number, split
        return None

    def version(self) -> str:
        """Changes when the data that it reads do."""
        return ""


class Reward(Piece, ABC):
    """Scores the rollouts of a group: one result each, in order."""

    needs_scorer = False

    @abstractmethod
    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]: ...


class Exam(Piece, ABC):
    """A test of a model on problems of its own: which task, which reward, and what is computed beside pass@k."""

    @property
    @abstractmethod
    def task(self) -> Task:
        """Whose test split is asked."""

    @property
    @abstractmethod
    def reward(self) -> Reward:
        """What grades the completions."""

    @abstractmethod
    def measures(self, groups: Sequence[Group], base: Sequence[Group] | None) -> Mapping[str, Sequence[float]]:
        """Further measures by name: a number for every problem or family, whose mean is shown with an interval.

        `base`: the same problems, answered by the model before training, where it was evaluated.
        """


class Shaping(Piece, ABC):
    """Makes the final reward from the weighted sum of the parts, for the rollouts of one group."""

    @abstractmethod
    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]: ...


Verdict = Literal["keep", "drop", "resample"]


class Filter(Piece, ABC):
    """Decides for every scored group whether it is trained on; `resample` asks for another problem instead."""

    rounds: int = 0  # most further rounds of sampling a step may take for its sake

    @abstractmethod
    def __call__(self, groups: Sequence[Group]) -> list[Verdict]: ...


@dataclass(frozen=True)
class Pick:
    """A problem of the pool and how many rollouts it gets."""

    number: int
    rollouts: int


@dataclass(frozen=True)
class Pool:
    """What a sampler chooses from: problems 0 … size - 1 (None: endless), for `count` picks of `rollouts` each."""

    size: int | None
    count: int
    rollouts: int
    step: int
    uniform: Callable[[int], float]  # a number in [0, 1) for every i, keyed by seed and step


class Sampler(Piece, ABC):
    """Chooses the problems of a step."""

    @abstractmethod
    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        """The picks, and the state after them."""

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        """The state after the groups were scored."""
        del groups
        return state


@dataclass(frozen=True)
class Round:
    """What a controller sees after a round: every group so far, scored, and the means to ask for more."""

    number: int
    step: int
    groups: Sequence[Group]
    encoder: Encoder
    request: Callable[..., Request]  # Request's fields; numbers itself
    new_group: Callable[[], int]
    uniform: Callable[[int], float]  # seeded by run, step and round
    scorer: Scorer | None = None


@dataclass(frozen=True)
class Orders:
    """What a controller wants next. Without requests the step's sampling is over."""

    requests: Sequence[Request] = ()
    rollouts: Sequence[Rollout] = ()  # ready-made: demonstrations, replayed ones
    drop_groups: frozenset[int] = frozenset()
    drop: Callable[[Rollout], bool] | None = None
    state: State = field(default_factory=dict)


class Controller(Piece, ABC):
    """Runs the rounds of a step: asks for more rollouts, adds ready-made ones, drops some."""

    @abstractmethod
    def __call__(self, state: State, round: Round) -> Orders: ...


class Synthesis(Piece, ABC):
    """Makes new problems out of scored groups."""

    @abstractmethod
    def __call__(self, state: State, groups: Sequence[Group]) -> tuple[list[Problem], State]: ...


class WeightEdit(Piece, ABC):
    """Changes the trained weights after a step, from snapshots it keeps in its state."""

    @abstractmethod
    def __call__(self, state: State, weights: Mapping[str, Any], step: int) -> tuple[Mapping[str, Any], State]: ...


@dataclass(frozen=True)
class Partial:
    """The unfinished rollouts of a group when they reach a detection length."""

    group: int
    requests: Sequence[Request]
    index: Sequence[int]  # of each rollout within its request
    tokens: Sequence[Sequence[int]]
    logprobs: Sequence[Sequence[float]]
    hidden: Any  # [rollout, width]: last hidden state after the final norm, at the newest token


class Pruner(Piece, ABC):
    """Stops unfinished rollouts. An engine calls it with each group that reached a detection length."""

    @property
    @abstractmethod
    def detection_lengths(self) -> tuple[int, ...]:
        """Detection lengths: completion lengths, in tokens, at which it is called."""

    @abstractmethod
    def __call__(self, state: State, partial: Partial, sampling: Sampling) -> tuple[list[bool], list[dict[str, float]]]:
        """For every rollout whether it is continued, and what to record of the decision."""

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        """The state after the groups were scored."""
        del groups
        return state

    def errors(self, max_tokens: int, rollouts: int) -> list[str]:
        """What does not fit a run of such completions and groups: each names field, value and remedy."""
        del max_tokens, rollouts
        return []

    def fitted(self, max_tokens: int) -> "Pruner":
        """Itself for completions of at most so many tokens, what was left open filled in."""
        del max_tokens
        return self

    def appraise(self, state: State, policy: Policy, rollouts: Sequence[Rollout]) -> list[float]:
        """The estimated quality of finished rollouts in [0, 1], to weigh their votes; ValueError if there is none."""
        del state, policy, rollouts
        raise ValueError(f"{self.name} does not say how good a rollout looks: take the majority")

    def reduction(self, inner: Reduction) -> Reduction:
        """The reduction of a run with this pruner: the method's own, or one that undoes the choice of survivors."""
        return inner

    def metrics(self, state: State) -> dict[str, float]:
        """Numbers of the last step for its line."""
        del state
        return {}

    def events(self, state: State) -> list[str]:
        """What changed in the last step, for the events."""
        del state
        return []


@dataclass(frozen=True)
class BoundPruner:
    """A pruner with what it remembers: what `Engine.generate` is given."""

    pruner: Pruner
    state: State = field(default_factory=dict)

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        """Detection lengths: completion lengths, in tokens, at which it is called."""
        return self.pruner.detection_lengths

    def __call__(self, partial: Partial, sampling: Sampling) -> tuple[list[bool], list[dict[str, float]]]:
        """For every rollout whether it is continued, and what to record of the decision."""
        return self.pruner(self.state, partial, sampling)
