"""An update that is not finite: which piece returned the first such number, and the batch, kept for inspection.

from workbench import METHODS, lens
from workbench.training.failed import load

lens(METHODS["grpo"], load("runs/demo/failed/step-000012.safetensors"))
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.utils import get_total_norm

from workbench.method import Method, leaves, settle, terms, with_signals
from workbench.ops import sanitise
from workbench.training.checkpoint import join, split
from workbench.types import Batch, PerToken

TENSORS = ("logprob", "old_logprob", "mask", "reward", "group", "problem", "correct", "tokens")
SCALARS = ("step", "total_steps", "budget", "temperature")


class NotFiniteError(ValueError):
    """A number in training is not finite; `batch` is the batch of that update."""

    def __init__(self, text: str, batch: Batch) -> None:
        super().__init__(text)
        self.batch = batch

    @property
    def step(self) -> int:
        """The step of the update."""
        return self.batch.step

    def save(self, path: Path) -> None:
        """Writes the batch, for `load`."""
        save(self.batch, path)


def failure(method: Method, batch: Batch, advantage: PerToken, read: Iterable[str]) -> NotFiniteError:
    """The error about a batch: names the first number that is not finite, in the order of computation.

    `read`: the signals of the policy and the reference.
    """
    fault, remedy = next(faults(method, batch, advantage, read), ("the gradient of the weights is not finite", LOWER))
    place = f"method {method.key or method.title}, step {batch.step}"
    return NotFiniteError(f"{place}: {fault}. The update was not applied; {remedy}", batch)


def all_finite(weights: Sequence[Tensor]) -> bool:
    """Whether every number of every tensor is finite, by one fused reduction."""
    return bool(get_total_norm([weight.detach() for weight in weights], norm_type=math.inf).isfinite())


def weights_failure(method: Method, batch: Batch, weights: Mapping[str, Tensor]) -> NotFiniteError:
    """The error about weights by name, one of which is not finite, after the update of this batch."""
    name, weight = next((name, weight) for name, weight in weights.items() if not all_finite([weight]))
    wrong, kind = int((~weight.isfinite()).sum()), str(weight.dtype).removeprefix("torch.")
    coarse = "" if weight.dtype == torch.float32 else ", or set model.dtype = 'float32'"
    return NotFiniteError(
        f"method {method.key or method.title}, step {batch.step}: after the optimiser's step {wrong} of "
        f"{weight.numel()} numbers of the parameter {name} ({kind}) are not finite. No checkpoint holds them; continue "
        f"from an earlier one: {LOWER}{coarse}",
        batch,
    )


LOWER = "lower training.learning_rate"
RUN_AWAY = "resume from an earlier checkpoint with a lower training.learning_rate: the weights had diverged before"
CORRECT = "fix this piece or its fields, or lower training.learning_rate"


def faults(method: Method, batch: Batch, advantage: PerToken, read: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Every value that is not finite, as (what it is, remedy)."""
    batch = sanitise(batch)
    yield from fault("the reward", torch.where(batch.scored, batch.reward, 0.0), "fix the reward or its shaping")
    for name in sorted(read, key=lambda name: (name != "logprob", name)):
        if name in batch:
            yield from fault(f"signal {name}", batch[name], RUN_AWAY)
    for name, values in outputs(method, batch, advantage):
        yield from fault(name, values, CORRECT)


def outputs(method: Method, batch: Batch, advantage: PerToken) -> Iterator[tuple[str, Tensor]]:
    """The output of every piece of the loss, in the order of computation; last the derivatives."""
    names = {slot: f"{piece.name} in slot {slot}" for slot, piece in method.pieces()}
    yield names["advantage"], torch.where(batch.mask, advantage, 0.0)
    plain = settle(dataclasses.replace(method, correction=None), batch, advantage)
    yield names["reduction"], plain.weight
    settled = settle(method, batch, advantage)
    if method.correction is not None:
        yield names["correction"], settled.weight
    ratio = method.ratio(settled.view(batch, "ratio"))
    yield names["ratio"], torch.where(settled.weight != 0, ratio, 0.0)
    signals = leaves(method, batch)
    parts = list(terms(method, with_signals(batch, signals), settled))
    for slot, term in parts:
        yield names[slot], term
    for slot, term in parts:
        pushes = torch.autograd.grad(term, list(signals.values()), allow_unused=True) if term.requires_grad else ()
        for name, push in zip(signals, pushes, strict=False):
            yield f"{names[slot]}, in its derivative by {name},", term if push is None else push


def fault(name: str, values: Tensor, remedy: str) -> Iterator[tuple[str, str]]:
    """One fault if a number is not finite, else none; for a tensor per token with the place of the first."""
    values = values.detach()
    odd = ~values.isfinite()
    if not odd.any():
        return
    place = odd.nonzero()[0].tolist()
    where = "".join(f", {axis} {number}" for axis, number in zip(("row", "token"), place, strict=False))
    count = f" ({int(odd.sum())} of {odd.numel()} numbers, the first at{where[1:]})" if place else ""
    yield f"{name} is {float(values[odd][0])}{count}", remedy


# ------------------------------------------------------------------------------------------------ files


def save(batch: Batch, path: Path) -> None:
    """Writes a batch as safetensors: its tensors, and in the header its scalars and the pieces' states."""
    tensors = {name: getattr(batch, name) for name in TENSORS if getattr(batch, name) is not None}
    tensors |= {f"extras/{name}": value for name, value in batch.extras.items()}
    state = split(batch.state, "state", tensors)
    scalars = {name: getattr(batch, name) for name in SCALARS}
    copies = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    save_file(copies, path, {"batch": json.dumps({**scalars, "state": state})})


def load(path: str | Path) -> Batch:
    """The batch of an update that failed, as `save` wrote it; ValueError for another file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            found = json.loads((file.metadata() or {})["batch"])
    except (OSError, SafetensorError, KeyError) as error:
        raise ValueError(f"{path} holds no batch: give a file of a run's folder `failed` ({error})") from None
    own = {name: tensors[name] for name in TENSORS if name in tensors}
    extras = {name.removeprefix("extras/"): value for name, value in tensors.items() if name.startswith("extras/")}
    return Batch(**own, **{**found, "state": join(found["state"], tensors)}, extras=extras)
