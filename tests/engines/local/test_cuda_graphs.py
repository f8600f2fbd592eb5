"""How steps are recorded as CUDA graphs: what is asked of torch.cuda and in which order, without a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch

from workbench.engines.local.graphs import CudaGraphs


class Machine:
    """What `CudaGraphs` asks of torch.cuda, noting the order."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def wait_stream(self, other: "Machine") -> None:
        self.notes.append("wait")

    def replay(self) -> None:
        self.notes.append("replay")

    @contextmanager
    def within(self, *given: Any, **keywords: Any) -> Iterator[None]:
        """Stands for a stream or a recording that is under way."""
        name = keywords.get("capture_error_mode", "stream")
        self.notes.append(name)
        yield
        self.notes.append(f"end {name}")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """In the place of a GPU."""
    found = Machine()
    for name in ("Stream", "current_stream", "CUDAGraph"):
        monkeypatch.setattr(torch.cuda, name, lambda *given: found)
    for name in ("graph", "stream"):
        monkeypatch.setattr(torch.cuda, name, found.within)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 1))
    return found


def test_cuda_warms_up_beside_records_and_replays(machine):
    replay = CudaGraphs(torch.device("cuda", 0))(lambda: machine.notes.append("step") or torch.ones(1))
    warm = ["wait", "stream", "step", "step", "end stream"]
    assert machine.notes == [*warm, "thread_local", "step", "end thread_local", "wait"]
    assert replay() is replay()
    assert machine.notes[-2:] == ["replay", "replay"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("operation not permitted when stream is capturing"), r"not permitted .*local.graphs = false"),
        (torch.OutOfMemoryError("CUDA out of memory"), "^CUDA out of memory$"),
    ],
)
def test_what_cuda_does_not_record_is_told_with_the_remedy(machine, error, told):
    def step() -> torch.Tensor:
        raise error

    with pytest.raises((ValueError, torch.OutOfMemoryError), match=told):
        CudaGraphs(torch.device("cuda", 0))(step)
