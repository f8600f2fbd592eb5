"""The slots of the workbench: one abstract class per kind of piece, one method each."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import workbench.signals  # noqa: F401  importing them enters their axes, which every method is checked with
from workbench.piece import Head, Piece
from workbench.types import (
    Asked,
    Batch,
    Bench,
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
    Speaker,
    State,
)
from workbench.types.memory import Ledger, Stock

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
    """Scores the rollouts of a group: one result each, in order. Each rollout is given to it once.

    One that needs a model is a generator: it yields lists of questions (`types.Read`, `Say`, `Choose`), is sent the
    replies, and returns its scores. The questions of all groups of a round are put together.
    """

    groupwise: ClassVar[bool] = False  # compares the rollouts of a group: given all of them whenever some are new

    @property
    def asks(self) -> frozenset[str]:
        """Members of the cast that it asks: `policy`, `reference`, `start`, or names of the config's `[[cast]]`."""
        return frozenset()

    @abstractmethod
    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> list[Score] | Asked: ...

    def check(self) -> list[str]:
        """Why it cannot score on this machine, with the remedy; a run that would need it does not start."""
        return []

    def refuses(self, problem: Problem) -> str:
        """Why it could score no completion of a problem, as for a reference that does not parse; empty if it can."""
        del problem
        return ""


class Member(Piece, ABC):
    """A model that rewards may ask beside the one that is trained. It is never trained itself."""

    repeatable: ClassVar[bool] = True  # whether it would give the same replies again

    @property
    def identity(self) -> Mapping[str, Any]:
        """What its replies depend on besides the question: those that are kept are found by it."""
        return self.to_dict()

    @property
    def loads(self) -> Mapping[str, Any]:
        """The model that it holds in this process, as fields of `[model]`, for the forecast; empty if none."""
        return {}

    @abstractmethod
    def open(self) -> Speaker:
        """Itself, ready to be asked. What is missing then is the `fault` of every reply."""

    def check(self) -> list[str]:
        """Why it cannot be asked on this machine, with the remedy; a run that would ask it does not start."""
        return []


