"""Which rows continue and where each one is moved: one decision, in torch here and as a CUDA kernel in `compact.cu`.

A group's survivors are computed with integers only: probabilities and uniform numbers in units of 2⁻²⁴, slopes in
units of 2⁻¹². So torch and the kernel agree to the bit, on every machine, whatever the order of the rows. Kept rows at
the end then move into the gaps at the front, by their valid tokens only, in place. `choice` selects one of the two.
 ARRoL, arXiv:2603.24840; the signed slope and the draw of a fixed number are ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from workbench.pruning.kernel import compact_torch

RULES = ("group", "sign", "paper", "random")  # in the kernel's order
DRAWS = ("fixed", "bernoulli")
UNIT, SLOPE_UNIT, NOISE_BITS = compact_torch.UNIT, compact_torch.SLOPE_UNIT, 53
GONE, STAYS, JUDGED = 0, 1, 2  # states of a row
MOST_UNITS = 1536  # of a head: what fits a block's shared memory
MOST_ROWS, STEEPEST = 4096, 64.0  # of a call; beyond them the kernel's sums would not fit 64 bits


@dataclass(frozen=True)
class Policy:
    """The settings of a group's decision; the terms of `workbench.pruning.survival`."""

    rule: str = "group"
    draw: str = "fixed"
    keep: float = 0.5
    target: float = 0.5
    least: float = 0.1
    most: float = 0.9
    slope: float = 0.5  # of `paper` and `sign`
    steepest: float = 2.0  # of `group`
    shift: float = 0.0  # of `paper`
    smallest: int = 4  # rows of a group: smaller ones are not pruned

    def __post_init__(self) -> None:
        if self.rule not in RULES or self.draw not in DRAWS:
            raise ValueError(f"rule={self.rule!r}, draw={self.draw!r}: choose from {RULES} and {DRAWS}")
        if not 0 <= self.least <= self.keep <= self.most <= 1 or self.keep == 0 or not 0 <= self.target <= 1:
            raise ValueError(
                f"keep={self.keep:g}, target={self.target:g}, bounds {self.least:g} to {self.most:g}: all lie in "
                "[0, 1], and keep lies between the bounds and above 0"
            )
        if not 0 <= self.slope <= STEEPEST or not 0 <= self.steepest <= STEEPEST or abs(self.shift) > STEEPEST:
            raise ValueError(f"slope {self.slope:g}, {self.steepest:g}, shift {self.shift:g}: at most {STEEPEST:g}")
        if self.smallest < 1:
            raise ValueError(f"smallest={self.smallest}: a group has at least 1 row")

    @cached_property
    def units(self) -> compact_torch.Units:
        """The same in integer units."""
        fractions = (self.keep, self.target, self.least, self.most)
        keep, target, least, most = (round(value * UNIT) for value in fractions)
        slope, steepest = round(self.slope * SLOPE_UNIT), round(self.steepest * SLOPE_UNIT)
        names = (RULES.index(self.rule), DRAWS.index(self.draw))
        bounds = (keep, target, least, most, slope, steepest, round(self.shift * UNIT), self.smallest)
        return compact_torch.Units(*names, *bounds)

    def survivors(self, sizes: Sequence[int]) -> int | None:
        """How many rows of groups of these sizes continue, if that is known beforehand; else None: read it back."""
        units, total = self.units, 0
        for size in sizes:
            wanted = compact_torch.wanted_sum(units, torch.tensor(size)).item()
            if size >= self.smallest and (self.draw != "fixed" or self.rule == "paper" or wanted % UNIT):
                return None
            total += int(wanted) // UNIT if size >= self.smallest else size
        return total


@dataclass(frozen=True)
class Head:
    """A quality head of two plain layers: score = sigmoid(second · relu(first · hidden + first_bias) + second_bias)."""

    first: Float[Tensor, "unit width"]
    first_bias: Float[Tensor, " unit"]
    second: Float[Tensor, " unit"]
    second_bias: Float[Tensor, ""]

    @cached_property
    def columns(self) -> Float[Tensor, "width unit"]:
        """The first layer in the kernel's layout."""
        return self.first.float().t().contiguous()


@dataclass(frozen=True)
class Judged:
    """The rows of a call. `group` numbers the scored ones from 0; of other rows only `state` is read."""

    score: Float[Tensor, " row"]  # in [0, 1]; replaced where `hidden` is scored
    posterior: Int[Tensor, " bin"]  # int32, units of 2⁻²⁴
    state: UInt8[Tensor, " row"]  # GONE, STAYS or JUDGED
    group: Int[Tensor, " row"]  # int32
    noise: Int[Tensor, " row"]  # int64: uniform numbers in units of 2⁻⁵³, keyed by what the row is
    start: Int[Tensor, " group"]  # int32, units of 2⁻²⁴: where a group's marks begin

    def __post_init__(self) -> None:
        wanted = (torch.float32, torch.int32, torch.uint8, torch.int32, torch.int64, torch.int32)
        for name, dtype in zip(self.__dataclass_fields__, wanted, strict=True):
            tensor: Tensor = getattr(self, name)
            if tensor.dtype != dtype or not tensor.is_contiguous() or tensor.device != self.score.device:
                raise ValueError(f"{name} is {tensor.dtype} on {tensor.device}: give it contiguous, as {dtype}")
        if len(self.score) > MOST_ROWS:
            raise ValueError(f"{len(self.score)} rows: judge at most {MOST_ROWS} in a call")
        if not len(self.posterior):
            raise ValueError("posterior has no bin: give at least 1")


