"""`forecast(config)`: whether a run fits into memory, and what it writes, before anything is loaded or downloaded."""

from dataclasses import asdict, dataclass
from typing import Any

import psutil
import torch

from workbench.config import RunConfig
from workbench.models.size import Size, size_of
from workbench.planning.advice import cheapest
from workbench.planning.disk import Disk, disk
from workbench.planning.fit import Fit, fit_of, need
from workbench.planning.memory import GIB, Assumed, Component, amount, device_of

PHASES = {
    "sampling": "while rollouts are generated",
    "updating": "in an update",
    "comparing": "in an update, during the reference pass",
    "reading": "in an update, while logits are computed",
    "passing": "in an update, in the backward pass",
    "stepping": "in the optimiser's step",
}


@dataclass(frozen=True)
class Forecast:
    """Memory by component, what is free, and whether it fits; disk. All in bytes."""

    device: str
    size: Size
    components: tuple[Component, ...]
    peak: int
    phase: str  # of the peak
    free: int
    fit: Fit
    advice: str  # the cheapest change that makes it fit; "" where it does
    disk: Disk
    assumed: Assumed

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def describe(self) -> list[str]:
        """The forecast as lines of text: whether it fits, then memory by component and disk."""
        need, free = self.peak / GIB, self.free / GIB
        lines = [f"{self.fit}: {need:.2f} GiB at the peak, {PHASES[self.phase]}; {free:.2f} GiB free on {self.device}"]
        lines += [f"to make it fit: {self.advice}"] if self.advice else []
        for when, title in {"always": "all the time", **PHASES}.items():
            parts = [part for part in self.components if part.when == when and part.bytes]
            lines += [f"memory {title}"] if parts else []
            lines += [f"  {part.name:16}{amount(part.bytes):>10}  {part.how}" for part in parts]
        lines.append("disk")
        kept = {"a recorded step": self.disk.step, "a checkpoint": self.disk.checkpoint, "in all": self.disk.total}
        kept |= {"the exams, once": self.disk.exam} if self.disk.exam else {}
        lines += [f"  {name:16}{amount(size):>10}  at most" for name, size in kept.items()]
        lines.append(f"assumed: prompts of {self.assumed.prompt} tokens, every completion of the maximum length")
        return lines


def forecast(config: RunConfig, memory: int | None = None, assumed: Assumed | None = None) -> Forecast:
    """Forecasts a run. `memory`: free bytes; None queries the device. Reads the model's config.json and nothing else.

    Raises:
        ValueError: if config.json cannot be read, or the device is not on this machine and `memory` is not given.
    """
    assumed = assumed or Assumed()
    device = device_of(config.model)
    free = free_memory(device) if memory is None else memory
    found = need(config, assumed)
    fit = fit_of(found[1], free)
    return Forecast(
        device=device,
        size=size_of(config.model),
        components=found[0],
        peak=found[1],
        phase=found[2],
        free=free,
        fit=fit,
        advice=cheapest(config, free, assumed) if fit != "fits" else "",
        disk=disk(config, size_of(config.model), assumed.prompt),
        assumed=assumed,
    )


def free_memory(device: str) -> int:
    """Free bytes of a device of this machine. ValueError where torch finds no such device."""
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "model.device = 'cuda', and torch finds no GPU here: give the memory to plan for, as in --memory 8, or set "
            "model.device = 'auto'"
        )
    return int(torch.cuda.mem_get_info()[0]) if device == "cuda" else int(psutil.virtual_memory().available)
