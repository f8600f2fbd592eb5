"""Whether what a run needs fits into the memory that is free."""

from typing import Literal

from workbench.config import RunConfig
from workbench.models.size import size_of
from workbench.planning.memory import Assumed, Component, components, device_of, peak

Fit = Literal["fits", "tight", "does not fit"]
#: Share of the free memory up to which a run fits: the rest is for the allocator's gaps and the forecast's error.
ROOMY = 0.9


def need(config: RunConfig, assumed: Assumed) -> tuple[tuple[Component, ...], int, str]:
    """(components, bytes of the peak, phase of the peak)."""
    refuse(config)
    parts = components(config, size_of(config.model), device_of(config.model), assumed)
    return (tuple(parts), *peak(parts))


def refuse(config: RunConfig) -> None:
    """Raises ValueError for an engine whose memory cannot be forecast."""
    if config.rollouts.engine not in ("local", "generate", "vllm"):
        raise ValueError(
            f"rollouts.engine = {config.rollouts.engine!r}: no engine whose memory can be forecast; "
            "set it to local, generate or vllm"
        )


def fit_of(need: int, free: int) -> Fit:
    """Whether `need` bytes fit into `free` bytes.

    >>> fit_of(80, 100), fit_of(95, 100), fit_of(101, 100)
    ('fits', 'tight', 'does not fit')
    """
    if need > free:
        return "does not fit"
    return "fits" if need <= ROOMY * free else "tight"
