"""A method is one piece per slot. Here is all the arithmetic of an update: advantages, settle, objective, lens.

    advantage = advantages(method, batch)           once a step, over all rollouts
    settled = settle(method, batch, advantage)      once an update, over all its rows, without gradient
    loss = objective(method, batch, settled)        adds up over micro-batches: `settled.rows(i)`, `batch.rows(i)`

The loss is ratio -> surrogate -> + regularisers -> weighted sum.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.kinds import (
    Advantage,
    Controller,
    Filter,
    Head,
    LossPiece,
    Piece,
    Ratio,
    Reduction,
    Regulariser,
    Sampler,
    Shaping,
    Surrogate,
    Synthesis,
    WeightEdit,
)
from workbench.ops import clean, own
from workbench.piece import plain_value
from workbench.types import TOKEN, Batch, Constants, Loss, PerToken, Scalar, State, axes, rows_of

TEXTS = ("title", "paper", "equation", "changes")


@dataclass(frozen=True, kw_only=True)
class Method:
    """A published system as data: four texts and a piece per slot."""

    key: str = ""  # set by the registry
    title: str
    paper: str
    equation: str  # LaTeX
    changes: str  # against GRPO, one sentence
    advantage: Advantage
    ratio: Ratio
    surrogate: Surrogate
    reduction: Reduction
    surrogate_weight: float = 1.0
    regularisers: tuple[Regulariser, ...] = ()
    shaping: tuple[Shaping, ...] = ()
    filters: tuple[Filter, ...] = ()
    sampler: Sampler | None = None  # None: the run's own (uniform)
    controller: Controller | None = None
    synthesis: Synthesis | None = None
    edits: tuple[WeightEdit, ...] = ()
    group_size: int = 2  # rollouts of a problem it needs at least

    def pieces(self) -> Iterator[tuple[str, Piece]]:
        """Every piece with the name of its slot; a slot of several is numbered: `regularisers.0`."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Piece):
                yield field.name, value
            elif isinstance(value, tuple):
                for number, piece in enumerate(value):
                    yield f"{field.name}.{number}", piece

    @property
    def needs(self) -> frozenset[str]:
        """Every signal that a piece of the method reads."""
        return frozenset().union(*(piece.needs for _, piece in self.pieces()))

    @property
    def heads(self) -> tuple[Head, ...]:
        """Every head that a piece of the method learns, each once."""
        found = {head.name: head for _, piece in self.pieces() for head in piece.heads}
        return tuple(found.values())

    @property
    def setwise(self) -> bool:
        """Whether a piece answers one number for the whole update."""
        return any(piece.setwise for _, piece in self.pieces())

    @property
    def fresh(self) -> bool:
        """Whether a piece is settled anew before every update."""
        return any(piece.fresh for _, piece in self.pieces())

    def init(self) -> dict[str, State]:
        """What the pieces remember before the first step, by slot."""
        return {slot: piece.init() for slot, piece in self.pieces()}

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a config: the key and every slot in full."""
        slots = {name: plain_value(getattr(self, name)) for name in slot_kinds()}
        kept = {name: value for name, value in slots.items() if value is not None}
        return {"method": self.key, **kept, "surrogate_weight": self.surrogate_weight}

    def override(self, table: Mapping[str, Any]) -> "Method":
        """With the slots of a config table in place of its own; one ValueError names every mistake."""
        changes: dict[str, Any] = {}
        mistakes: list[str] = []
        for name, value in table.items():
            try:
                changes[name] = self.slot_value(name, value)
            except ValueError as error:
                mistakes.append(f"method.{name}: {error}")
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return dataclasses.replace(self, **changes)

    def slot_value(self, name: str, value: Any) -> Any:
        """What a config's value means in this slot; fields left out keep this method's own piece's."""
        if name == "surrogate_weight":
            return float(value)
        if name not in slot_kinds():
            raise ValueError(f"there is no such slot; slots: {', '.join((*slot_kinds(), 'surrogate_weight'))}")
        kind, several = slot_kinds()[name]
        if several and not isinstance(value, list | tuple):
            raise ValueError(f"{value!r}: this slot holds several pieces; give a list")
        if several:
            return tuple(kind.parse(item) for item in value)
        own = getattr(self, name)
        if isinstance(value, Mapping) and isinstance(own, Piece) and "piece" not in value:
            value = {**own.to_dict(), **value}
        return kind.parse(value)


def slot_kinds() -> dict[str, tuple[type[Piece], bool]]:
    """Each slot's kind, and whether it holds several pieces."""
    return {
        "advantage": (Advantage, False),
        "ratio": (Ratio, False),
        "surrogate": (Surrogate, False),
        "reduction": (Reduction, False),
        "regularisers": (Regulariser, True),
        "shaping": (Shaping, True),
        "filters": (Filter, True),
        "sampler": (Sampler, False),
        "controller": (Controller, False),
        "synthesis": (Synthesis, False),
        "edits": (WeightEdit, True),
    }


def derive(parent: Method, *, title: str, paper: str, equation: str, changes: str, **slots: Any) -> Method:
    """A method that differs from its parent in some slots, with texts of its own."""
    return dataclasses.replace(parent, key="", title=title, paper=paper, equation=equation, changes=changes, **slots)


# ------------------------------------------------------------------------------------- the arithmetic


