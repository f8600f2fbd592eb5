"""The kernel's own source against torch, compiled for the CPU under sanitizers."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.pruning.kernel.cases import Case, compare, make_case, queue, same_lists
from tests.pruning.kernel.emulator import Grid, Script, attempt, build, run
from workbench.pruning.kernel import nvrtc
from workbench.pruning.kernel.compact import GONE, JUDGED, STAYS, Head, Judged, Policy
from workbench.pruning.kernel.compact import TorchCompactor as Reference

QUICK, SOAK, THREADED = 240, 4000, 50


def check_seeds(seeds: range, sanitizer: str, folder: Path, blocks: int = 1) -> None:
    """Runs the cases of these seeds and compares each with torch."""
    cases = [make_case(seed) for seed in seeds]
    queued = [queue(case, seed, blocks) for case, seed in zip(cases, seeds, strict=True)]
    run(build(sanitizer), [script for script, _ in queued], folder)
    for case, (_, plan), seed in zip(cases, queued, seeds, strict=True):
        compare(case, plan, make_case(seed))


def check_cases(cases: list[Case], again: list[Case], folder: Path) -> None:
    """The same for given cases."""
    queued = [queue(case, number) for number, case in enumerate(cases)]
    run(build("address"), [script for script, _ in queued], folder)
    for case, (_, plan), other in zip(cases, queued, again, strict=True):
        compare(case, plan, other)


def test_random_cases_agree_with_torch(tmp_path: Path) -> None:
    check_seeds(range(QUICK), "address", tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("part", range(8))
def test_thousands_of_cases_agree_with_torch(part: int, tmp_path: Path) -> None:
    size = SOAK // 8
    check_seeds(range(1000 + part * size, 1000 + (part + 1) * size), "address", tmp_path, blocks=1 + part % 2)


def test_fibres_by_ucontext_do_the_same(tmp_path: Path) -> None:
    check_seeds(range(3), "address, ucontext", tmp_path)


def test_threads_do_not_race(tmp_path: Path) -> None:
    check_small("thread", range(3), tmp_path)


@pytest.mark.soak
def test_many_threads_do_not_race(tmp_path: Path) -> None:
    check_small("thread", range(3, THREADED), tmp_path)


def check_small(sanitizer: str, seeds: range, folder: Path) -> None:
    """Small cases, with real threads."""
    sizes = [(1 + 5 * seed % 23, 1 + seed % 2) for seed in seeds]
    cases = [make_case(seed, *size) for seed, size in zip(seeds, sizes, strict=True)]
    queued = [queue(case, seed, blocks=2) for case, seed in zip(cases, seeds, strict=True)]
    run(build(sanitizer), [script for script, _ in queued], folder)
    for case, (_, plan), seed, size in zip(cases, queued, seeds, sizes, strict=True):
        compare(case, plan, make_case(seed, *size))


def test_every_small_group_size(tmp_path: Path) -> None:
    sizes = [*range(1, 36), 63, 64, 65]
    check_cases([make_case(size, size, 1) for size in sizes], [make_case(size, size, 1) for size in sizes], tmp_path)


@pytest.mark.soak
def test_large_groups(tmp_path: Path) -> None:
    sizes = [*range(66, 257, 7), 511, 512, 1023, 1024]
    check_cases([make_case(size, size, 1) for size in sizes], [make_case(size, size, 1) for size in sizes], tmp_path)


@pytest.mark.parametrize("state", [GONE, STAYS])
def test_nobody_is_judged(state: int, tmp_path: Path) -> None:
    cases = [make_case(5, 40, 3), make_case(5, 40, 3)]
    for case in cases:
        case.rows.state.fill_(state)
    check_cases(cases[:1], cases[1:], tmp_path)


def test_all_are_pruned(tmp_path: Path) -> None:
    policy = Policy(keep=0.001, least=0.0, smallest=1)
    case, again = (replace(make_case(6, 30, 2), policy=policy) for _ in range(2))
    for each in (case, again):
        each.rows.state.fill_(JUDGED)
    script, plan = queue(case, 0)
    run(build("address"), [script], tmp_path)
    assert plan.count.tolist() == [0, 0]
    compare(case, plan, again)


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    scripts, plans, orders = [], [], []
    for turn in range(4):
        case = make_case(11, 90, 7)
        case.rows.noise.copy_(torch.randperm(1 << 10, generator=torch.Generator().manual_seed(0))[:90] << 43)
        order = torch.randperm(90, generator=torch.Generator().manual_seed(turn))
        script = Script()
        plans.append(script.judge(permuted(case.rows, order), Policy(smallest=2), Grid(threads=96)))
        scripts.append(script)
        orders.append(order)
    run(build("address"), scripts, tmp_path)
    by_name = [
        torch.empty_like(plan.kept).scatter(0, order, plan.kept) for plan, order in zip(plans, orders, strict=True)
    ]
    assert all(torch.equal(by_name[0], other) for other in by_name)
    assert 0 < int(by_name[0].sum()) < 90


def permuted(rows: Judged, order: torch.Tensor) -> Judged:
    """The same rows in another order."""
    return Judged(
        rows.score[order], rows.posterior, rows.state[order], rows.group[order], rows.noise[order], rows.start
    )


@pytest.mark.parametrize(("width", "units"), [(1, 1), (37, 20), (70, 150)])
def test_scores_are_the_heads(width: int, units: int, tmp_path: Path) -> None:
    torch.manual_seed(units)
    head = Head(torch.randn(units, width) / width**0.5, torch.randn(units), torch.randn(units), torch.randn(()))
    hidden = torch.randn(21, width)
    wanted = make_case(3, 21, 2).rows
    Reference().judge(wanted, Policy(), head, hidden)
    found = []
    for blocks, threads in ((1, 32), (2, 96), (5, 256), (1, 32)):
        rows = make_case(3, 21, 2).rows
        script = Script()
        plan = script.judge(rows, Policy(), Grid(blocks, threads), head, hidden)
        run(build("address"), [script], tmp_path)
        torch.testing.assert_close(rows.score, wanted.score, rtol=1e-5, atol=1e-6)
        same_lists(plan, Reference().judge(rows, Policy()))  # after the score, to the bit
        found.append(rows.score)
    assert torch.equal(found[0], found[3])


BREAKS = {
    "copies too much": ("size = bytes < CHUNK ? bytes : CHUNK", "size = CHUNK"),
    "numbers too many": ("out.target[holes + below(hole)] = (int)row", "out.target[rows + holes + below(hole)] = 0"),
    "leaves the loop early": ("    if (threadIdx.x < 32) make_plan", "    if (threadIdx.x < 31) make_plan"),
}


@pytest.mark.soak
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_kernel_is_caught(name: str, tmp_path: Path) -> None:
    answer = run_changed(*BREAKS[name], "address", tmp_path)
    assert answer != "", "the change went unseen"
    assert "AddressSanitizer" in answer or "emulation:" in answer


def test_a_copy_beyond_the_buffer_is_caught(tmp_path: Path) -> None:
    assert "heap-buffer-overflow" in run_changed(*BREAKS["copies too much"], "address", tmp_path)


@pytest.mark.soak
def test_a_missing_barrier_is_caught(tmp_path: Path) -> None:
    barrier = "    __syncthreads();\n    for (i64 number = threadIdx.x >> 5"
    assert "data race" in run_changed(barrier, barrier.split("\n")[1], "thread", tmp_path)


def run_changed(old: str, new: str, sanitizer: str, folder: Path) -> str:
    """What a changed kernel makes a sanitizer say."""
    text = nvrtc.SOURCE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    changed = folder / "changed.cu"
    changed.write_text(text.replace(old, new), encoding="utf-8")
    scripts = [queue(make_case(seed, 40, 3), seed, blocks=2)[0] for seed in range(2, 5)]
    return attempt(build(sanitizer, changed), scripts, folder).stderr
