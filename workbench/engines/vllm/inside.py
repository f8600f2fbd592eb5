"""Pruning inside vLLM: a rollout that does not get past the pruner's sieve is made to draw a stop token.

Loaded by the worker, by path; imports nothing of the workbench. It is for vLLM's V1 model runner, which the worker asks
for: run on a CPU alone, never on a GPU. A custom logits processor counts the tokens of each row. When a row has as many
as the sieve wants, its last hidden state, caught on its way to the output head, is scored, the word is kept, and of a
row that is stopped no token but the stop token is left to draw. The row ends as any other; that token is taken off.

No token is reserved: who was stopped is read from the words kept, never from the token. The word on a row is a function
of its hidden state and its mark. A row that vLLM reads anew, since memory was short, is asked again; the last word is
the one that was followed.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch
from torch import Tensor
from torch.nn.functional import linear, relu

Message = Mapping[str, Any]


@dataclass(frozen=True)
class Word:
    """What was decided of a row, and on what."""

    hidden: Tensor  # [width], float32
    goes_on: bool


@dataclass(frozen=True)
class Row:
    """A row of vLLM's batch that is to be asked. `written` is vLLM's own list, which grows."""

    number: int  # in the order
    written: Sequence[int]


class Sieve:
    """The pruner's sieve, and the words it gave over the present order."""

    def __init__(self) -> None:
        self.states = torch.empty(0, 0)  # [row, width]: of this step's rows, on their way to the output head

    def take(self, told: Message, stop: int) -> None:
        """Goes by what an order says from now on; `stop` is the token that ends a row."""
        self.left: Sequence[int | None] = told["left"]  # tokens each row has when it is asked; None: never
        self.marks, self.threshold, self.stop = told["marks"], told["threshold"], stop
        self.head: dict[str, Tensor] = safetensors.torch.load(base64.b64decode(told["head"]))
        self.words: dict[int, Word] = {}

    def watch(self, model: Any) -> None:
        """Catches the hidden states that a model is given to make logits of."""
        compute = model.compute_logits

        def watched(states: Tensor, *rest: Any, **named: Any) -> Any:
            self.states = states
            return compute(states, *rest, **named)

        model.compute_logits = watched

    def ask(self, number: int, state: Tensor) -> bool:
        """Whether a row goes on; the word is kept."""
        hidden = state.detach().float().cpu()
        place = int(self.score(hidden) * len(self.threshold)) if self.head else 0
        goes_on = self.marks[number] < self.threshold[min(place, len(self.threshold) - 1)]
        self.words[number] = Word(hidden, goes_on)
        return bool(goes_on)

    def score(self, hidden: Tensor) -> float:
        """How likely a row is to come out right: a perceptron of two layers."""
        head = self.head
        inner = relu(linear((hidden - head["centre"]) / head["scale"], head["first"], head["first_bias"]))
        return float((inner @ head["second"] + head["second_bias"]).sigmoid())

    def told(self, number: int, row: Message) -> Message:
        """A finished row with the hidden state it was asked with; without the stop token if it was made to draw it."""
        left = self.left[number]
        if left is None or len(row["tokens"]) <= left:
            return {**row, "hidden": None}
        word = self.words[number]
        told = {**row, "hidden": base64.b64encode(word.hidden.numpy().tobytes()).decode()}
        if word.goes_on:
            return told
        return {**told, "stopped": False, **{name: row[name][:left] for name in ("tokens", "logprobs", "top")}}


class Stopper:
    """Asks a sieve about every row that has come to it, and leaves the stop token alone to those that do not get past.

    `stopper_of` makes it a logits processor of vLLM's V1 interface, and gives it its sieve, since vLLM makes the
    instance.
    """

    sieve: Sieve

    def __init__(self, config: Any, device: Any, is_pin_memory: bool) -> None:
        del config, device, is_pin_memory
        self.rows: dict[int, Row] = {}  # by place in vLLM's batch

    def is_argmax_invariant(self) -> bool:
        """It may change the likeliest token."""
        return False

    def update_state(self, batch_update: Any) -> None:
        """Follows the rows to their places: first those that left, then those that came, then those that moved."""
        if batch_update is None:
            return
        for place in batch_update.removed:
            self.rows.pop(place, None)
        for place, params, _, written in batch_update.added:
            self.rows.pop(place, None)
            if params.extra_args is not None:
                self.rows[place] = Row(params.extra_args["row"], written)
        for start, end, how in batch_update.moved:
            moving, other = self.rows.pop(start, None), self.rows.pop(end, None)
            if moving is not None:
                self.rows[end] = moving
            if how.name == "SWAP" and other is not None:
                self.rows[start] = other

    def apply(self, logits: Tensor) -> Tensor:
        """The logits [row, vocabulary], changed in place."""
        here = [place for place, row in self.rows.items() if len(row.written) == self.sieve.left[row.number]]
        states = self.sieve.states
        if here and len(states) != len(logits):
            raise ValueError(
                f"vLLM made {len(logits)} rows of logits of other states: set rollouts.vllm.prune = 'two_phase'"
            )
        for place in here:
            if not self.sieve.ask(self.rows[place].number, states[place]):
                logits[place] = -torch.inf
                logits[place, self.sieve.stop] = 0.0
        return logits


def stopper_of(sieve: Sieve) -> type[Stopper]:
    """The logits processor of a sieve."""
    from vllm.v1.sample.logits_processor import LogitsProcessor

    return type("SieveStopper", (Stopper, LogitsProcessor), {"sieve": sieve})
