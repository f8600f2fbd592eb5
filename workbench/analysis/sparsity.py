"""How sparse a change of weights is: which weights stayed as they were, in which arithmetic, and of what rank it is.

Update sparsity: Mukherjee et al., arXiv:2505.11711, section 3; of SFT, RLVR and self-play in arXiv:2510.27072.
A share of *unchanged* weights says little without the type of the numbers: bfloat16 keeps 8 bits, so that a small step
rounds to none, while the same step in float32 moves every weight. Hence every count is taken in both, and again for the
same change made smaller (`FACTORS`).
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

Weights = Float[Tensor, "..."]

TOLERANCE = 1e-5  # the public tool of arXiv:2505.11711: |change| up to this counts as none
FACTORS = (1.0, 0.1, 0.01, 0.002)  # by which a change is made smaller
MOST = 0.99  # of the squared norm, for `directions`
LAYER = re.compile(r"(?:^|\.)layers?\.(\d+)\.(.+)$|(?:^|\.)h\.(\d+)\.(.+)$")


@dataclass(frozen=True)
class Unchanged:
    """How many weights are as they were: bit for bit in float32, within `TOLERANCE`, and the same after bfloat16."""

    exact: int = 0
    tolerance: int = 0
    bfloat16: int = 0
    bfloat16_tolerance: int = 0

    def __add__(self, other: "Unchanged") -> "Unchanged":
        return Unchanged(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def shares(self, size: int) -> dict[str, float]:
        """Each count as a share of `size` weights; nan of none."""
        return {each.name: getattr(self, each.name) / size if size else math.nan for each in fields(self)}


@dataclass(frozen=True)
class Change:
    """How one weight tensor changed. `rank` and what is after it are of a matrix; None of any other tensor."""

    name: str
    size: int
    unchanged: tuple[Unchanged, ...]  # for each of `FACTORS`
    norm: float  # of the change (Frobenius)
    start_norm: float  # of the weights before it
    largest: float  # absolute change of one weight
    rank: int | None = None  # singular values above float32's rounding of the largest
    full: int | None = None  # the most the rank can be
    directions: int | None = None  # singular vectors that hold `MOST` of the squared norm
    first: float | None = None  # share of the squared norm that the first one holds

    @property
    def layer(self) -> int | None:
        """The number of its layer; None outside of the layers."""
        return place_of(self.name)[0]

    @property
    def kind(self) -> str:
        """What it is within its layer, as `self_attn.q_proj`."""
        return place_of(self.name)[1]

    def row(self) -> dict[str, Any]:
        """Plain data of one line: layer, kind, shares of unchanged weights, norms and rank."""
        numbers = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "unchanged"}
        return {**numbers, "layer": self.layer, "kind": self.kind, **self.unchanged[0].shares(self.size)}


def place_of(name: str) -> tuple[int | None, str]:
    """The layer of a weight, and what it is there.

    >>> place_of("model.layers.3.self_attn.q_proj.weight"), place_of("model.norm.weight"), place_of("lm_head.weight")
    ((3, 'self_attn.q_proj'), (None, 'norm'), (None, 'lm_head'))
    """
    bare = name.removesuffix(".weight")
    found = LAYER.search(bare)
    if found is None:
        return None, bare.removeprefix("base_model.").removeprefix("model.").removeprefix("model.")
    layer, kind = (found[1], found[2]) if found[1] is not None else (found[3], found[4])
    return int(layer), kind


def change(name: str, start: Weights, delta: Weights, end: Weights | None = None, *, ranks: bool = True) -> Change:
    """How a tensor changed from `start` by `delta`; `end` is start + delta where it is left out.

    All are read as float32. Without `ranks` no singular values are computed. ValueError where shapes differ.
    """
    start, delta = start.detach().float(), delta.detach().float()
    if start.shape != delta.shape:
        raise ValueError(f"{name}: a change of shape {tuple(delta.shape)} of weights of {tuple(start.shape)}")
    end = start + delta if end is None else end.detach().float()
    ends = (end, *(start + factor * delta for factor in FACTORS[1:]))
    matrix = delta.dim() == 2 and min(delta.shape) > 0
    return Change(
        name,
        start.numel(),
        tuple(unchanged(start, each) for each in ends),
        norm=float(delta.norm()),
        start_norm=float(start.norm()),
        largest=float(delta.abs().max()) if delta.numel() else 0.0,
        **(spectrum(delta) if ranks and matrix else {}),
    )


def unchanged(start: Weights, end: Weights) -> Unchanged:
    """How many weights are the same in two tensors of one shape."""
    rounded = end.bfloat16().float() - start.bfloat16().float()
    return Unchanged(
        exact=int((end == start).sum()),
        tolerance=int(((end - start).abs() <= TOLERANCE).sum()),
        bfloat16=int((rounded == 0).sum()),
        bfloat16_tolerance=int((rounded.abs() <= TOLERANCE).sum()),
    )


def spectrum(delta: Float[Tensor, "row column"]) -> dict[str, Any]:
    """Rank of a matrix, the most it could be, and how its squared norm lies in its singular vectors.

    The singular values are the roots of the eigenvalues of the smaller Gram matrix, in float64: exact to 1e-8 of the
    largest. As `torch.linalg.matrix_rank` does, values up to eps · max(shape) · largest count as 0, eps of float32.
    """
    wide = delta.double() if delta.shape[0] >= delta.shape[1] else delta.double().T
    squares = torch.linalg.eigvalsh(wide.T @ wide).clamp(min=0).flip(0)
    total, full = float(squares.sum()), min(delta.shape)
    if total == 0:
        return {"rank": 0, "full": full, "directions": 0, "first": math.nan}
    limit = torch.finfo(torch.float32).eps * max(delta.shape) * float(squares[0].sqrt())
    held = squares.cumsum(0) / total
    return {
        "rank": int((squares.sqrt() > limit).sum()),
        "full": full,
        "directions": min(full, int((held < MOST).sum()) + 1),
        "first": float(squares[0]) / total,
    }


# ----------------------------------------------------------------------------------------------- together


@dataclass(frozen=True)
class Total:
    """The changes of several tensors as one: every weight counts the same, whatever its tensor's size."""

    size: int
    unchanged: tuple[Unchanged, ...]  # for each of `FACTORS`
    norm: float
    start_norm: float
    largest: float
    rank: float | None  # mean of rank / full over the matrices; None without any

    def document(self) -> dict[str, Any]:
        """Plain data: shares of unchanged and of changed weights, and those of the change made smaller."""
        scaled = [
            {"factor": factor, **counts.shares(self.size)}
            for factor, counts in zip(FACTORS, self.unchanged, strict=True)
        ]
        same = self.unchanged[0].shares(self.size)
        return {
            "size": self.size,
            "unchanged": same,
            "changed": {name: 1 - share for name, share in same.items()},
            "norm": self.norm,
            "relative_norm": self.norm / self.start_norm if self.start_norm else math.nan,
            "largest": self.largest,
            "rank": self.rank,
            "scaled": scaled,
        }


def total(changes: Sequence[Change]) -> Total:
    """All changes together; ValueError of none."""
    if not changes:
        raise ValueError("no weights to compare: give at least one tensor")
    ranks = [each.rank / each.full for each in changes if each.rank is not None and each.full]
    return Total(
        sum(each.size for each in changes),
        tuple(sum(counts, Unchanged()) for counts in zip(*(each.unchanged for each in changes), strict=True)),
        norm=math.hypot(*(each.norm for each in changes)),
        start_norm=math.hypot(*(each.start_norm for each in changes)),
        largest=max(each.largest for each in changes),
        rank=sum(ranks) / len(ranks) if ranks else None,
    )


def grouped(changes: Iterable[Change], by: Callable[[Change], Any]) -> dict[Any, Total]:
    """The totals by layer (`lambda change: change.layer`), by kind, or by whatever tells changes apart."""
    members: dict[Any, list[Change]] = {}
    for each in changes:
        members.setdefault(by(each), []).append(each)
    return {name: total(own) for name, own in members.items()}
