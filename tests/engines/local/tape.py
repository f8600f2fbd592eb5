"""Stands in for CUDA graphs: records a step's operations, and does them again on the tensors they were done on.

As a graph does, it repeats no Python: a number, a shape or an address that has changed since is not seen. So before
each replay the step is also traced anew, and a trace that differs is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from workbench.engines.local.engine import LocalEngine
from workbench.engines.local.graphs import GraphDecoder, Step

#: Operations that make Python wait for a number of the device, or bring one there; no graph may hold them.
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "lift_fresh", "item"}


@dataclass(frozen=True)
class Call:
    """One operation that was done."""

    operation: Any
    given: tuple[tuple[Any, ...], dict[str, Any]]
    answer: Any


class Trace(TorchDispatchMode):
    """Notes the operations done within it, and what stands for them: see `sign`."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.signs: list[Any] = []
        self.inside: dict[int, Tensor] = {}  # tensors made within, kept so that no other gets their identity

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in WAITING, f"a step that is recorded does {name}"
        given = (args, kwargs or {})
        self.signs.append((str(func), [self.sign(value) for value in tree_leaves(given)]))
        answer = func(*given[0], **given[1])
        self.calls.append(Call(func, given, answer))
        self.inside |= {id(value): value for value in tree_leaves(answer) if isinstance(value, Tensor)}
        return answer

    def sign(self, value: Any) -> Any:
        """What a recording binds an operation to: plain values, shapes and strides, and where outer tensors lie."""
        if not isinstance(value, Tensor):
            return value
        outer = None if id(value) in self.inside else value.data_ptr()
        return value.dtype, tuple(value.shape), value.stride(), outer


class Tape:
    """A `Recorder`; `made` counts the recordings of all tapes since it was set to 0."""

    made = 0

    def __call__(self, step: Step) -> Step:
        step()  # as CUDA's warm-up does: what a step does to its rows must bear repetition
        with Trace() as trace:
            answer = step()
        Tape.made += 1

        def replay() -> Tensor:
            with Trace() as again:
                step()
            assert again.signs == trace.signs, "a step changed after it was recorded"
            answer.fill_(torch.nan)
            for call in trace.calls:
                repeat(call)
            return answer

        return replay


def repeat(call: Call) -> None:
    """Does an operation again; its answer goes where the first one went."""
    fresh = call.operation(*call.given[0], **call.given[1])
    for old, new in zip(tree_leaves(call.answer), tree_leaves(fresh), strict=True):
        if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():  # else a view, or done in place
            old.copy_(new)


def taped(engine: LocalEngine, recorder: Callable[[], Any] = Tape) -> LocalEngine:
    """An engine that replays recordings, as on a GPU."""
    engine.decoder = GraphDecoder(engine.decoder, recorder)
    return engine