@dataclass(frozen=True)
class Settled:
    """What is fixed for an update: advantage, token weights, and each piece's constants, by slot."""

    advantage: PerToken
    weight: PerToken
    regulariser_weights: tuple[PerToken, ...]
    constants: Mapping[str, Constants]

    def rows(self, index: Tensor | slice) -> "Settled":
        """The part of the rollouts at `index`."""
        return Settled(
            self.advantage[index],
            self.weight[index],
            tuple(weight[index] for weight in self.regulariser_weights),
            {slot: rows_of(constants, index) for slot, constants in self.constants.items()},
        )

    def view(self, batch: Batch, slot: str) -> Batch:
        """The batch as the piece in this slot sees it: with its constants and its own state."""
        return own(batch, slot).extend(**self.constants.get(slot, {}))


def advantages(method: Method, batch: Batch) -> PerToken:
    """The advantage of every trained token, [rollout, token], without gradient; a stored one stays."""
    batch = clean(batch)
    with torch.no_grad():
        fresh = method.advantage(own(batch, "advantage"))
        if "stored_advantage" in batch:
            stored = batch["stored_advantage"]
            fresh = torch.where(stored.isnan(), fresh, stored)
        return torch.where(batch.mask, fresh, 0.0)


def settle(method: Method, batch: Batch, advantage: PerToken | None = None) -> Settled:
    """What is fixed over all rows of an update, without gradient."""
    if advantage is None:
        advantage = advantages(method, batch)
    batch = clean(batch)
    with torch.no_grad():
        constants = {
            slot: piece.settle(own(batch, slot), advantage)
            for slot, piece in method.pieces()
            if isinstance(piece, LossPiece)
        }
        weight = reduce(method.reduction, batch, advantage, constants["reduction"])
        others = []
        for regulariser in method.regularisers:
            reduction = regulariser.reduction
            fixed = weight if reduction is None else reduce(reduction, batch, advantage, None)
            others.append(fixed)
    return Settled(advantage, weight, tuple(others), constants)


def objective(method: Method, batch: Batch, settled: Settled) -> Scalar:
    """The loss of these rows: a part of the update's, so that micro-batches and GPUs add up exactly."""
    batch = clean(batch)
    ratio = method.ratio(settled.view(batch, "ratio"))
    loss = method.surrogate(settled.view(batch, "surrogate"), ratio, settled.advantage)
    total = method.surrogate_weight * weighted(loss, settled.weight)
    for number, regulariser in enumerate(method.regularisers):
        loss = regulariser(settled.view(batch, f"regularisers.{number}"))
        total = total + weighted(loss, settled.regulariser_weights[number])
    return total


def lens(method: Method, batch: Batch) -> PerToken:
    """-∂loss/∂logprob of the update, for every token: what the method tells it. Positive: become likelier.

    Reads recorded rollouts, without a model. The reward is taken as final.
    """
    return lens_all(method, batch)["logprob"]


def lens_all(method: Method, batch: Batch) -> dict[str, PerToken]:
    """-∂loss/∂signal for every signal of the current policy that the method reads; `logprob` always."""
    signals = leaves(method, batch)
    batch = with_signals(batch, signals)
    loss = objective(method, batch, settle(method, batch))
    if not loss.requires_grad:
        return {name: torch.zeros_like(leaf) for name, leaf in signals.items()}
    pushes = torch.autograd.grad(loss, list(signals.values()), allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if push is None else -push
        for (name, leaf), push in zip(signals.items(), pushes, strict=True)
    }


def leaves(method: Method, batch: Batch) -> dict[str, Tensor]:
    """The current policy's signals as tensors of their own that carry gradient."""
    names = ["logprob", *sorted(name for name in method.needs if carries_gradient(name))]
    return {name: batch[name].detach().clone().requires_grad_() for name in names}


def with_signals(batch: Batch, signals: Mapping[str, Tensor]) -> Batch:
    """The batch with these tensors in place of its own."""
    others = {name: value for name, value in signals.items() if name != "logprob"}
    return batch.replace(logprob=signals.get("logprob", batch.logprob)).extend(**others)


#: Per-token extras that are facts about a rollout and no signal of the current policy.
FACTS = frozenset({"token_reward", "stored_advantage", "off_policy", "span", "behaviour_logprob", "rank"})


def carries_gradient(name: str) -> bool:
    """Whether a signal is the current policy's own.

    >>> carries_gradient("entropy"), carries_gradient("ref_logprob"), carries_gradient("off_policy")
    (True, False, False)
    """
    other = name.startswith(("old_", "ref_", "engine_")) or name.split("@")[0] in FACTS or name == "logprob"
    return not other and axes(name)[1:] == (TOKEN,)


def reduce(reduction: Reduction, batch: Batch, advantage: PerToken, constants: Constants | None) -> PerToken:
    """A reduction's token weights, zero outside the mask."""
    view = own(batch, "reduction")
    settled = reduction.settle(view, advantage) if constants is None else constants
    return torch.where(batch.mask, reduction(view.extend(**settled), advantage), 0.0)


def weighted(loss: Loss, weight: PerToken) -> Scalar:
    """The weighted sum of a loss per token; a set-wise loss is already one number."""
    if loss.dim() == 0:
        return loss
    return (torch.where(weight != 0, loss, 0.0) * weight).sum()
