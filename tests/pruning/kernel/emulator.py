"""Runs `compact.cu` on the CPU: compiles it behind `cuda_on_cpu.hpp` and hands it the arguments a GPU would get."""

import functools
import itertools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from workbench.pruning.kernel import nvrtc
from workbench.pruning.kernel.compact import Cache, Head, Judged, Plan, Policy

HERE = Path(__file__).parent
SANITIZERS = {
    "address": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "address, ucontext": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DFIBRES_BY_UCONTEXT"],
    "thread": ["-fsanitize=thread", "-DREAL_THREADS"],
}
UNWRITTEN = -77  # what outputs hold before a kernel runs


@functools.cache
def build(sanitizer: str, source: Path = nvrtc.SOURCE) -> Path:
    """The program that runs cases; skips the test where no g++ with this sanitizer is at hand."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed: the kernel cannot be compiled for the CPU")
    program = Path(tempfile.mkdtemp(prefix="kernel-")) / "harness"
    flags = ["-std=c++17", "-O1", "-g1", "-Wall", "-Wextra", "-Werror", "-pthread", *SANITIZERS[sanitizer]]
    command = [compiler, *flags, f'-DKERNEL_SOURCE="{source}"', str(HERE / "harness.cpp"), "-o", str(program)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if "cannot find -l" in made.stderr or "cannot find lib" in made.stderr:
        pytest.skip(f"g++ has no library for -fsanitize={sanitizer}")
    assert made.returncode == 0, made.stderr[-4000:]
    return program


@dataclass(frozen=True)
class Grid:
    """How a kernel is started."""

    blocks: int = 1
    threads: int = 32
    reverse: bool = False


@dataclass
class Script:
    """The launches of one case, and the memory they work on: the tensors' own, written back afterwards."""

    storages: list[np.ndarray[Any, Any]] = field(default_factory=list)
    places: dict[int, int] = field(default_factory=dict)
    fills: list[int] = field(default_factory=list)
    launches: list[list[int]] = field(default_factory=list)
    held: list[Tensor] = field(default_factory=list)  # so that no address is given to another tensor

    def judge(
        self, rows: Judged, policy: Policy, grid: Grid, head: Head | None = None, hidden: Tensor | None = None
    ) -> Plan:
        """Adds a launch of judge_rows; the plan is filled in by `run`."""
        plan = nvrtc.empty_plan(len(rows.state), torch.device("cpu"))
        for tensor in (plan.probability, plan.source, plan.target, plan.order, plan.count):
            tensor.fill_(UNWRITTEN)
        scored = nvrtc.head_arguments(head, hidden)
        scratch = [torch.full((3 * len(rows.state),), UNWRITTEN, dtype=torch.int32), torch.zeros(1, dtype=torch.int32)]
        arguments = nvrtc.judge_arguments(rows, policy, plan, scored, scratch)
        self.launch(0, grid, nvrtc.TILE * 4 * scored[6], arguments)
        return plan

    def move(self, cache: Cache, plan: Plan, length: Tensor, grid: Grid) -> None:
        """Adds a launch of move_rows."""
        arguments = nvrtc.move_arguments(cache, plan, length)
        table = cache.table.clone()
        for line, tensor in enumerate((*cache.pairs, *cache.sides)):
            table[line, 0] = tensor.storage_offset() * tensor.itemsize
            self.fills += [self.buffer(table), table.shape[1] * line, self.buffer(tensor)]
        self.launch(1, grid, 0, [table, *arguments[1:]])

    def launch(self, kernel: int, grid: Grid, shared: int, arguments: list[Any]) -> None:
        """Notes a launch."""
        words = [kernel, grid.blocks, grid.threads, shared, int(grid.reverse), len(arguments)]
        for item in arguments:
            words += [1, self.buffer(item)] if isinstance(item, Tensor) else [0, int(item)]
        self.launches.append(words)

    def buffer(self, tensor: Tensor) -> int:
        """The number of the memory in which a tensor lies."""
        self.held.append(tensor)
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in self.places or not storage.nbytes():
            self.places[storage.data_ptr()] = len(self.storages)
            self.storages.append(torch.empty(0, dtype=torch.uint8).set_(storage).numpy())  # type: ignore[call-overload]
        return self.places[storage.data_ptr()]

    def write(self) -> bytes:
        """The case as the harness reads it."""
        parts = [np.int64(len(self.storages)).tobytes()]
        for storage in self.storages:
            content = storage.tobytes()
            parts += [np.int64(len(content)).tobytes(), content, bytes(-len(content) % 8)]
        words = [len(self.fills) // 3, *self.fills, len(self.launches), *itertools.chain(*self.launches)]
        return b"".join([*parts, np.array(words, dtype=np.int64).tobytes()])

    def read(self, content: bytes) -> bytes:
        """Writes the results into the tensors; what is left is the next case's."""
        for storage in self.storages:
            storage[:] = np.frombuffer(content[: storage.nbytes], dtype=np.uint8)
            content = content[storage.nbytes :]
        return content


def attempt(program: Path, scripts: list[Script], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs cases; the results lie in `folder`."""
    (folder / "cases").write_bytes(np.int64(len(scripts)).tobytes() + b"".join(script.write() for script in scripts))
    command = [str(program), str(folder / "cases"), str(folder / "results")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def run(program: Path, scripts: list[Script], folder: Path) -> None:
    """Runs cases and fills in what they wrote; a sanitizer's complaint fails the test."""
    answer = attempt(program, scripts, folder)
    assert answer.returncode == 0, answer.stderr[-6000:]
    content = memoryview((folder / "results").read_bytes())
    for script in scripts:
        content = script.read(content)  # type: ignore[assignment, arg-type]
    assert not len(content)
