"""What scores and moves rows on a device: the CUDA kernel where it works, else torch, with the reason."""

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workbench.pruning.kernel.compact import Cache, Compactor, Moves
from workbench.pruning.kernel.nvrtc import CudaCompactor, check

Mover = Callable[[Sequence[int], Sequence[int], Sequence[int]], None]


@dataclass(frozen=True)
class Found:
    """The kernel on a device, or the reason why it is not used there."""

    kernel: Compactor | None
    reason: str = ""

    def need(self) -> Compactor:
        """The kernel; ValueError with the reason where there is none."""
        if self.kernel is None:
            raise ValueError(self.reason)
        return self.kernel

    def describe(self) -> str:
        """What scores and moves the rows on this device, as text."""
        if self.kernel is not None:
            return "rows are scored and moved by the CUDA kernel"
        return f"rows are scored and moved by torch, because {self.reason}"


@functools.cache
def find_kernel(device: torch.device) -> Found:
    """The kernel of a device, compiled and compared with torch once a process; not used if it differs in a bit."""
    try:
        kernel = CudaCompactor(device)
        check(kernel, device)
    except ValueError as error:
        return Found(None, str(error))
    return Found(kernel)


def bind(compact: Compactor, pairs: Sequence[Tensor], sides: Sequence[Tensor] = ()) -> Mover:
    """`compact` bound to one cache: a function of sources, targets and the sources' lengths.

    Its arguments are plain lists, so that an engine can use it without importing this package.
    """
    cache = Cache(pairs, sides)
    device = (*pairs, *sides)[0].device
    rows = len((*pairs, *sides)[0])

    def move(sources: Sequence[int], targets: Sequence[int], lengths: Sequence[int]) -> None:
        length = torch.zeros(rows, dtype=torch.int32)
        length[list(sources)] = torch.tensor(list(lengths), dtype=torch.int32)
        compact.move(cache, Moves.given(sources, targets, device), length.to(device))

    return move


def binder(device: torch.device) -> Callable[[Sequence[Tensor], Sequence[Tensor]], Mover] | None:
    """The function with which an engine on this device moves its rows: the kernel, to be bound to a cache, or None.

    Without it an engine copies rows by torch's indexing; on a GPU each call warns about that.
    """
    found = find_kernel(device)
    if found.kernel is not None:
        return functools.partial(bind, found.kernel)
    if device.type == "cuda":
        warnings.warn(f"pruning: {found.describe()}", RuntimeWarning, stacklevel=2)
    return None


def why_not() -> str:
    """Why the kernel is not used on this machine's first GPU; empty if it is used. For `workbench doctor`."""
    return find_kernel(torch.device("cuda", 0)).reason