@dataclass(frozen=True)
class Moves:
    """Which rows move where. No row is both a source and a target; entries beyond the count are undefined."""

    source: Int[Tensor, " move"]  # int32: the j-th moved row goes from source[j] ...
    target: Int[Tensor, " move"]  # ... to target[j]
    count: Int[Tensor, "2"]  # kept rows, moved rows

    @classmethod
    def given(cls, sources: Sequence[int], targets: Sequence[int], device: torch.device) -> "Moves":
        """Moves that are given."""
        lists = torch.tensor([[*sources], [*targets]], dtype=torch.int32).to(device)
        return cls(lists[0], lists[1], torch.tensor([0, len(sources)], dtype=torch.int32).to(device))


@dataclass(frozen=True)
class Plan(Moves):
    """The decision: which rows continue, and the moves that follow."""

    kept: UInt8[Tensor, " row"]
    probability: Int[Tensor, " row"]  # units of 2⁻²⁴
    order: Int[Tensor, " row"]  # the old place of each kept row; undefined beyond them


@dataclass(frozen=True)
class Cache:
    """The arrays that move with a row, in place: `pairs` by their valid tokens, `sides` whole. Made once for a cache.

    A pair is a layer's keys or values [row, head, token, width], of any element type, tokens without gaps; a side array
    is [row, ...], each row without gaps.
    """

    pairs: Sequence[Tensor]
    sides: Sequence[Tensor] = ()

    def __post_init__(self) -> None:
        for tensor in self.pairs:
            if tensor.dim() != 4 or tensor.stride(3) != 1 or tensor.stride(2) != tensor.shape[3]:
                raise ValueError(f"keys or values {list(tensor.shape)}, strides {tensor.stride()}: tokens have gaps")
        for tensor in self.sides:
            if tensor.dim() < 1 or not tensor[0].is_contiguous():
                raise ValueError(f"side array {list(tensor.shape)}, strides {tensor.stride()}: rows have gaps")
        if len({tensor.device for tensor in (*self.pairs, *self.sides)}) != 1:
            raise ValueError("the arrays of a cache lie on several devices, or there is none: give them on one")

    @cached_property
    def table(self) -> Int[Tensor, "plane 6"]:
        """Per array: address, bytes from row to row, from head to head, heads, of a token, of a row."""
        lines = []
        for tensor in self.pairs:
            row, head, token = (step * tensor.itemsize for step in tensor.stride()[:3])
            lines.append([tensor.data_ptr(), row, head, tensor.shape[1], token, 0])
        for tensor in self.sides:
            row = tensor.stride(0) * tensor.itemsize
            lines.append([tensor.data_ptr(), row, 0, 1, 0, tensor[0].numel() * tensor.itemsize])
        return torch.tensor(lines).to((*self.pairs, *self.sides)[0].device)

    @property
    def segments(self) -> int:
        """Most heads of any array."""
        return max([1, *(tensor.shape[1] for tensor in self.pairs)])

    @property
    def capacity(self) -> int:
        """Most bytes of a head, or of a side array's row."""
        heads = [tensor[0, 0].numel() * tensor.itemsize for tensor in self.pairs]
        return max([1, *heads, *(tensor[0].numel() * tensor.itemsize for tensor in self.sides)])


@runtime_checkable
class Compactor(Protocol):
    """Decides on rows and moves them. Neither waits for the device if avoidable."""

    def judge(
        self, rows: Judged, policy: Policy, head: Head | None = None, hidden: Float[Tensor, "row width"] | None = None
    ) -> Plan:
        """Decides by the rows' scores, which are first computed from `head` and `hidden` if these are given."""

    def move(self, cache: Cache, moves: Moves, length: Int[Tensor, " row"]) -> None:
        """Moves rows in place; `length [row]` int32 says how many tokens of each are valid. It may be a side array."""


@dataclass(frozen=True)
class TorchCompactor:
    """The reference: plain torch, on any device. It waits for the device."""

    def judge(
        self, rows: Judged, policy: Policy, head: Head | None = None, hidden: Float[Tensor, "row width"] | None = None
    ) -> Plan:
        """Decides; see `Compactor`."""
        if head is not None and hidden is not None:
            inner = (hidden.float() @ head.columns + head.first_bias).relu()
            rows.score.copy_((inner @ head.second + head.second_bias).sigmoid())
        likely = rows.posterior[compact_torch.bin_of(rows.score, len(rows.posterior))]
        places = (rows.state == JUDGED).nonzero().flatten()
        group = rows.group[places].long()
        noise = rows.noise[places]
        order = noise.argsort(stable=True)
        order = order[group[order].argsort(stable=True)]
        places, members = places[order], compact_torch.Members(group[order], likely[places[order]], len(rows.start))
        units = policy.units
        chance = compact_torch.probabilities(members, units)
        drawn = compact_torch.draw(members, chance, noise[order] >> (NOISE_BITS - 24), rows.start, units)
        small = (members.size < units.smallest)[members.group]
        kept = (rows.state != GONE).to(torch.uint8)
        probability = kept.int() * UNIT
        kept[places] = (drawn | small).to(torch.uint8)
        probability[places] = torch.where(small, UNIT, chance).int()
        source, target, order, count = compact_torch.numbered(kept)
        return Plan(source, target, count, kept, probability, order)

    def move(self, cache: Cache, moves: Moves, length: Int[Tensor, " row"]) -> None:
        """Moves; see `Compactor`."""
        count = int(moves.count[1])
        for source, target in zip(moves.source[:count].tolist(), moves.target[:count].tolist(), strict=True):
            tokens = int(length[source])
            for pair in cache.pairs:
                pair[target, :, :tokens] = pair[source, :, :tokens]
            for side in cache.sides:
                side[target] = side[source]
