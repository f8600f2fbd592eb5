"""`compact.cu` on an NVIDIA GPU: compiled at first use by NVRTC, kept on disk, launched on torch's current stream.

Needs no compiler on the machine: the extra `cuda` brings NVRTC. Whatever is missing or refused is a ValueError that
names it.
"""

import hashlib
import importlib
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.errors import extra
from workbench.pruning.kernel.compact import (
    GONE,
    JUDGED,
    MOST_UNITS,
    STAYS,
    UNIT,
    Cache,
    Compactor,
    Head,
    Judged,
    Moves,
    Plan,
    Policy,
    TorchCompactor,
)

SOURCE = Path(__file__).with_name("compact.cu")
NAMES = ("judge_rows", "move_rows")
OLDEST = (7, 5)  # compute capability
TILE, CHUNK = 8, 32768  # rows scored by a block, bytes copied by a block: as in the source
THREADS = 512
BLOCKS = 8  # of the copy, for each multiprocessor
MISSING = f"cuda-core or NVRTC is missing ({{error}}): {extra('cuda')}"


def cuda_core() -> ModuleType:
    """The package that binds NVRTC and the driver."""
    try:
        importlib.import_module("cuda.bindings.nvrtc")
        return importlib.import_module("cuda.core")
    except ImportError as error:
        raise ValueError(MISSING.format(error=error)) from error


def compile_source(arch: str) -> bytes:
    """The machine code for one architecture, such as "sm_90"; works without a GPU."""
    core = cuda_core()
    options = core.ProgramOptions(arch=arch, std="c++17")
    try:
        return bytes(core.Program(SOURCE.read_text(encoding="utf-8"), "c++", options).compile("cubin").code)
    except Exception as error:  # cuda-core's own errors share no other base
        raise ValueError(f"{SOURCE.name} could not be compiled for {arch}: {error}") from error


def folder() -> Path:
    """Where machine code is kept: rlvr-workbench/kernels in $XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rlvr-workbench" / "kernels"


def compiled(arch: str, kept: Path | None = None) -> bytes:
    """The machine code for an architecture, from disk if this very source was compiled before by this NVRTC."""
    kept = folder() if kept is None else kept
    known = f"{arch} {cuda_core().__version__} {nvrtc_version()}".encode()
    path = kept / f"{arch}-{hashlib.sha256(known + SOURCE.read_bytes()).hexdigest()[:24]}.cubin"
    if path.exists():
        return path.read_bytes()
    code = compile_source(arch)
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=kept, delete=False) as file:
        file.write(code)
    os.replace(file.name, path)  # whole or not at all, also with two processes at it
    return code


def load(arch: str) -> dict[str, Any]:
    """Both kernels on the current device."""
    core = cuda_core()
    try:
        code = core.ObjectCode.from_cubin(compiled(arch))
        return {name: code.get_kernel(name) for name in NAMES}
    except ValueError:
        raise
    except Exception as error:  # the disk's, or the driver's through cuda-core
        raise ValueError(f"the compiled kernel could not be kept in {folder()} or loaded: {error}") from error


def nvrtc_version() -> str:
    """The compiler's own version."""
    _, major, minor = importlib.import_module("cuda.bindings.nvrtc").nvrtcVersion()
    return f"{major}.{minor}"


def judge_arguments(rows: Judged, policy: Policy, plan: Plan, scored: list[Any], scratch: list[Tensor]) -> list[Any]:
    """What judge_rows takes, in its order: tensors and whole numbers; `scored` are its first seven arguments."""
    counts = (len(rows.state), len(rows.start))
    given = [rows.score, rows.posterior, len(rows.posterior), rows.state, rows.group, rows.noise, rows.start, *counts]
    made = [plan.probability, plan.kept, plan.source, plan.target, plan.order, plan.count]
    return [*scored, *given, *policy.units, *made, *scratch]


def head_arguments(head: Head | None, hidden: Float[Tensor, "row width"] | None) -> list[Any]:
    """The first seven arguments: states and weights, or nulls where the scores are given."""
    if head is None or hidden is None:
        return [0] * 7
    width, units = head.columns.shape
    if hidden.shape[1] != width:
        raise ValueError(f"hidden states of width {hidden.shape[1]}: the head was made for {width}")
    weights = [head.first_bias.float(), head.second.float(), head.second_bias.float()]
    return [hidden.float().contiguous(), head.columns, *weights, width, units]


def empty_plan(rows: int, device: torch.device) -> Plan:
    """Memory for a plan."""

    def numbers(count: int) -> Tensor:
        return torch.empty(count, dtype=torch.int32, device=device)

    kept = torch.empty(rows, dtype=torch.uint8, device=device)
    return Plan(numbers(rows), numbers(rows), numbers(2), kept, numbers(rows), numbers(rows))


