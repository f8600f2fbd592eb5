"""The vocabulary: problems, requests, rollouts, groups, batches, and the shapes of their tensors.

Log-probabilities are float32 natural logarithms at the sampling temperature, of the untruncated
distribution. A *rollout* is one answer of the model; a *group* is the set of rollouts compared with each
other; a *problem* is what was asked. Tensors are padded on the right; `mask` marks the trained tokens.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, cast, runtime_checkable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

PerToken = Float[Tensor, "rollout token"]
PerRollout = Float[Tensor, " rollout"]
Mask = Bool[Tensor, "rollout token"]
Index = Int[Tensor, " rollout"]
Scalar = Float[Tensor, ""]
Loss = Float[Tensor, "rollout token"] | Float[Tensor, ""]

Finish = Literal["stop", "length", "pruned", "given"]
State = dict[str, Any]  # what a piece remembers: JSON values and tensors, saved with checkpoints
Constants = dict[str, Tensor]  # settled once an update: scalars, or tensors whose first axis is the rollout


@dataclass(frozen=True)
class Problem:
    """What is asked, before any chat template. `key` is unique within its task."""

    key: str
    prompt: str
    answer: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """An order to an engine: `n` rollouts of one problem.

    `prompt` is what the engine conditions on; `training_prompt` what the update conditions on, where it
    differs (hinted rollouts trained on the bare prompt). `prefix` is the part of the answer that is given:
    generated tokens follow it, and it is not trained. `number` is unique within a step and keys the noise.
    """

    problem: Problem
    prompt: tuple[int, ...]
    group: int
    number: int
    n: int = 1
    training_prompt: tuple[int, ...] | None = None
    prefix: tuple[int, ...] = ()
    max_tokens: int | None = None  # None: the run's own limit; counts the prefix
    tag: str = ""
    train: bool = True
    pick: int = -1  # the problem's number in the pool, where a sampler picked it


@dataclass(frozen=True)
class Row:
    """One answer after one prompt, as token ids."""

    prompt: Sequence[int]
    answer: Sequence[int]

    @property
    def length(self) -> int:
        """Tokens in all."""
        return len(self.prompt) + len(self.answer)


@dataclass(frozen=True)
class Judgement:
    """One reward part of one rollout.

    `value` nan: it could not be judged; `correct` None: this reward gives no verdict.
    """

    value: float
    reason: str = ""
    correct: bool | None = None
    extracted: str = ""
    per_token: tuple[float, ...] | None = None


@dataclass
class Rollout:
    """One answer and all that was found out about it.

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
    parts: dict[str, Judgement] = field(default_factory=dict)
    reward: float = float("nan")
    correct: float = float("nan")
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def could_be_judged(self) -> bool:
        """Whether every reward part has a value; a shaping may still leave the rollout out."""
        return bool(self.parts) and not any(part.value != part.value for part in self.parts.values())

    @property
    def prompt(self) -> tuple[int, ...]:
        """The prompt the update conditions on."""
        given = self.request.training_prompt
        return self.request.prompt if given is None else given

    @property
    def trained(self) -> list[bool]:
        """Per token: does the update learn from it? A given prefix is not learnt from."""
        given = len(self.request.prefix)
        return [self.request.train and position >= given for position in range(len(self.tokens))]


@dataclass
class Group:
    """Rollouts that are compared with each other."""

    number: int
    problem: Problem
    rollouts: list[Rollout]

    @property
    def accuracy(self) -> float:
        """Share of right ones among the rollouts with a verdict; nan if none has one."""
        verdicts = [rollout.correct for rollout in self.rollouts if rollout.correct == rollout.correct]
        return sum(verdicts) / len(verdicts) if verdicts else float("nan")


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn. Log-probs are taken at `temperature`; 0 means the likeliest token."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0  # 0: off
    max_tokens: int = 64
    stop: tuple[int, ...] = ()
    seed: int = 0
    step: int = 0


