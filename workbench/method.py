"""A method is one piece per slot. Here is all the arithmetic of an update: advantages, settle, objective, lens.

    advantage = advantages(method, batch)           once a step, over all rollouts
    settled = settle(method, batch, advantage)      once an update, over all its rows, without gradient
    loss = objective(method, batch, settled)        adds up over micro-batches: `settled.rows(i)`, `batch.rows(i)`

The loss is ratio -> surrogate -> + regularisers -> weighted sum; a correction weighs the surrogate's tokens further.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench import kinds
from workbench.errors import among
from workbench.kinds import LossPiece, Piece
from workbench.ops import sanitise, slot_view
from workbench.piece import NONE, check_answer, check_constants, finite, plain_value
from workbench.types import FACTS, TOKEN, Batch, Constants, Loss, PerToken, Scalar, State, axes, rows_of

TEXTS = ("title", "paper", "equation", "changes")


@dataclass(frozen=True, kw_only=True)
class Method:
    """A published method as data: four texts and a piece per slot."""

    key: str = ""  # set by the registry
    title: str
    paper: str
    equation: str  # LaTeX
    changes: str  # against GRPO, one sentence
    advantage: kinds.Advantage
    ratio: kinds.Ratio
    surrogate: kinds.Surrogate
    reduction: kinds.Reduction
    surrogate_weight: float = 1.0
    correction: kinds.Correction | None = None  # None: the engine is taken to draw as the trainer would
    regularisers: tuple[kinds.Regulariser, ...] = ()
    shaping: tuple[kinds.Shaping, ...] = ()
    filters: tuple[kinds.Filter, ...] = ()
    sampler: kinds.Sampler | None = None  # None: the run's own (uniform)
    controller: kinds.Controller | None = None
    synthesis: kinds.Synthesis | None = None
    edits: tuple[kinds.WeightEdit, ...] = ()
    group_size: int = 2  # rollouts of a problem it needs at least

    def __post_init__(self) -> None:
        if self.correction is not None and self.surrogate.setwise:
            raise ValueError(
                f"correction = {self.correction.name!r}: {self.surrogate.name} returns one number for the update, "
                "which has no tokens to weigh; leave it out"
            )

    def pieces(self) -> Iterator[tuple[str, Piece]]:
        """Every piece with the name of its slot, as `ratio`, `regularisers.0`, `regularisers.0.reduction`."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Piece):
                yield field.name, value
            elif isinstance(value, tuple):
                for number, piece in enumerate(value):
                    yield f"{field.name}.{number}", piece
                    if isinstance(piece, kinds.Regulariser) and piece.reduction is not None:
                        yield f"{field.name}.{number}.reduction", piece.reduction

    def describe_slot(self, slot: str) -> str:
        """The piece in a slot, for messages."""
        return f"method {self.key or self.title}: {dict(self.pieces())[slot].name} in slot {slot}"

    @property
    def needs(self) -> frozenset[str]:
        """Every signal that a piece of the method reads."""
        return frozenset().union(*(piece.needs for _, piece in self.pieces()))

    @property
    def heads(self) -> tuple[kinds.Head, ...]:
        """Every head that a piece of the method trains, each once."""
        return tuple({head.name: head for _, piece in self.pieces() for head in piece.heads}.values())

    @property
    def setwise(self) -> bool:
        """Whether a piece returns one number for the whole update."""
        return any(piece.setwise for _, piece in self.pieces())

    @property
    def fresh(self) -> bool:
        """Whether a piece's constants are computed again before every update, from the current policy."""
        return any(piece.fresh for _, piece in self.pieces())

    def init(self) -> dict[str, State]:
        """Every piece's state before the first step, by slot."""
        return {slot: piece.init() for slot, piece in self.pieces()}

    def to_dict(self) -> dict[str, Any]:
        """As it stands in a config: the key and every slot in full; an empty one as "none"."""
        slots = {name: plain_value(getattr(self, name), NONE) for name in slot_kinds()}
        return {"method": self.key, **slots, "surrogate_weight": self.surrogate_weight}

    def override(self, table: Mapping[str, Any]) -> "Method":
        """A copy with the slots of a config table in place of its own; one ValueError names every error."""
        changes, mistakes = dict[str, Any](), list[str]()
        for name, value in table.items():
            try:
                changes[name] = self.slot_value(name, value)
            except ValueError as error:
                named = isinstance(value, str) and name in may_be_empty()
                remedy = f"; {NONE!r} leaves the slot empty" if named else ""
                mistakes.append(f"method.{name}: {error}{remedy}")
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return dataclasses.replace(self, **changes)

    def slot_value(self, name: str, value: Any) -> Any:
        """What a config's value means in this slot; fields left out keep this method's own piece's."""
        if name == "surrogate_weight":
            return finite(value)
        if name not in slot_kinds():
            raise ValueError(f"there is no such slot{among(name, (*slot_kinds(), 'surrogate_weight'), 'slots')}")
        kind, several = slot_kinds()[name]
        if value == NONE and name in may_be_empty():
            return () if several else None
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
        "advantage": (kinds.Advantage, False),
        "ratio": (kinds.Ratio, False),
        "surrogate": (kinds.Surrogate, False),
        "reduction": (kinds.Reduction, False),
        "correction": (kinds.Correction, False),
        "regularisers": (kinds.Regulariser, True),
        "shaping": (kinds.Shaping, True),
        "filters": (kinds.Filter, True),
        "sampler": (kinds.Sampler, False),
        "controller": (kinds.Controller, False),
        "synthesis": (kinds.Synthesis, False),
        "edits": (kinds.WeightEdit, True),
    }


