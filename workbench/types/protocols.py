"""The protocols of a tokenizer, a scorer, a policy and an engine, as the trainer uses them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.types.asking import Question, Reply
from workbench.types.rollouts import Request, Rollout, Row, Sampling


@runtime_checkable
class Encoder(Protocol):
    """Turns texts into the tokens a model reads."""

    def prompt(self, text: str) -> tuple[int, ...]:
        """A problem's text as prompt tokens: template and special tokens included."""

    def answer(self, text: str) -> tuple[int, ...]:
        """The tokens of a completion's text, without special tokens."""

    def text(self, tokens: Sequence[int]) -> str:
        """The text of a completion's tokens, without special tokens."""

    def shown(self, tokens: Sequence[int]) -> str:
        """The text of tokens with special tokens visible, as the model sees it."""


@runtime_checkable
class Scorer(Protocol):
    """Computes signals of given tokens after given prompts; rewards and controllers may use it."""

    def score(
        self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], signals: Sequence[str]
    ) -> list[dict[str, list[float]]]:
        """For every pair, each signal as a list over the completion's tokens."""


@runtime_checkable
class Bench(Scorer, Protocol):
    """What a reward works with: a scorer, the tokenizer, the cast, and random numbers."""

    @property
    def encoder(self) -> Encoder:
        """The run's tokenizer."""

    @property
    def step(self) -> int:
        """The step that is sampled; below 0 in an evaluation."""

    def uniform(self, key: str) -> float:
        """A number in [0, 1) for every text, keyed by seed and step."""

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order; rewards yield theirs, and what runs them asks."""


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
        """The last hidden state before each token of each completion, row by row: the input of the output head."""

    def logits(self, hidden: Float[Tensor, "n width"]) -> Float[Tensor, "n vocabulary"]:
        """The logits of hidden states, in float32."""

    def trainable(self) -> dict[str, torch.nn.Parameter]:
        """Parameters under training, by name: all of them, or an adapter's."""


@dataclass(frozen=True)
class Capabilities:
    """What an engine supports; a config that needs more is refused before the run starts."""

    pruning: bool = False
    prefix: bool = True  # rollouts that continue given tokens
    log_probs: bool = True  # of the untruncated distribution at the sampling temperature
    deterministic: bool = False  # the same rollout whatever else is in the batch
    full_weights: bool = True  # can follow an update of all weights
    dora: bool = True  # can follow a DoRA adapter
    embeddings: bool = True  # can follow an adapter on the embeddings or the output head
    truncated_log_probs: bool = True  # of the untruncated distribution where top-p or top-k cut it
    same_weights: bool = True  # generates with the trainer's weights, quantised in the same way


@runtime_checkable
class PrunerCall(Protocol):
    """A pruner with its state, as an engine calls it; `kinds.BoundPruner` is one."""

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        """Detection lengths: completion lengths, in tokens, at which it is called."""

    def __call__(self, partial: Any, sampling: Sampling) -> tuple[list[bool], list[dict[str, float]]]:
        """For every rollout of an unfinished group: whether it continues, and what to record of the decision."""


@runtime_checkable
class Engine(Protocol):
    """Generates rollouts."""

    capabilities: Capabilities

    def generate(
        self, requests: Sequence[Request], sampling: Sampling, pruner: PrunerCall | None = None
    ) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests."""

    def sync(self, policy: Policy) -> None:
        """Takes the policy's current weights."""

    def close(self) -> None:
        """Frees all memory and processes."""
