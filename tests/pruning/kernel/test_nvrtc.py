"""NVRTC compiles the kernel, without a GPU; and what is said where something is missing."""

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from workbench.errors import extra
from workbench.pruning.kernel import nvrtc
from workbench.pruning.kernel.compact import Cache, Head, Judged, Moves, Plan, Policy, TorchCompactor

ARCHITECTURES = ("sm_75", "sm_80", "sm_86", "sm_89", "sm_90", "sm_100", "sm_120")


@pytest.fixture
def _compiler() -> None:
    for package in ("cuda.core", "cuda.bindings.nvrtc"):
        pytest.importorskip(package, reason=f"cuda-core or NVRTC is not installed; {extra('cuda')}")


@pytest.mark.usefixtures("_compiler")
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_it_compiles(arch: str) -> None:
    code = nvrtc.compile_source(arch)
    assert code[:4] == b"\x7fELF"
    assert all(name.encode() in code for name in nvrtc.NAMES)


@pytest.mark.usefixtures("_compiler")
def test_an_error_of_the_compiler_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "compact.cu"
    broken.write_text("wrong", encoding="utf-8")
    monkeypatch.setattr(nvrtc, "SOURCE", broken)
    with pytest.raises(ValueError, match=r"compact\.cu could not be compiled for sm_90(.|\n)*wrong"):
        nvrtc.compile_source("sm_90")


@pytest.mark.usefixtures("_compiler")
def test_code_is_kept_for_each_device_and_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[str] = []

    def count(arch: str) -> bytes:
        made.append(arch)
        return f"{arch} {len(made)}".encode()

    monkeypatch.setattr(nvrtc, "compile_source", count)
    first = nvrtc.compiled("sm_90", tmp_path)
    assert nvrtc.compiled("sm_90", tmp_path) == first
    assert nvrtc.compiled("sm_80", tmp_path) != first
    changed = tmp_path / "changed.cu"
    changed.write_bytes(nvrtc.SOURCE.read_bytes() + b"\n")
    monkeypatch.setattr(nvrtc, "SOURCE", changed)
    assert nvrtc.compiled("sm_90", tmp_path) != first
    assert made == ["sm_90", "sm_80", "sm_90"]
    assert len(list(tmp_path.glob("*.cubin"))) == 3


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.core", None)
    monkeypatch.setitem(sys.modules, "cuda.bindings.nvrtc", None)
    with pytest.raises(ValueError, match=r"in the project's folder: pip install -e '\.\[cuda\]'$"):
        nvrtc.cuda_core()


@dataclass
class Wrong(nvrtc.CudaCompactor):
    """Answers like torch, but for one moved byte or a driver's complaint."""

    complaint: str = ""

    def __post_init__(self) -> None:
        self.inner = TorchCompactor()

    def judge(self, rows: Judged, policy: Policy, head: Head | None = None, hidden: torch.Tensor | None = None) -> Plan:
        if self.complaint:
            raise RuntimeError(self.complaint)
        return self.inner.judge(rows, policy)

    def move(self, cache: Cache, moves: Moves, length: torch.Tensor) -> None:
        self.inner.move(cache, moves, length)
        cache.pairs[-1][0, 0, 0, 0] += 1


@pytest.mark.parametrize(("complaint", "text"), [("", "disagrees with torch"), ("no kernel image", "no kernel image")])
def test_the_self_check_switches_a_wrong_kernel_off(complaint: str, text: str) -> None:
    device = torch.device("cpu")
    with pytest.raises(ValueError, match=text):
        nvrtc.check(Wrong(device, complaint=complaint), device)


def test_the_self_checks_case_moves_and_prunes() -> None:
    rows, _, _ = nvrtc.example(torch.device("cpu"))
    plan = TorchCompactor().judge(rows, Policy())
    assert 0 < int(plan.count[1]) < int(plan.count[0]) < int((rows.state > 0).sum())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU: the kernel cannot run here")
def test_it_runs_on_the_gpu() -> None:
    device = torch.device("cuda", 0)
    nvrtc.check(nvrtc.CudaCompactor(device), device)