ROLLOUT, TOKEN, TOP = "rollout", "token", "k"
#: Every extra a batch may carry, with its axes; a prefix (old_, ref_, engine_) or @context changes none.
AXES: dict[str, tuple[str, ...]] = {
    "logprob": (ROLLOUT, TOKEN),
    "entropy": (ROLLOUT, TOKEN),
    "max_prob": (ROLLOUT, TOKEN),
    "rank": (ROLLOUT, TOKEN),
    "chosen_logit": (ROLLOUT, TOKEN),
    "logsumexp": (ROLLOUT, TOKEN),
    "mean_logit": (ROLLOUT, TOKEN),
    "nucleus_entropy": (ROLLOUT, TOKEN),
    "core_entropy": (ROLLOUT, TOKEN),
    "self_confidence": (ROLLOUT, TOKEN),
    "entropy_change": (ROLLOUT, TOKEN),
    "collision": (ROLLOUT, TOKEN),  # Σp²
    "kl": (ROLLOUT, TOKEN),  # exact, to the reference
    "mean_log_ratio": (ROLLOUT, TOKEN),  # vocabulary mean of log π/π_ref
    "value": (ROLLOUT, TOKEN),  # of a head
    "quality": (ROLLOUT, TOKEN),  # of a head
    "top_ids": (ROLLOUT, TOKEN, TOP),
    "top_probs": (ROLLOUT, TOKEN, TOP),
    "token_reward": (ROLLOUT, TOKEN),  # rewards given to single tokens
    "stored_advantage": (ROLLOUT, TOKEN),  # nan where none; a replayed rollout keeps the one it had
    "off_policy": (ROLLOUT, TOKEN),  # 1 where another policy (or another prompt) wrote the token
    "span": (ROLLOUT, TOKEN),  # number of the part a token belongs to, -1 for none
    "behaviour_logprob": (ROLLOUT, TOKEN),  # of the policy and prompt that wrote the token
    "length": (ROLLOUT,),  # tokens written, where it differs from the trained ones
    "truncated": (ROLLOUT,),  # 1 where the budget ended the rollout
    "survival": (ROLLOUT,),  # probability with which a pruner kept the rollout
    "tag": (ROLLOUT,),  # a controller's mark, as a number
}


def axes(name: str) -> tuple[str, ...]:
    """The axes of an extra, whatever policy or context it was read from, with whatever argument.

    >>> axes("ref_logprob@hint"), axes("nucleus_entropy:0.8"), axes("truncated")
    (('rollout', 'token'), ('rollout', 'token'), ('rollout',))
    """
    bare = name.split("@")[0].split(":")[0]
    if bare in AXES:
        return AXES[bare]
    for prefix in ("old_", "ref_", "engine_"):
        if bare.startswith(prefix) and bare.removeprefix(prefix) in AXES:
            return AXES[bare.removeprefix(prefix)]
    raise ValueError(f"extra {name!r} has no axes: add it to workbench.types.AXES (known: {', '.join(AXES)})")


@dataclass(frozen=True)
class Batch:
    """The rollouts of an update as tensors; all that a method reads.

    `logprob` is the current policy's and may carry gradient; `old_logprob` the policy's that sampled.
    A reward of nan means that the rollout could not be judged: it is left out of its group's statistics and
    weighs nothing. `extras` are further tensors, named and shaped by `AXES`.
    """

    logprob: PerToken
    old_logprob: PerToken
    mask: Mask
    reward: PerRollout
    group: Index
    problem: Index = cast(Any, None)  # None: one problem a group
    correct: PerRollout = cast(Any, None)  # 1, 0 or nan; None: whether the reward is above 0
    tokens: Int[Tensor, "rollout token"] | None = None
    step: int = 0
    total_steps: int = 1
    budget: int = 0  # most tokens a rollout may have; 0: the width of the batch
    temperature: float = 1.0
    extras: Mapping[str, Tensor] = field(default_factory=dict)
    state: Mapping[str, State] = field(default_factory=dict)  # what the pieces remember, by slot

    def __post_init__(self) -> None:
        if self.problem is None:
            object.__setattr__(self, "problem", self.group)
        if self.correct is None:
            verdict = (self.reward > 0).to(self.reward.dtype)
            object.__setattr__(self, "correct", torch.where(self.reward.isnan(), self.reward, verdict))
        if self.budget == 0:
            object.__setattr__(self, "budget", self.mask.shape[1])

    def __getitem__(self, name: str) -> Tensor:
        """A signal or extra by name; the error says how to get a missing one."""
        if name in ("logprob", "old_logprob"):
            return cast(Tensor, getattr(self, name))
        if name not in self.extras:
            raise ValueError(f"signal {name} was not recorded: workbench signals RUN --add {name}")
        return self.extras[name]

    def __contains__(self, name: str) -> bool:
        return name in ("logprob", "old_logprob") or name in self.extras

    @property
    def memory(self) -> State:
        """What the piece that is shown this batch remembers: `state` holds its slot alone."""
        return next(iter(self.state.values()), {})

    @property
    def judged(self) -> Bool[Tensor, " rollout"]:
        """Which rollouts have a reward."""
        return ~self.reward.isnan()

    @property
    def lengths(self) -> PerRollout:
        """Trained tokens of each rollout."""
        return self.mask.sum(1).to(self.logprob.dtype)

    def replace(self, **changes: Any) -> "Batch":
        """A copy with other fields."""
        return dataclasses.replace(self, **changes)

    def extend(self, **extras: Tensor) -> "Batch":
        """A copy with further extras."""
        return self.replace(extras={**self.extras, **extras})

    def rows(self, index: Tensor | slice) -> "Batch":
        """The rollouts at `index`."""
        chosen: dict[str, Any] = {
            name: getattr(self, name)[index]
            for name in ("logprob", "old_logprob", "mask", "reward", "group", "problem", "correct")
        }
        chosen["tokens"] = None if self.tokens is None else self.tokens[index]
        return self.replace(**chosen, extras=rows_of(self.extras, index))