Counts = tuple[int, int]  # of a problem: correct completions, graded completions


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

    def given(self, problem: Problem) -> Sequence[str] | None:
        """Ready-made completions that are graded in place of the model's, where a reward is examined; None: none."""
        del problem
        return None

    @abstractmethod
    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        """Further measures by name: a number for every problem or family, whose mean is shown with an interval.

        `base`: the same problems as the model before training answered them, where it was evaluated.
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
    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        """A verdict for each group of a round of sampling, in order; all rounds of a step find the same state."""

    def learn(self, state: State, groups: Sequence[Group]) -> State:
        """The state after a step, from all its groups, kept or not."""
        del groups
        return state


@dataclass(frozen=True)
class Ask:
    """How a problem is asked, where that differs from the run's way; the fields are those of `types.Request`.

    Texts become prompts by the run's encoder, `{question}` in them becomes the problem's own text; None: the problem's
    own prompt, and training on the prompt shown.
    """

    prompt: str | None = None
    training_prompt: str | None = None
    max_tokens: int | None = None  # at most the run's
    temperature: float | None = None
    role: str = ""
    tag: str = ""
    train: bool = True
    late: bool = False


@dataclass(frozen=True)
class Pick:
    """A problem and how many rollouts it gets: one of the pool by its number, or one of its own, as from the stock.

    0 rollouts: nothing is sampled, and the controller brings completions that are given.
    """

    number: int = -1
    rollouts: int = 1
    problem: Problem | None = None
    ask: Ask = Ask()


@dataclass(frozen=True)
class Pool:
    """What a sampler chooses from: problems 0 … size - 1 (None: endless), for `count` picks of `rollouts` each.

    `ledger` has every problem's visits, `stock` the problems that pieces made: `Pick(problem=pool.stock[-1])`;
    `problem` gives one of the pool by its number, for a sampler that chooses by what the data say.
    """

    size: int | None
    count: int
    rollouts: int
    step: int
    uniform: Callable[[int], float]  # a number in [0, 1) for every i, keyed by seed and step
    ledger: Ledger = field(default_factory=Ledger)
    stock: Stock = field(default_factory=Stock)
    problem: Callable[[int], Problem] = lambda number: Problem(str(number), "", "")  # the trainer gives the task's
    max_tokens: int = 64  # of a completion, as the run's config has it


@dataclass(frozen=True)
class Survey:
    """So many rollouts of every problem of the pool, or of its first `problems`, before the first step."""

    rollouts: int
    problems: int | None = None


class Sampler(Piece, ABC):
    """Chooses the problems of a step."""

    @property
    def survey(self) -> Survey | None:
        """What it wants to know of the problems before the first step: visits of step 0 in the ledger."""
        return None

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
    total_steps: int = 1
    ledger: Ledger = field(default_factory=Ledger)  # as before this step
    stock: Stock = field(default_factory=Stock)
    rollouts: int = 1  # of a problem, as the run's config has it; a sampler may have asked for others
    max_tokens: int = 64  # of a completion, as the run's config has it
    stop: tuple[int, ...] = ()  # tokens that end a completion, the tokenizer's own first


@dataclass(frozen=True)
class Orders:
    """What a controller wants next. Without requests the step's sampling is over.

    `scores` are parts that come late, of rollouts of any round, by `Rollout.key` and name of the part: they join the
    parts, and the reward is formed again. They come after the drops: a dropped rollout has no scores. `problems` enter
    the run's stock once the step is sampled, as those of a synthesis do.
    """

    requests: Sequence[Request] = ()
    rollouts: Sequence[Rollout] = ()  # ready-made: demonstrations, replayed ones
    drop_groups: frozenset[int] = frozenset()
    drop: Callable[[Rollout], bool] | None = None
    scores: Mapping[tuple[int, int], Mapping[str, Score]] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    state: State = field(default_factory=dict)


class Controller(Piece, ABC):
    """Runs the rounds of a step: asks for more rollouts, adds ready-made ones, drops some."""

    def check(self) -> list[str]:
        """Why it cannot work on this machine, with the remedy; a run that would need it does not start."""
        return []

    def metrics(self, state: State) -> dict[str, float]:
        """Numbers of the last step for its line."""
        del state
        return {}

    def most_rollouts(self, problems: int, rollouts: int) -> int:
        """The most rollouts of a step whose sampler asks for `rollouts` of each of `problems`, for the forecast."""
        return problems * rollouts

    @abstractmethod
    def __call__(self, state: State, round: Round) -> Orders: ...


@dataclass(frozen=True)
class Past:
    """What problems are made of: the groups of the step, every visit so far, and what is in stock already."""

    step: int
    groups: Sequence[Group]
    ledger: Ledger
    stock: Stock
    uniform: Callable[[int], float]  # seeded by run and step


class Synthesis(Piece, ABC):
    """Makes new problems after a step, for the stock, from which samplers pick.

    A problem with the key, prompt and answer of one that is there already adds its data to it, also to one of the task.
    """

    @abstractmethod
    def __call__(self, state: State, past: Past) -> tuple[list[Problem], State]: ...


@dataclass(frozen=True)
class Proposal:
    """What a proposer wrote, read and run: the problem that it poses, or the reason why it poses none.

    `blameless`: no problem, and no fault of the proposer (held out, or lost by the machine); it is left unscored.
    `skeleton`: the program that it wrote, without its constants; empty where it wrote none.
    """

    problem: Problem | None = None
    reason: str = ""
    blameless: bool = False
    skeleton: str = ""


class Environment(Piece, ABC):
    """What self-play plays with: kinds of problems, how each is proposed, and what makes a proposal valid."""

    @property
    @abstractmethod
    def kinds(self) -> tuple[str, ...]:
        """The kinds of problems: the `source` of each that it poses."""

    @abstractmethod
    def references(self, kind: str) -> tuple[tuple[str, ...], int]:
        """What a proposer of this kind is shown: problems of which kinds, and how many."""

    @abstractmethod
    def first(self, kind: str) -> list[Problem]:
        """Problems to show while the stock has none of a kind."""

    @abstractmethod
    def ask(self, kind: str, references: Sequence[Problem], key: str) -> Problem:
        """What the proposer is asked, under this key; without a reference answer."""

    @abstractmethod
    def read(self, proposals: Sequence[tuple[Problem, str]]) -> list[Proposal]:
        """What came of proposals: each what was asked, and the text that was written. All programs are run at once.

        Equal problems have equal keys, whatever their spelling.
        """

    def check(self) -> list[str]:
        """Why it cannot run programs on this machine, with the remedy."""
        return []


Action = Literal["note", "pause", "stop", "fail"]


@dataclass(frozen=True)
class Watched:
    """What an alarm sees of a step: its metrics, and what else happened in it."""

    step: int
    metrics: Mapping[str, float]
    events: Sequence[str] = ()


@dataclass(frozen=True)
class Alert:
    """What an alarm says. note: it is told; pause: the run waits; stop: it ends with this step; fail: with an error."""

    action: Action
    text: str
    alarm: str = ""  # its name; set by the trainer


class Alarm(Piece, ABC):
    """Watches the metrics of every step."""

    before_update: ClassVar[bool] = False  # asked once a step is sampled; its metrics are those of sampling alone

    @abstractmethod
    def __call__(self, state: State, seen: Watched) -> tuple[Alert | None, State]:
        """What it has to say of a step, if anything, and its state after it."""


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
