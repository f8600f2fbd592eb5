"""Survival, draw and numbering of `compact.cu` in torch: integers only, all groups at once.

Judged rows stand sorted by (group, noise). Where the kernel takes Newton's steps this bisects: both look for the same
whole number.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

UNIT, SLOPE_BITS = 1 << 24, 12
SLOPE_UNIT = 1 << SLOPE_BITS
FAR = 1 << 32  # beyond every shift
GROUP, SIGN, PAPER, RANDOM = range(4)
FIXED = 0

PerGroup = Int[Tensor, " group"]
PerMember = Int[Tensor, " member"]


class Units(NamedTuple):
    """A policy in integer units, in the order of the kernel's arguments."""

    rule: int
    draw: int
    keep: int
    target: int
    least: int
    most: int
    slope: int
    steepest: int
    shift: int
    smallest: int


@dataclass(frozen=True)
class Members:
    """The scored rows: their groups, ascending, and posteriors in units."""

    group: PerMember
    likely: Int[Tensor, " member"]
    groups: int

    def sum(self, values: PerMember) -> PerGroup:
        """A sum for each group."""
        zeros = torch.zeros(self.groups, dtype=torch.int64, device=values.device)
        return zeros.index_add(0, self.group, values.long())

    @cached_property
    def size(self) -> PerGroup:
        """Rows of each group."""
        return self.sum(torch.ones_like(self.group))

    @cached_property
    def first(self) -> PerGroup:
        """Where each group begins."""
        return self.size.cumsum(0) - self.size

    def before(self, values: PerMember) -> PerMember:
        """The sum of the values before each row in its group."""
        running = values.cumsum(0) - values
        begins = torch.cat((running, running.new_zeros(1)))[self.first.clamp(max=len(running))]
        return running - begins[self.group]


def bin_of(score: Float[Tensor, " row"], bins: int) -> Int[Tensor, " row"]:
    """min(bins - 1, floor(bins · score)); a nan falls into the first.

    >>> bin_of(torch.tensor([0.0, 0.26, 1.0, float("nan")]), 4).tolist()
    [0, 1, 3, 0]
    """
    place = torch.where(score > 0, score * bins, 0.0)
    return place.clamp(max=bins - 1).long()


def wanted_sum(units: Units, size: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
    """The target sum of the probabilities of a group: an integer if the number of survivors is fixed.

    >>> units = Units(0, FIXED, UNIT // 2, 0, UNIT // 10, UNIT, 0, 0, 0, 4)
    >>> (wanted_sum(units, torch.tensor([4, 5])) // UNIT).tolist()
    [2, 3]
    """
    total = units.keep * size
    if units.draw == FIXED:
        total = (2 * total + UNIT) // (2 * UNIT) * UNIT
    return torch.minimum(torch.maximum(total, size * units.least), size * units.most)


def line(members: Members, units: Units, slope: PerGroup) -> PerMember:
    """The probabilities without bounds and without a shift."""
    return units.keep + ((slope[members.group] * (units.target - members.likely.long())) >> SLOPE_BITS)


def clipped(members: Members, units: Units, slope: PerGroup, shift: PerGroup) -> PerMember:
    """The probabilities, in units."""
    return (line(members, units, slope) + shift[members.group]).clamp(units.least, units.most)


def solve_shift(members: Members, units: Units, slope: PerGroup) -> PerGroup:
    """The largest shift at which the probabilities of a group add up to no more than wanted."""
    wanted, base = wanted_sum(units, members.size), line(members, units, slope)
    low, zeros = torch.full_like(wanted, -FAR), torch.zeros_like(wanted)
    high = -low
    for _ in range((2 * FAR).bit_length()):
        middle = (low + high) >> 1
        chance = (base + middle[members.group]).clamp(units.least, units.most)
        fits = zeros.index_add(0, members.group, chance) <= wanted
        low, high = torch.where(fits, middle, low), torch.where(fits, high, middle)
    return low


def excess(members: Members, units: Units, slope: PerGroup) -> PerGroup:
    """Σ p (posterior - target): above 0 where the survivors' mean lies above the target."""
    chance = clipped(members, units, slope, solve_shift(members, units, slope))
    return members.sum(chance * (members.likely.long() - units.target))


def solve_slope(members: Members, units: Units) -> PerGroup:
    """The rule's slope for each group; that of `group` is bisected, since the survivors' mean falls as it rises."""
    zero = torch.zeros_like(members.size)
    if units.rule == PAPER:
        return zero + units.slope
    if units.rule == RANDOM:
        return zero
    if units.rule == SIGN:
        return members.sum(members.likely.long() - units.target).sign() * units.slope
    low, high = zero - units.steepest, zero + units.steepest
    # the end of the range where the target is not reachable, 0 where all are equal
    at_low, at_high = excess(members, units, low) <= 0, excess(members, units, high) >= 0
    lowest = torch.full_like(zero, UNIT).scatter_reduce(0, members.group, members.likely.long(), "amin")
    alike = members.sum(members.likely.long()) == lowest * members.size
    while bool((high - low > 1).any()):
        middle = (low + high) >> 1
        above = excess(members, units, middle) > 0
        going = high - low > 1
        low, high = torch.where(going & above, middle, low), torch.where(going & ~above, middle, high)
    found = torch.where(at_low, -units.steepest, torch.where(at_high, units.steepest, low))
    return torch.where(alike, 0, found)


def probabilities(members: Members, units: Units) -> PerMember:
    """Survival probabilities in units; the rounding error of the sum goes to the first rows that are at no bound."""
    slope = solve_slope(members, units)
    if units.rule == PAPER:
        return clipped(members, units, slope, torch.full_like(slope, units.shift))
    shift = solve_shift(members, units, slope)
    chance = clipped(members, units, slope, shift)
    value = line(members, units, slope) + shift[members.group]
    free = ((value >= units.least) & (value < units.most)).long()
    left = wanted_sum(units, members.size) - members.sum(chance)
    return chance + free * (members.before(free) < left[members.group])


def draw(
    members: Members, chance: PerMember, uniform: PerMember, start: Int[Tensor, " group"], units: Units
) -> Bool[Tensor, " member"]:
    """The survivors. A fixed number: the probabilities are laid end to end, and marks one unit apart select them."""
    if units.draw != FIXED:
        return uniform < chance
    offset = members.before(chance) - 1 - start.long()[members.group]
    return torch.as_tensor((offset + chance) // UNIT > offset // UNIT)


def numbered(
    kept: UInt8[Tensor, " row"],
) -> tuple[Int[Tensor, " row"], Int[Tensor, " row"], Int[Tensor, " row"], Int[Tensor, "2"]]:
    """Sources, targets, order and counts: the j-th kept row at the end moves into the j-th hole at the front.

    >>> source, target, order, count = numbered(torch.tensor([1, 0, 1, 0, 1], dtype=torch.uint8))
    >>> source[:1].tolist(), target[:1].tolist(), order[:3].tolist(), count.tolist()
    ([4], [1], [0, 4, 2], [3, 1])
    """
    stays = kept.bool()
    count = int(stays.sum())
    target = (~stays[:count]).nonzero().flatten()
    source = count + stays[count:].nonzero().flatten()
    order = torch.arange(len(kept), device=kept.device)
    order[target] = source

    def whole_list(values: Tensor) -> Tensor:
        return torch.cat((values, values.new_zeros(len(kept) - len(values)))).int()

    counts = torch.tensor([count, len(source)], dtype=torch.int32, device=kept.device)
    return whole_list(source), whole_list(target), whole_list(order), counts