def rows_of(tensors: Mapping[str, Tensor], index: Tensor | slice) -> dict[str, Tensor]:
    """Slices what has a rollout axis, which is the first; scalars stay."""
    return {name: value if value.dim() == 0 else value[index] for name, value in tensors.items()}


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into the tokens a model reads."""

    def prompt(self, text: str) -> tuple[int, ...]:
        """A question as the model sees it: template and special tokens included."""

    def answer(self, text: str) -> tuple[int, ...]:
        """The tokens of an answer's text, without any special token."""

    def text(self, tokens: Sequence[int]) -> str:
        """The text of an answer's tokens, special tokens left out."""

    def shown(self, tokens: Sequence[int]) -> str:
        """The text with special tokens visible, as the model saw it."""


@runtime_checkable
class Scorer(Protocol):
    """Reads signals of given tokens after given prompts; rewards and controllers may ask it."""

    def score(
        self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], signals: Sequence[str]
    ) -> list[dict[str, list[float]]]:
        """For every pair, each signal as a list over the answer's tokens."""


@runtime_checkable
class Policy(Protocol):
    """A causal language model that is trained, with its tokenizer. `workbench.models` makes them."""

    @property
    def encoder(self) -> Encoder:
        """Its tokenizer."""

    @property
    def device(self) -> torch.device:
        """Where its weights are."""

    def hidden(
        self, tokens: Int[Tensor, "row token"], positions: Int[Tensor, "row token"] | None = None
    ) -> Float[Tensor, "row token width"]:
        """Last hidden state after the final norm, of right-padded rows (causal: padding changes no earlier token)."""

    def before(self, rows: Sequence["Row"]) -> Float[Tensor, "n width"]:
        """The last hidden state before each token of each answer, row by row: what the head predicts it from."""

    def logits(self, hidden: Float[Tensor, "n width"]) -> Float[Tensor, "n vocabulary"]:
        """The output head, in float32."""

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """Parameters under training, by name: all of them, or an adapter's."""


@dataclass(frozen=True)
class Capabilities:
    """What an engine can give; what a config asks beyond it is refused before the run starts."""

    pruning: bool = False
    prefix: bool = True  # rollouts that continue given tokens
    log_probs: bool = True  # of the untruncated distribution at the sampling temperature
    deterministic: bool = False  # the same rollout whatever else is in the batch
    full_weights: bool = True  # can follow an update of all weights
    dora: bool = True  # can follow an adapter that learns lengths apart
    truncated_log_probs: bool = True  # of the untruncated distribution where top-p or top-k cut it
    same_weights: bool = True  # writes with the trainer's own weights, quantised as they are


@runtime_checkable
class Engine(Protocol):
    """Who writes rollouts."""

    capabilities: Capabilities

    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests."""

    def sync(self, policy: Policy) -> None:
        """Takes over the policy's present weights."""

    def close(self) -> None:
        """Frees what it holds."""
