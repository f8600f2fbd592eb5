"""Which columns of a record are rewards: those whose sum, within groups, gives the advantage that is recorded too."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from typing import Any

import numpy

from workbench.runs.exchange.foreign import Options

MOST = 10  # columns of numbers of which all combinations are tried
NEAR = 2e-3  # relative to the largest advantage: TRL adds 1e-4 to the deviation, and float32 rounds

Table = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Found:
    """Weights of the reward columns by name; `size` of a group of consecutive rows, 0 where it is not known."""

    weights: Mapping[str, float]
    size: int = 0


def find_rewards(tables: Sequence[Table], own: Sequence[str], options: Options) -> Found:
    """The columns that are rewards, as they are given, or as the advantages tell; what is not told is noted.

    GRPO's advantage is a group's sum of rewards less its mean, over a deviation or none: the smallest set of columns
    whose sum is so in every group is taken. ValueError for a column that is given and not there.
    """
    rows = [row for table in tables for row in table]
    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name not in own]
    numbers = [name for name in names if is_number(rows, name)]
    size = group_size(tables)
    if options.rewards is not None:
        absent = sorted(set(options.rewards) - set(numbers))
        if absent:
            raise ValueError(
                f"--rewards {absent[0]}: no such column of numbers; there are: {', '.join(numbers) or 'none'}"
            )
        return Found(options.rewards, matching(tables, list(options.rewards), size) or 0)
    sets = fitting(tables, numbers, size)
    named = [each for each in sets if all("reward" in name.lower() for name in each[0])]
    sets = named if len(named) == 1 else sets
    if len(sets) == 1:
        return Found(dict.fromkeys(sets[0][0], 1.0), sets[0][1])
    called = [name for name in numbers if "reward" in name.lower()]
    chosen = numbers if len(numbers) == 1 else called if called and not sets else []
    if not chosen and numbers:
        options.notes.append(
            f"which columns are rewards is not recorded, and the advantages do not tell ({', '.join(numbers)}): the "
            "rewards are left out; name them, with weights where they have some: --rewards NAME,NAME=0.5"
        )
    return Found(dict.fromkeys(chosen, 1.0))


def is_number(rows: Table, name: str) -> bool:
    """Whether a column holds numbers, and nothing else but gaps."""
    values = [row.get(name) for row in rows]
    known = [value for value in values if value is not None]
    return bool(known) and all(isinstance(value, bool | int | float) for value in known)


def group_size(tables: Sequence[Table]) -> int:
    """The largest size that groups of consecutive rows with one prompt may have; 0 where none stand together."""
    runs = [len(list(same)) for table in tables for _, same in groupby(str(row.get("prompt")) for row in table)]
    return math.gcd(*(run for run in runs if run > 1))


def sizes(largest: int) -> Iterator[int]:
    """Sizes of groups that divide the largest, that first; no group of one has an advantage."""
    return (size for size in range(largest, 1, -1) if largest % size == 0)


def fitting(tables: Sequence[Table], names: Sequence[str], largest: int) -> list[tuple[tuple[str, ...], int]]:
    """The smallest sets of columns that reproduce the advantages, with the size of a group."""
    for count in range(1, len(names) + 1 if len(names) <= MOST else 2):
        found = [(chosen, size) for chosen in combinations(names, count) if (size := matching(tables, chosen, largest))]
        if found:
            return found
    return []


def matching(tables: Sequence[Table], names: Sequence[str], largest: int) -> int:
    """The size of groups at which the columns' sum reproduces the advantages; 0 where it does at none."""
    for size in sizes(largest):
        pairs = [pair for table in tables for pair in pairs_of(table, names, size)]
        moved = [pair for pair in pairs if numpy.abs(pair[1]).max() > NEAR]
        if moved and all(agrees(*pair) for pair in pairs):
            return size
    return 0


def pairs_of(table: Table, names: Sequence[str], size: int) -> Iterator[tuple[Any, Any]]:
    """Summed rewards and advantages of every group of a table, both [size]; groups with a gap are left out."""
    for start in range(0, len(table) - size + 1, size):
        rows = table[start : start + size]
        known = [[number(row.get(name)) for name in names] for row in rows]
        advantage = numpy.array([number(row.get("advantage")) for row in rows])
        summed = numpy.array([numpy.nan if numpy.isnan(row).all() else numpy.nansum(row) for row in known])
        if not (numpy.isnan(advantage).any() or numpy.isnan(summed).any()):
            yield summed, advantage


def agrees(reward: Any, advantage: Any) -> bool:
    """Whether advantages are rewards less their mean, times a number above 0: then they point the same way."""
    centred = reward - reward.mean()
    scale = float(centred @ centred)
    if scale <= 1e-12:
        return bool(numpy.abs(advantage).max() <= NEAR)
    factor = float(advantage @ centred) / scale
    return factor > 0 and bool(
        numpy.abs(advantage - factor * centred).max() <= NEAR * max(1.0, numpy.abs(advantage).max())
    )


def number(value: Any) -> float:
    """A finite number, or nan."""
    found = float(value) if isinstance(value, bool | int | float) else math.nan
    return found if math.isfinite(found) else math.nan
