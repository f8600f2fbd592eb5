"""The pruning kernel on a GPU: bytes a second against a plain copy, seconds against `index_select` layer by layer.

`python -m benchmarks.compact_kernel` prints one JSON line. The kernel's bytes are the floor: read and written once for
every moved row, valid tokens only. `ratio` is index_select's seconds over the kernel's; `copy_share` its bytes a
second over those of a device-to-device copy in the same run; `judge_us` the time from hidden states to the plan, with
`launch_us`, that of an addition to one number, beside it. Without an NVIDIA GPU it says so and measures nothing.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks import common
from workbench.pruning.kernel.choice import find_kernel
from workbench.pruning.kernel.compact import JUDGED, UNIT, Cache, Compactor, Head, Judged, Policy


@dataclass(frozen=True)
class Setting:
    """What is pruned: keys and values as Qwen3-1.7B has them, if the memory allows."""

    rows: int = 128
    group: int = 16
    tokens: int = 640
    layers: int = 28
    heads: int = 8
    width: int = 128
    judged: int = 512  # rows of the timing of judge
    hidden: int = 1024
    units: int = 128
    repeats: int = 20
    inner: int = 10  # calls between two looks at the clock

    def row_bytes(self) -> int:
        """Keys and values of one row in two bytes each."""
        return 2 * self.layers * self.heads * self.tokens * self.width * 2


def wait(device: torch.device) -> None:
    """Until the device has done all it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(call: Callable[[], Any], setting: Setting, device: torch.device) -> float:
    """The median time of a call."""
    taken = []
    for _ in range(setting.repeats + 1):
        wait(device)
        begin = time.perf_counter()
        for _ in range(setting.inner):
            call()
        wait(device)
        taken.append((time.perf_counter() - begin) / setting.inner)
    return statistics.median(taken[1:])


def make_rows(count: int, group: int, device: torch.device) -> Judged:
    """Groups in a row, all to be judged."""
    generator = torch.Generator().manual_seed(0)
    groups = -(-count // group)
    tensors = (
        torch.rand(count, generator=generator),
        (torch.linspace(0.1, 0.9, 128) * UNIT).int(),
        torch.full((count,), JUDGED, dtype=torch.uint8),
        (torch.arange(count) // group).int(),
        torch.randint(1 << 53, (count,), generator=generator),
        torch.randint(UNIT, (groups,), generator=generator, dtype=torch.int32),
    )
    return Judged(*(tensor.to(device) for tensor in tensors))


def moving(compact: Compactor, setting: Setting, device: torch.device) -> dict[str, float]:
    """Moves the survivors of one pruning, again and again: what is moved stays where it was."""
    size = (2 * setting.layers, setting.rows, setting.heads, setting.tokens, setting.width)
    pairs: list[Tensor] = list(torch.zeros(size, dtype=torch.bfloat16, device=device).unbind(0))
    length = torch.full((setting.rows,), setting.tokens, dtype=torch.int32, device=device)
    cache = Cache(pairs)
    plan = compact.judge(make_rows(setting.rows, setting.group, device), Policy())
    kept, moved = plan.count.tolist()
    order = plan.order[:kept].long()

    def select() -> None:
        for pair in pairs:
            pair.index_select(0, order)

    source = torch.zeros(min(1 << 30, setting.rows * setting.row_bytes()), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    move = seconds(lambda: compact.move(cache, plan, length), setting, device)
    selected = seconds(select, setting, device)
    copied = seconds(lambda: target.copy_(source), setting, device)
    floor, copy = 2 * moved * setting.row_bytes() / move / 1e9, 2 * source.numel() / copied / 1e9
    return {
        "ratio": selected / move,
        "moved_rows": moved,
        "move_us": move * 1e6,
        "index_select_us": selected * 1e6,
        "move_gb_per_second": floor,
        "copy_gb_per_second": copy,
        "copy_share": floor / copy,
    }


def judging(compact: Compactor, setting: Setting, device: torch.device) -> dict[str, float]:
    """From hidden states to the plan."""
    rows = make_rows(setting.judged, setting.group, device)
    hidden = torch.randn(setting.judged, setting.hidden, device=device)
    first = torch.randn(setting.units, setting.hidden, device=device) / setting.hidden**0.5
    head = Head(first, first[:, 0].clone(), first[:, 1].clone(), torch.zeros((), device=device))
    one = torch.zeros(1, device=device)
    judge = seconds(lambda: compact.judge(rows, Policy(), head, hidden), setting, device)
    given = seconds(lambda: compact.judge(rows, Policy()), setting, device)
    launch = seconds(lambda: one.add_(1), setting, device)
    return {"judge_us": judge * 1e6, "judge_given_scores_us": given * 1e6, "launch_us": launch * 1e6}


def measure(compact: Compactor, setting: Setting, device: torch.device) -> dict[str, Any]:
    """All numbers of the line."""
    numbers = {**moving(compact, setting, device), **judging(compact, setting, device)}
    return {"measured": True, **{name: round(value, 3) for name, value in numbers.items()}, "setting": asdict(setting)}


def fitting(device: torch.device) -> Setting:
    """The default, with half the rows as often as the free memory asks for."""
    free, rows = torch.cuda.mem_get_info(device)[0], Setting().rows
    while rows > 16 and 2 * rows * Setting().row_bytes() > free:
        rows //= 2
    return Setting(rows=rows)


def main() -> None:
    """Measures, or says that there is nothing to measure on."""
    given = common.options(__doc__ or "").parse_args()
    if not torch.cuda.is_available():
        common.publish("compact_kernel", {"measured": False, "reason": "not measured: no NVIDIA GPU"}, save=False)
        return
    device = torch.device("cuda", 0)
    common.publish("compact_kernel", measure(find_kernel(device).need(), fitting(device), device), save=given.save)


if __name__ == "__main__":
    main()