def move_arguments(cache: Cache, moves: Moves, length: Int[Tensor, " row"]) -> list[Any]:
    """What move_rows takes, in its order."""
    if length.dtype != torch.int32 or not length.is_contiguous():
        raise ValueError(f"length is {length.dtype}: give it contiguous, as torch.int32")
    chunks = -(-cache.capacity // CHUNK)
    return [cache.table, len(cache.table), cache.segments, chunks, moves.count, moves.source, moves.target, length]


@dataclass
class CudaCompactor:
    """The kernel on one device. Two launches on torch's current stream, no wait for the device."""

    device: torch.device
    kernels: dict[str, Any] = field(init=False)
    ticket: Tensor = field(init=False)
    processors: int = field(init=False)

    def __post_init__(self) -> None:
        if self.device.type != "cuda" or not torch.cuda.is_available():
            raise ValueError(f"the kernel runs on an NVIDIA GPU, and {self.device} is none that torch can use")
        properties = torch.cuda.get_device_properties(self.device)
        version = (properties.major, properties.minor)
        if version < OLDEST or torch.version.cuda is None:
            raise ValueError(f"{properties.name} has compute capability {version}: the kernel needs {OLDEST} or more")
        with torch.cuda.device(self.device):
            self.ticket = torch.zeros(1, dtype=torch.int32, device=self.device)  # also makes torch's context current
            self.kernels = load(f"sm_{version[0]}{version[1]}")
        self.processors = properties.multi_processor_count

    def judge(
        self, rows: Judged, policy: Policy, head: Head | None = None, hidden: Float[Tensor, "row width"] | None = None
    ) -> Plan:
        """Decides; see `Compactor`. Only one stream at a time may use a compactor."""
        count = len(rows.state)
        plan = empty_plan(count, self.device)
        scored = head_arguments(head, hidden)
        shared = TILE * 4 * int(scored[6])
        if scored[6] > MOST_UNITS:
            raise ValueError(f"{scored[6]} hidden units: the kernel scores at most {MOST_UNITS}; use torch")
        blocks = max(1, -(-count // TILE)) if scored[6] else 1
        scratch = torch.empty(max(1, 3 * count), dtype=torch.int32, device=self.device)
        self.launch(NAMES[0], (blocks, shared), judge_arguments(rows, policy, plan, scored, [scratch, self.ticket]))
        return plan

    def move(self, cache: Cache, moves: Moves, length: Int[Tensor, " row"]) -> None:
        """Moves; see `Compactor`."""
        self.launch(NAMES[1], (BLOCKS * self.processors, 0), move_arguments(cache, moves, length))

    def launch(self, name: str, size: tuple[int, int], arguments: list[Any]) -> None:
        """Starts a kernel with (blocks, bytes of shared memory)."""
        core = cuda_core()
        strange = [item.device for item in arguments if isinstance(item, Tensor) and item.device != self.device]
        if strange:
            raise ValueError(f"{name} was given a tensor on {strange[0]}: all have to lie on {self.device}")
        stream = torch.cuda.current_stream(self.device)
        handle = core.Stream.from_handle(stream.cuda_stream or 1)  # 1 is the driver's name for the default stream
        config = core.LaunchConfig(grid=size[0], block=THREADS, shmem_size=size[1])
        plain = [item.data_ptr() if isinstance(item, Tensor) else int(item) for item in arguments]
        with torch.cuda.device(self.device):
            core.launch(handle, config, self.kernels[name], *plain)


def example(device: torch.device) -> tuple[Judged, Cache, Int[Tensor, " row"]]:
    """A small case with every kind of row: what the self-check and the tests run."""
    rows, groups, bins = 48, 4, 16
    noise = torch.Generator().manual_seed(0)
    score = torch.rand(rows, generator=noise)
    state = torch.full((rows,), JUDGED, dtype=torch.uint8)
    state[::7], state[1::7] = GONE, STAYS
    group = torch.randint(groups, (rows,), generator=noise, dtype=torch.int32)
    keys = torch.randint(1 << 53, (rows,), generator=noise)
    start = torch.randint(UNIT, (groups,), generator=noise, dtype=torch.int32)
    posterior = (torch.linspace(0.1, 0.8, bins) * UNIT).int()
    pairs = torch.rand(4, rows, 2, 9, 8, generator=noise).to(device)
    length = torch.randint(10, (rows,), generator=noise, dtype=torch.int32).to(device)
    tensors = [item.to(device) for item in (score, posterior, state, group, keys, start)]
    return Judged(*tensors), Cache(pairs.unbind(0), (length.clone(),)), length


def check(kernel: Compactor, device: torch.device) -> None:
    """Runs the kernel on a small case beside torch; ValueError if one bit differs, or if it does not run."""
    found = []
    for compactor in (kernel, TorchCompactor()):
        rows, cache, length = example(device)
        try:
            plan = compactor.judge(rows, Policy())
            compactor.move(cache, plan, length)
            kept, moved = plan.count.tolist()
        except Exception as error:  # whatever the driver says
            raise ValueError(f"the kernel did not run on {device}: {error}") from error
        lists = [plan.source[:moved], plan.target[:moved], plan.order[:kept]]
        found.append([plan.kept, plan.probability, plan.count, *lists, *cache.pairs, *cache.sides])
    for ours, theirs in zip(*found, strict=True):
        if not torch.equal(ours, theirs):
            raise ValueError("the kernel's self-check failed: it disagrees with torch, so it is switched off")
