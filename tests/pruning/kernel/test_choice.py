"""Who judges and moves rows: what an engine is given, what is said where the kernel is not used, and that all agree."""

import copy
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

import numpy as np
import pytest
import torch

from tests.engines.engine_models import make_requests, qwen3
from tests.pruning.kernel.emulator import Grid, Script, build, run
from tests.pruning.worlds import World, sampling
from workbench.commands.shared.checkup import PARTS, Part, checkup, describe, examined
from workbench.engines.local.engine import LocalEngine
from workbench.kinds import BoundPruner
from workbench.pruning import arrol
from workbench.pruning.arrol import Arrol
from workbench.pruning.kernel import choice
from workbench.pruning.kernel.choice import Found, bind, binder, find_kernel, why_not
from workbench.pruning.kernel.compact import Cache, Compactor, Moves, TorchCompactor
from workbench.pruning.kernel.nvrtc import cuda_core
from workbench.pruning.kernel.together import Chance, head_on, judge_group, rows_of
from workbench.types import Sampling, State

HERE, GPU = torch.device("cpu"), torch.device("cuda", 0)
PRUNER = Arrol(detect=16, warm_up=3, learning_rate=1e-2, bins=16, buffer=512)


@pytest.fixture(autouse=True)
def _looked_for_anew() -> Iterator[None]:
    find_kernel.cache_clear()
    yield
    find_kernel.cache_clear()


@pytest.fixture(scope="module")
def taught() -> State:
    """A pruner's state after its warm-up."""
    return World().run(PRUNER, 5)[0]


@dataclass(frozen=True)
class Counting(TorchCompactor):
    """Counts the rows it moves."""

    moved: list[int] = field(default_factory=list)

    def move(self, cache: Cache, moves: Moves, length: torch.Tensor) -> None:
        self.moved.append(int(moves.count[1]))
        super().move(cache, moves, length)


@pytest.mark.parametrize("decoder", ["fused", "modules"])
def test_an_engine_writes_the_same_through_a_compactor(decoder: Literal["fused", "modules"]) -> None:
    """Finished rows and pruned ones are moved by it, and nothing else changes."""
    counting = Counting()
    plain = LocalEngine(qwen3(), decoder=decoder)
    bound = LocalEngine(qwen3(), decoder=decoder, binder=partial(bind, counting))
    assert counting.moved, "the engine verifies its decoder over moved rows"
    counting.moved.clear()
    asked = Sampling(max_tokens=16, stop=tuple(range(300, 330)), seed=1, step=1)
    for pruner in (None, Arrol(detect=4, rule="random", warm_up=0)):
        states = [None if pruner is None else BoundPruner(pruner, pruner.init()) for _ in range(2)]
        left = plain.generate(make_requests(6), asked, states[0])
        right = bound.generate(make_requests(6), asked, states[1])
        assert [(one.tokens, one.finish) for one in left] == [(one.tokens, one.finish) for one in right]
        assert [one.engine_logprob for one in left] == [one.engine_logprob for one in right]
    assert any(one.finish == "pruned" for one in right)
    assert sum(counting.moved) > 10


def test_without_a_gpu_the_reason_is_named() -> None:
    assert binder(HERE) is None  # and nobody is warned: there is nothing to install
    assert "NVIDIA GPU" in find_kernel(HERE).reason
    assert find_kernel(HERE).describe().startswith("rows are scored and moved by torch, because the kernel runs on")
    with pytest.raises(ValueError, match="NVIDIA GPU"):
        find_kernel(HERE).need()
    if not torch.cuda.is_available():
        assert "NVIDIA GPU" in why_not()
        with pytest.warns(RuntimeWarning, match=r"moved by torch, because .*NVIDIA GPU"):
            assert binder(GPU) is None


def test_a_working_kernel_is_bound_and_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(choice, "CudaCompactor", lambda device: made.append(device) or TorchCompactor())
    for _ in range(2):
        move = binder(HERE)
    assert made == [HERE]
    assert move is not None
    assert find_kernel(HERE).describe() == "rows are scored and moved by the CUDA kernel"
    pairs = torch.arange(4.0)[:, None, None, None].expand(4, 1, 3, 2).clone()
    move([pairs], ())([3], [0], [2])
    assert pairs[0, 0, :, 0].tolist() == [3, 3, 0]


@dataclass(frozen=True)
class Wrong(TorchCompactor):
    """Moves one byte too many."""

    def move(self, cache: Cache, moves: Moves, length: torch.Tensor) -> None:
        super().move(cache, moves, length)
        cache.pairs[-1][0, 0, 0, 0] += 1


