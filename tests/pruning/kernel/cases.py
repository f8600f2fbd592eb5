"""Random rows to judge and to move, and what torch makes of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tests.pruning.kernel.emulator import UNWRITTEN, Grid, Script
from workbench.pruning.kernel.compact import DRAWS, GONE, JUDGED, RULES, STAYS, UNIT, Cache, Judged, Plan, Policy
from workbench.pruning.kernel.compact import TorchCompactor as Reference

Random = np.random.Generator
ELEMENTS = (torch.bfloat16, torch.float16, torch.float32, torch.uint8, torch.int8, torch.float8_e4m3fn)


@dataclass
class Case:
    """Rows, a cache of keys and values, and how to decide."""

    rows: Judged
    policy: Policy
    cache: Cache
    length: Tensor
    memory: list[Tensor]  # bytes under the cache, those between and beside the rows included


def make_rows(random: Random, count: int, groups: int, states: tuple[float, ...] = (0.1, 0.1, 0.8)) -> Judged:
    """Rows in any order; now and then with ties of scores and of noise, and with scores that are no numbers."""
    bins = int(random.choice([1, 5, 32, 128]))
    score = random.random(count)
    if random.random() < 0.3:
        score = np.round(score * 4) / 4
    if random.random() < 0.1 and count:
        score[random.integers(count)] = np.nan
    rising, halves = np.sort(random.random(bins)), np.full(bins, 0.5)
    shapes = (rising, random.random(bins), halves, rising / 4, halves / 2 + np.arange(bins) % 2 / 2)
    likely = shapes[int(random.choice(5, p=[0.3, 0.3, 0.1, 0.1, 0.2]))]
    noise = random.integers(1 << 53, size=count)
    if random.random() < 0.2:
        noise = noise >> 50 << 50
    start = random.integers(UNIT, size=groups)
    if random.random() < 0.4:  # marks on borders
        start = random.choice([0, UNIT // 2, UNIT - 1], size=groups)
    return Judged(
        torch.tensor(score, dtype=torch.float32),
        torch.tensor(np.floor(likely * UNIT), dtype=torch.int32),
        torch.tensor(random.choice([GONE, STAYS, JUDGED], size=count, p=states), dtype=torch.uint8),
        torch.tensor(random.integers(max(1, groups), size=count), dtype=torch.int32),
        torch.tensor(noise, dtype=torch.int64),
        torch.tensor(start, dtype=torch.int32),
    )


def make_policy(random: Random) -> Policy:
    """Any policy."""
    keep = float(random.choice([0.25, 0.5, 0.75, random.uniform(0.01, 1)]))
    least, most = random.choice([(0.1, 0.9), (0.0, 1.0), (0.0, keep), (keep, keep)])
    return Policy(
        rule=str(random.choice(RULES, p=[0.6, 0.2, 0.1, 0.1])),
        draw=str(random.choice(DRAWS)),
        keep=keep,
        target=float(random.choice([random.random(), 0.5])),
        least=min(float(least), keep),
        most=max(float(most), keep),
        slope=float(random.uniform(0, 4)),
        steepest=float(random.choice([2.0, 8.0, 64.0])),
        shift=float(random.normal() / 4),
        smallest=int(random.choice([1, 2, 4])),
    )


def bytes_under(random: Random, count: int, memory: list[Tensor]) -> Tensor:
    """Random bytes, noted in `memory`."""
    memory.append(torch.from_numpy(random.integers(256, size=count, dtype=np.uint8)))
    return memory[-1]


def make_pair(random: Random, rows: int, memory: list[Tensor]) -> Tensor:
    """A layer's keys [row, head, token, width] amid other bytes; heads and rows with gaps."""
    element = ELEMENTS[int(random.integers(len(ELEMENTS)))]
    heads, tokens = int(random.integers(1, 4)), int(random.integers(1, 12))
    width = int(random.choice([8, 16, 24, 64])) // element.itemsize
    gap = int(random.choice([0, 1, 2])) * 8 // element.itemsize
    head, begin = tokens * width + gap, int(random.choice([0, 2, 4])) * 8 // element.itemsize
    row = heads * head + gap
    under = bytes_under(random, (begin + rows * row + 8) * element.itemsize, memory).view(element)
    return under.as_strided((rows, heads, tokens, width), (row, head, width, 1), begin)


def make_cache(random: Random, rows: int, layers: int = 2) -> tuple[Cache, Tensor, list[Tensor]]:
    """A cache, the rows' valid tokens, and the bytes under it."""
    memory: list[Tensor] = []
    pairs = [make_pair(random, rows, memory) for _ in range(layers)]
    length = torch.tensor(random.integers(min(pair.shape[2] for pair in pairs) + 1, size=rows), dtype=torch.int32)
    tokens = bytes_under(random, rows * 20, memory).view(torch.int32).view(rows, 5)
    odd = bytes_under(random, rows * 5, memory).view(rows, 5)[:, 1:4]
    return Cache(pairs, (tokens, odd, length)), length, [*memory, length]


def make_case(seed: int, count: int | None = None, groups: int | None = None) -> Case:
    """The case of a seed; the same each time."""
    random = np.random.default_rng(seed)
    count = int(random.choice([1, random.integers(2, 40), random.integers(40, 110)])) if count is None else count
    groups = int(random.integers(0, 1 + count // 3)) if groups is None else groups
    states = (0.1, 0.1, 0.8) if groups else (0.4, 0.6, 0.0)
    rows = make_rows(random, count, groups, states)
    policy = make_policy(random)
    return Case(rows, policy, *make_cache(random, count, int(random.integers(1, 4))))


def queue(case: Case, seed: int, blocks: int = 1) -> tuple[Script, Plan]:
    """Both launches of a case, in some shape."""
    script = Script()
    threads, reverse = 32 * (1 + seed % 3), bool(seed & 1)
    plan = script.judge(case.rows, case.policy, Grid(blocks, threads, reverse))
    script.move(case.cache, plan, case.length, Grid(1 + seed % 5, 32 * (1 + seed % 2), reverse))
    return script, plan


def same_lists(found: Plan, wanted: Plan) -> None:
    """Fails unless two plans agree to the bit, and nothing was written behind the lists' ends."""
    assert found.count.tolist() == wanted.count.tolist()
    assert found.kept.tolist() == wanted.kept.tolist()
    assert found.probability.tolist() == wanted.probability.tolist()
    kept, moved = wanted.count.tolist()
    for name, end in (("source", moved), ("target", moved), ("order", kept)):
        numbers: Any = getattr(found, name).tolist()
        assert numbers[:end] == getattr(wanted, name).tolist()[:end], name
        behind = numbers[end:]
        if name != "target":  # holes without a mover are numbered too
            assert behind == [UNWRITTEN] * len(behind), name


def compare(case: Case, plan: Plan, again: Case) -> None:
    """Fails unless the kernel did to `case` what torch does to the same case made `again`."""
    reference = Reference()
    wanted = reference.judge(again.rows, again.policy)
    same_lists(plan, wanted)
    reference.move(again.cache, wanted, again.length.clone())
    for found, right in zip(case.memory, again.memory, strict=True):
        assert torch.equal(found, right)
