"""The kernel on a GPU, against torch on the CPU; and that its benchmarks work, on whatever machine."""

import copy
import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from benchmarks import compact_kernel
from scripts.sources import ROOT
from tests.engines.engine_models import build, make_policy, make_requests
from tests.pruning.kernel.cases import Case, make_case
from tests.pruning.worlds import World, sampling
from workbench.engines.local.engine import LocalEngine
from workbench.kinds import BoundPruner
from workbench.pruning.arrol import Arrol
from workbench.pruning.kernel.choice import binder, find_kernel
from workbench.pruning.kernel.compact import Cache, Compactor, Head, Judged, Policy, TorchCompactor
from workbench.types import Sampling

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
    check_cases(find_kernel(GPU).need(), range(200), GPU)


@needs_gpu
def test_large_groups_on_the_gpu() -> None:
    for size in (33, 512, 1024):
        rows = compact_kernel.make_rows(2 * size, size, GPU)
        found, wanted = (compact.judge(rows, Policy()) for compact in (find_kernel(GPU).need(), TorchCompactor()))
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
    kernel = find_kernel(GPU).need()
    for _ in range(3):  # each launch finds the ticket as the first did
        plan = kernel.judge(rows, Policy(), head, hidden)
        TorchCompactor().judge(same, Policy(), head, hidden)
        torch.testing.assert_close(rows.score, same.score, rtol=1e-4, atol=1e-5)
        assert torch.equal(plan.kept, TorchCompactor().judge(rows, Policy()).kept)


@needs_gpu
def test_the_engine_moves_rows_by_the_kernel() -> None:
    """Finished and pruned rows: the same rollouts as with torch's copy, to the last digit."""
    policy = make_policy(build(Qwen3ForCausalLM, Qwen3Config).to(GPU))
    asked = Sampling(max_tokens=16, stop=tuple(range(300, 330)), seed=1, step=1)
    move = binder(GPU)
    assert move is not None
    for pruner in (None, Arrol(detect=4, rule="random", warm_up=0)):
        found = []
        for engine in (LocalEngine(policy), LocalEngine(policy, binder=move)):
            bound = None if pruner is None else BoundPruner(pruner, pruner.init())
            rollouts = engine.generate(make_requests(6), asked, bound)
            found.append([(one.tokens, one.finish, one.engine_logprob) for one in rollouts])
        assert found[0] == found[1]


@needs_gpu
def test_the_pruner_decides_on_the_gpu_as_on_the_cpu() -> None:
    """A launch for each group, hidden states in and survivors out; a mark may fall within 2^-12 of a border."""
    pruner = Arrol(detect=16, warm_up=3, learning_rate=1e-2, bins=16, buffer=512)
    state, _ = World().run(pruner, 5)
    world, differ = World(groups=60, seed=3), 0
    for number in range(60):
        here = world.partial(9, number)
        there = dataclasses.replace(here, hidden=here.hidden.to(GPU))
        left, right = (pruner(copy.deepcopy(state), partial, sampling(9)) for partial in (here, there))
        differ += left[0] != right[0]
        names = ("score", "posterior", "survival")
        ours, theirs = ([[record[name] for name in names] for record in side[1]] for side in (left, right))
        ours, theirs = np.array(ours), np.array(theirs)
        np.testing.assert_allclose(ours[:, 0], theirs[:, 0], atol=1e-5)
        if np.allclose(ours[:, 1], theirs[:, 1], atol=1e-6):  # else a score fell into the next bin
            np.testing.assert_allclose(ours[:, 2], theirs[:, 2], atol=3e-4)
    assert differ <= 4


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