def test_a_kernel_that_disagrees_is_switched_off_and_loudly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "CudaCompactor", lambda device: Wrong())
    reason = "the kernel's self-check failed: it disagrees with torch, so it is switched off"
    assert find_kernel(HERE) == Found(None, reason)
    assert binder(HERE) is None
    state, _ = World().run(PRUNER, 1)
    assert PRUNER.events(state)[0] == f"pruning: rows are scored and moved by torch, because {reason}"


def test_without_the_compiler_torch_goes_on_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.core", None)
    monkeypatch.setitem(sys.modules, "cuda.bindings.nvrtc", None)

    def load(device: torch.device) -> Compactor:
        cuda_core()  # as the real one does, after it has looked at the device
        return TorchCompactor()

    monkeypatch.setattr(choice, "CudaCompactor", load)
    state, steps = World().run(PRUNER, 5)
    assert any(
        "in the project's folder: pip install -e '.[cuda]'" in text for text in PRUNER.events(World().run(PRUNER, 1)[0])
    )
    assert any(rollout.finish == "pruned" for group in steps[-1] for rollout in group.rollouts)
    assert state["status"] == "on"


def test_the_doctor_names_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_kernel", lambda device: Found(None, "the fan is off"))
    part = Part("json", "the pruning kernel on a GPU", "", probe="workbench.pruning.kernel.choice:why_not")
    assert examined(part)["unused"] == "the fan is off"
    kernel = next(part for part in PARTS if part.module == "cuda.core")
    assert kernel.probe == "workbench.pruning.kernel.choice:why_not"
    found = {**checkup(), "parts": [examined(part)]}
    assert "works  json: the pruning kernel on a GPU (not used: the fan is off)" in describe(found)


# ----------------------------------------------------------------------------------- a group in one launch


def decisions(pruner: Arrol, state: State, groups: int) -> list[tuple[list[bool], list[dict[str, float]]]]:
    """What a pruner says of the groups of a step."""
    world, own = World(groups=groups, seed=3), copy.deepcopy(state)
    return [pruner(own, world.partial(9, number), sampling(9)) for number in range(groups)]


@pytest.mark.parametrize("draw", ["fixed", "bernoulli"])
@pytest.mark.parametrize("rule", ["group", "sign", "paper", "random"])
def test_one_launch_decides_as_the_pieces_do(
    taught: State, rule: str, draw: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same survivors and, to the kernel's units, the same probabilities; scores and posteriors alike."""
    pruner = replace(PRUNER, rule=rule, draw=draw)
    pieces = decisions(pruner, taught, 60)
    monkeypatch.setattr(arrol, "find_kernel", lambda device: Found(TorchCompactor()))
    together = decisions(pruner, taught, 60)
    assert any(not all(keep) for keep, _ in pieces)
    differ = sum(left[0] != right[0] for left, right in zip(pieces, together, strict=True))
    assert differ <= 1  # of 60 groups: a mark may fall within 2^-12 of a border
    for (_, left), (_, right) in zip(pieces, together, strict=True):
        for name, tolerance in (("score", 1e-6), ("posterior", 1e-6), ("survival", 3e-4), ("u", 0.0)):
            ours, theirs = ([record[name] for record in records] for records in (left, right))
            np.testing.assert_allclose(ours, theirs, atol=tolerance)


def test_the_kernels_own_source_decides_alike(taught: State, tmp_path) -> None:
    """Hidden states in, survivors out: what the pruner hands over, through the kernel compiled for the CPU."""
    head, table = head_on(taught["head"], HERE), PRUNER.table(taught)
    scripts, plans, wanted = [], [], []
    for number in range(6):
        hidden = World(seed=3).partial(9, number).hidden.clone()  # a memory of its own, as the emulation wants it
        uniform = np.random.default_rng(number).random(8)
        rows, again = (rows_of(table, Chance(uniform, 0.3), HERE) for _ in range(2))
        script = Script()
        plans.append((rows, script.judge(rows, PRUNER.policy(0.0), Grid(2, 64), head, hidden)))
        scripts.append(script)
        wanted.append(judge_group(TorchCompactor(), PRUNER.policy(0.0), head, hidden, again))
    run(build("address"), scripts, tmp_path)
    for (rows, plan), verdict in zip(plans, wanted, strict=True):
        assert plan.kept.bool().tolist() == verdict.keep.tolist()
        np.testing.assert_allclose(rows.score.numpy(), verdict.score, atol=1e-6)
        assert int(plan.kept.sum()) == 4
