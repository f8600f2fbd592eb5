"""Pruning inside vLLM: a rollout that the pruner's stop rule ends can only draw a stop token.

Loaded by the worker, by path; imports nothing of the workbench. Written for vLLM's V1 model runner, which the worker
selects. It has been run on a CPU only, never on a GPU. A custom logits processor counts the tokens of each row. At the
detection length the row's last hidden state, caught before the output head, is scored and the decision is stored. For a
row that is stopped, all tokens but the stop token are masked. The row ends as usual, and that token is removed.

No token is reserved: which rows were stopped is read from the stored decisions, never from the token. A decision
depends on the row's hidden state and mark alone. A row that vLLM preempts and recomputes, because memory was short, is
decided again; the last decision is the one that was followed.
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
class Decision:
    """The decision on a row, and the hidden state it is based on."""

    hidden: Tensor  # [width], float32
    continues: bool


@dataclass(frozen=True)
class Row:
    """A row of vLLM's batch to decide on. `written` is vLLM's own list of tokens, which grows."""

    number: int  # of the row in the request
    written: Sequence[int]


class StopRule:
    """The pruner's stop rule, and its decisions on the rows of the current request."""

    def __init__(self) -> None:
        self.states = torch.empty(0, 0)  # [row, width]: of this step's rows, on their way to the output head

    def take(self, rule: Message, stop: int) -> None:
        """Replaces the rule by that of a new request; `stop` is the token that ends a row."""
        self.left: Sequence[int | None] = rule["left"]  # tokens of each row at the decision; None: never
        self.marks, self.threshold, self.stop = rule["marks"], rule["threshold"], stop
        self.head: dict[str, Tensor] = safetensors.torch.load(base64.b64decode(rule["head"]))
        self.decisions: dict[int, Decision] = {}

    def watch(self, model: Any) -> None:
        """Wraps the model's `compute_logits`, to keep the hidden states that it gets."""
        compute = model.compute_logits

        def watched(states: Tensor, *rest: Any, **named: Any) -> Any:
            self.states = states
            return compute(states, *rest, **named)

        model.compute_logits = watched

    def decide(self, number: int, state: Tensor) -> bool:
        """Whether a row continues; the decision is stored."""
        hidden = state.detach().float().cpu()
        place = int(self.score(hidden) * len(self.threshold)) if self.head else 0
        continues = self.marks[number] < self.threshold[min(place, len(self.threshold) - 1)]
        self.decisions[number] = Decision(hidden, continues)
        return bool(continues)

    def score(self, hidden: Tensor) -> float:
        """The predicted probability that a row ends correct: a two-layer perceptron."""
        head = self.head
        inner = relu(linear((hidden - head["centre"]) / head["scale"], head["first"], head["first_bias"]))
        return float((inner @ head["second"] + head["second_bias"]).sigmoid())

    def finished(self, number: int, row: Message) -> Message:
        """A finished row with the hidden state of its decision; without the stop token if the rule forced it."""
        left = self.left[number]
        if left is None or len(row["tokens"]) <= left:
            return {**row, "hidden": None}
        decision = self.decisions[number]
        found = {**row, "hidden": base64.b64encode(decision.hidden.numpy().tobytes()).decode()}
        if decision.continues:
            return found
        return {**found, "stopped": False, **{name: row[name][:left] for name in ("tokens", "logprobs", "top")}}


class Stopper:
    """Applies a stop rule to every row at its detection length; a row that is stopped can only draw the stop token.

    `stopper_of` makes it a logits processor of vLLM's V1 interface, and gives it its stop rule, since vLLM makes the
    instance.
    """

    stop_rule: StopRule

    def __init__(self, config: Any, device: Any, is_pin_memory: bool) -> None:
        del config, device, is_pin_memory
        self.rows: dict[int, Row] = {}  # by place in vLLM's batch

    def is_argmax_invariant(self) -> bool:
        """False: it may change the most likely token."""
        return False

    def update_state(self, batch_update: Any) -> None:
        """Tracks the rows' places: first the removed, then the added, then the moved ones."""
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
        here = [place for place, row in self.rows.items() if len(row.written) == self.stop_rule.left[row.number]]
        states = self.stop_rule.states
        if here and len(states) != len(logits):
            raise ValueError(
                f"vLLM computed {len(logits)} rows of logits from other states: set rollouts.vllm.prune = 'two_phase'"
            )
        for place in here:
            if not self.stop_rule.decide(self.rows[place].number, states[place]):
                logits[place] = -torch.inf
                logits[place, self.stop_rule.stop] = 0.0
        return logits


def stopper_of(stop_rule: StopRule) -> type[Stopper]:
    """The logits processor of a stop rule."""
    from vllm.v1.sample.logits_processor import LogitsProcessor

    return type("RuleStopper", (Stopper, LogitsProcessor), {"stop_rule": stop_rule})