def may_be_empty() -> frozenset[str]:
    """The slots that a method may leave empty."""
    return frozenset(field.name for field in dataclasses.fields(Method) if field.default in (None, ()))


def derive(parent: Method, *, title: str, paper: str, equation: str, changes: str, **slots: Any) -> Method:
    """A method that differs from its parent in some slots, with texts of its own."""
    return dataclasses.replace(parent, key="", title=title, paper=paper, equation=equation, changes=changes, **slots)


# ------------------------------------------------------------------------------------- the arithmetic


@dataclass(frozen=True)
class Settled:
    """The constants of an update: advantage, token weights, and each piece's own, by slot."""

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
        """The batch as the piece in this slot reads it: with its constants, and its state alone."""
        return slot_view(batch, slot).extend(**self.constants.get(slot, {}))


def advantages(method: Method, batch: Batch) -> PerToken:
    """The advantage of every trained token, [rollout, token], without gradient; a stored one stays."""
    batch = sanitise(batch)
    with torch.no_grad():
        found = method.advantage(slot_view(batch, "advantage"))
        fresh = check_answer(method.describe_slot("advantage"), found, batch.mask)
        if "stored_advantage" in batch:
            fresh = torch.where(batch["stored_advantage"].isnan(), fresh, batch["stored_advantage"])
        return torch.where(batch.mask, fresh, 0.0)


def settle(method: Method, batch: Batch, advantage: PerToken | None = None) -> Settled:
    """The constants over all rows of an update, without gradient; the advantage is computed where it is not given."""
    advantage = advantages(method, batch) if advantage is None else advantage
    batch = sanitise(batch)
    with torch.no_grad():
        constants = dict[str, Constants]()
        for slot, piece in method.pieces():
            if isinstance(piece, LossPiece):
                found = piece.settle(slot_view(batch, slot), advantage)
                constants[slot] = check_constants(method.describe_slot(slot), found, len(batch.mask))
        plain = Settled(advantage, advantage, (), constants)

        def weigh(slot: str, reduction: kinds.Reduction) -> PerToken:
            found = check_answer(method.describe_slot(slot), reduction(plain.view(batch, slot), advantage), batch.mask)
            return torch.where(batch.mask, found, 0.0)

        weight = weigh("reduction", method.reduction)
        others = tuple(
            weight if item.reduction is None else weigh(f"regularisers.{number}.reduction", item.reduction)
            for number, item in enumerate(method.regularisers)
        )
        if method.correction is not None:
            factor = method.correction(plain.view(batch, "correction"))
            factor = check_answer(method.describe_slot("correction"), factor, batch.mask)
            weight = torch.where(batch.mask, weight * factor, 0.0)
    return Settled(advantage, weight, others, constants)


def objective(method: Method, batch: Batch, settled: Settled) -> Scalar:
    """The loss of these rows: a part of the update's, so that micro-batches and GPUs add up exactly."""
    return sum((term for _, term in terms(method, batch, settled)), batch.logprob.new_zeros(()))


def terms(method: Method, batch: Batch, settled: Settled) -> Iterator[tuple[str, Scalar]]:
    """The parts of the loss, each with the slot it comes from."""
    batch = sanitise(batch)
    ratio = check_answer(method.describe_slot("ratio"), method.ratio(settled.view(batch, "ratio")), batch.mask)
    loss = method.surrogate(settled.view(batch, "surrogate"), ratio, settled.advantage)
    loss = check_answer(method.describe_slot("surrogate"), loss, batch.mask, number=True)
    yield "surrogate", method.surrogate_weight * weighted(loss, settled.weight)
    for number, regulariser in enumerate(method.regularisers):
        slot = f"regularisers.{number}"
        loss = check_answer(method.describe_slot(slot), regulariser(settled.view(batch, slot)), batch.mask, number=True)
        yield slot, weighted(loss, settled.regulariser_weights[number])


def lens(method: Method, batch: Batch) -> PerToken:
    """-∂loss/∂logprob of the update, the gradient weight of every token, [rollout, token]. Positive: made more likely.

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


def carries_gradient(name: str) -> bool:
    """Whether a signal is the current policy's own.

    >>> carries_gradient("entropy"), carries_gradient("ref_logprob"), carries_gradient("off_policy")
    (True, False, False)
    """
    bare = name.split("@")[0]
    other = name.startswith(("old_", "ref_", "engine_")) or bare in FACTS or bare == "rank" or name == "logprob"
    return not other and axes(name)[1:] == (TOKEN,)


def weighted(loss: Loss, weight: PerToken) -> Scalar:
    """The weighted sum of a loss per token; a set-wise loss is already one number."""
    if loss.dim() == 0:
        return loss
    return (torch.where(weight != 0, loss, 0.0) * weight).sum()
