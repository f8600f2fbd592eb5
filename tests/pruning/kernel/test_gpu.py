"""The kernel on a GPU, against torch on the CPU; and that its benchmarks work, on whatever machine."""

import json
import subprocess
import sys

import pytest
import torch

from benchmarks import compact_kernel
from scripts.sources import ROOT
from tests.pruning.kernel.cases import Case, make_case
from workbench.pruning.compact import Cache, Compactor, Head, Judged, Policy, TorchCompactor, compactor

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU: the kernel cannot run here")
GPU = torch.device("cuda", 0)


def on(case: Case, device: torch.device) -> Case:
    """A copy of a case on another device, gaps and offsets included."""
    memory = [tensor.clone().to(device) for tensor in case.memory]

    def moved(tensor: torch.Tensor, number: int) -> torch.Tensor:
        under = memory[number].view(tensor.dtype)
        return under.as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())

    tensors = [*case.cache.pairs, *case.cache.sides]
    there = [moved(tensor, number) for number, tensor in enumerate(tensors)]
    count = len(case.cache.pairs)
    names = ("score", "posterior", "state", "group", "noise", "start")
    rows = Judged(*(getattr(case.rows, name).clone().to(device) for name in names))
    return Case(rows, case.policy, Cache(there[:count], there[count:]), there[-1], memory)


def check_cases(compact: Compactor, seeds: range, device: torch.device) -> None:
    """Runs cases on a device, and compares them with torch on the CPU."""
    for seed in seeds:
        case = on(make_case(seed), device)
        plan = compact.judge(case.rows, case.policy)
        compact.move(case.cache, plan, case.length.clone())
        kept, moved = plan.count.tolist()
        again = make_case(seed)
        wanted = TorchCompactor().judge(again.rows, again.policy)
        assert plan.kept.tolist() == wanted.kept.tolist()
        assert plan.probability.tolist() == wanted.probability.tolist()
        assert plan.source[:moved].tolist() == wanted.source[:moved].tolist()
        assert plan.target[:moved].tolist() == wanted.target[:moved].tolist()
        assert plan.order[:kept].tolist() == wanted.order[:kept].tolist()
        TorchCompactor().move(again.cache, wanted, again.length.clone())
        assert all(torch.equal(a.cpu(), b) for a, b in zip(case.memory, again.memory, strict=True))


def test_a_copied_case_is_the_same_case() -> None:
    check_cases(TorchCompactor(), range(5), torch.device("cpu"))


@needs_gpu
def test_random_cases_on_the_gpu() -> None:
    check_cases(compactor("cuda", GPU), range(200), GPU)


@needs_gpu
def test_large_groups_on_the_gpu() -> None:
    for size in (33, 512, 1024):
        rows = compact_kernel.make_rows(2 * size, size, GPU)
        found, wanted = (compact.judge(rows, Policy()) for compact in (compactor("cuda", GPU), TorchCompactor()))
        assert torch.equal(found.kept, wanted.kept)
        assert torch.equal(found.probability, wanted.probability)


@needs_gpu
def test_scores_on_the_gpu() -> None:
    torch.manual_seed(0)
    head = Head(
        *(item.to(GPU) for item in (torch.randn(100, 70) / 8, torch.randn(100), torch.randn(100), torch.ones(())))
    )
    hidden = torch.randn(77, 70, device=GPU)
    rows, same = compact_kernel.make_rows(77, 11, GPU), compact_kernel.make_rows(77, 11, GPU)
    kernel = compactor("cuda", GPU)
    for _ in range(3):  # each launch finds the ticket as the first did
        plan = kernel.judge(rows, Policy(), head, hidden)
        TorchCompactor().judge(same, Policy(), head, hidden)
        torch.testing.assert_close(rows.score, same.score, rtol=1e-4, atol=1e-5)
        assert torch.equal(plan.kept, TorchCompactor().judge(rows, Policy()).kept)


def test_the_benchmark_measures() -> None:
    tiny = compact_kernel.Setting(16, 4, 5, 1, 1, 8, 8, 6, 3, repeats=1, inner=1)
    line = compact_kernel.measure(TorchCompactor(), tiny, torch.device("cpu"))
    assert line["moved_rows"] > 0
    assert line["ratio"] > 0
    json.dumps(line)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: `make gpu-check` measures")
@pytest.mark.parametrize("name", ["compact_kernel", "gpu_check"])
def test_without_a_gpu_nothing_is_claimed(name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--save"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    line = json.loads(answer.stdout)
    assert line["measured"] is False
    assert "not measured" in line["reason"]
    assert "ratio" not in line
