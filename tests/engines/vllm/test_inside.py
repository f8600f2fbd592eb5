"""The stop rule inside vLLM: its decision is the pruner's, and rows keep theirs whatever place they have."""

import base64
from types import SimpleNamespace
from typing import Any

import pytest
import safetensors.torch
import torch

from workbench.engines.base import Job
from workbench.engines.detection import Detection
from workbench.engines.vllm.gate import Gate
from workbench.engines.vllm.generation import read_hidden
from workbench.engines.vllm.inside import Stopper, StopRule
from workbench.kinds import BoundPruner, Partial
from workbench.pruning.arrol import Arrol
from workbench.pruning.quality import make_head
from workbench.types import Problem, Request, Sampling, State

WIDTH, STOP, TOKENS = 6, 3, 8
SAMPLING = Sampling(max_tokens=64, seed=5, step=30)


def taught(pruner: Arrol) -> State:
    """A state in which a head and a table have been learnt, and prune."""
    generator = torch.Generator().manual_seed(1)
    head = make_head(torch.randn(64, WIDTH, generator=generator), 16, seed=2)
    head["second"] = torch.randn(16, generator=generator)
    bins = torch.arange(pruner.bins)
    return {
        **pruner.init(),
        "head": head,
        "right": (3 * bins).tolist(),
        "wrong": (3 * bins.flip(0)).tolist(),
        "auc": 0.9,
        "shift": 0.1,
    }


def order_of(state: State, pruner: Arrol, jobs: list[Job]) -> dict[str, Any]:
    """What vLLM's process is told of a pruner."""
    bound = BoundPruner(pruner, state)
    gate = Gate.of(bound, Detection(bound, [], SAMPLING), SAMPLING)
    told: dict[str, Any] = gate.order(jobs)["stop_rule"]
    return told


def job(number: int, index: int, given: int = 0, limit: int = 64) -> Job:
    request = Request(Problem("p", "", ""), (1,), group=0, number=number)
    return Job(index, request, index, limit, [9] * given, [0.0] * given, [0.0] * given)


@pytest.mark.parametrize("rule", ["paper", "random"])
def test_its_word_is_the_pruners(rule: str) -> None:
    pruner = Arrol(detect=4, rule=rule, draw="bernoulli", warm_up=0, min_group=2)  # type: ignore[arg-type]
    state, hidden = taught(pruner), torch.randn(200, WIDTH, generator=torch.Generator().manual_seed(3))
    request = Request(Problem("p", "", ""), (1,), group=0, number=7, n=200)
    keep, records = pruner(
        state,
        Partial(0, [request] * 200, list(range(200)), [[1] * 4] * 200, [[0.0] * 4] * 200, hidden),
        SAMPLING,
    )
    stop_rule = StopRule()
    stop_rule.take(order_of(state, pruner, [job(7, index) for index in range(200)]), STOP)
    assert [stop_rule.decide(row, hidden[row]) for row in range(200)] == keep
    assert 20 < sum(keep) < 180
    assert len({record["survival"] for record in records}) > (5 if rule == "paper" else 0)
    assert [stop_rule.decide(row, hidden[row].bfloat16().float()) for row in range(200)] != [True] * 200


def test_in_the_warm_up_every_rollout_continues() -> None:
    pruner = Arrol(detect=4, rule="paper", draw="bernoulli", warm_up=40)
    stop_rule = StopRule()
    stop_rule.take(order_of(pruner.init(), pruner, [job(0, index) for index in range(50)]), STOP)
    assert all(stop_rule.decide(row, torch.randn(WIDTH)) for row in range(50))


def test_who_is_asked_when() -> None:
    """By tokens that are still to be drawn; never where the answer ends before, or began beyond."""
    pruner = Arrol(detect=8, rule="random", draw="bernoulli")
    jobs = [job(0, 0), job(0, 1, given=3), job(0, 2, given=8), job(0, 3, limit=8), job(0, 4, limit=9)]
    told = order_of(pruner.init(), pruner, jobs)
    assert told["left"] == [8, 5, None, None, 8]
    assert len(told["marks"]) == 5
    assert safetensors.torch.load(base64.b64decode(told["head"])) == {}


class Batch:
    """A stopper whose stop rule lets even rows continue at two tokens."""

    def __init__(self, rows: int) -> None:
        class Own(Stopper):
            stop_rule = StopRule()

        marks = [row % 2 for row in range(rows)]
        self.stop_rule = Own.stop_rule
        self.stop_rule.take({"left": [2] * rows, "marks": marks, "threshold": [1], "head": empty()}, STOP)
        self.stopper = Own(None, None, False)
        self.written: list[list[int]] = [[] for _ in range(rows)]

    def update(self, removed: Any = (), added: Any = (), moved: Any = ()) -> None:
        came = [(place, SimpleNamespace(extra_args={"row": row}), None, self.written[row]) for place, row in added]
        gone = [(start, end, SimpleNamespace(name=how)) for start, end, how in moved]
        self.stopper.update_state(SimpleNamespace(removed=removed, added=came, moved=gone))

    def stopped(self, count: int) -> list[int]:
        """The places that have no choice."""
        self.stop_rule.states = torch.arange(count)[:, None] * torch.ones(WIDTH)
        logits = self.stopper.apply(torch.zeros(count, TOKENS))
        forced = [place for place in range(count) if logits[place].isinf().any()]
        for place in forced:
            assert logits[place].argmax() == STOP
            assert logits[place].isinf().sum() == TOKENS - 1
        return forced


def empty() -> str:
    return base64.b64encode(safetensors.torch.save({})).decode()


def test_rows_are_followed_to_their_places() -> None:
    batch = Batch(4)
    batch.update(added=[(0, 0), (1, 1), (2, 2), (3, 3)])
    assert batch.stopped(4) == []
    for row in (0, 1, 3):
        batch.written[row] += [5, 5]
    assert batch.stopped(4) == [1, 3]
    batch.stopper.update_state(None)
    batch.update(moved=[(1, 2, "SWAP")])
    assert batch.stopped(4) == [2, 3]
    batch.update(removed=[2], moved=[(3, 2, "UNIDIRECTIONAL")])
    assert batch.stopped(3) == [2]
    batch.update(removed=[2], added=[(2, 2)])
    assert batch.stopped(3) == []
    batch.written[1].append(5)
    told = batch.stop_rule.finished(
        1, {"tokens": [5, 5, STOP], "logprobs": [0.0] * 3, "top": [[]] * 3, "stopped": True}
    )
    assert (told["tokens"], told["logprobs"], told["top"], told["stopped"]) == ([5, 5], [0.0] * 2, [[]] * 2, False)
    assert torch.equal(read_hidden(told["hidden"]), torch.full((WIDTH,), 2.0))  # its place when it was asked last


def test_a_row_that_was_put_off_is_asked_again_with_the_state_it_has_then() -> None:
    batch = Batch(2)
    batch.update(added=[(0, 0), (1, 1)])
    batch.written[1] += [5, 5]
    assert batch.stopped(2) == [1]
    batch.update(removed=[1])  # preempted: what it drew last was thrown away
    assert batch.stopped(1) == []
    batch.update(added=[(1, 1)])
    assert batch.stopped(2) == [1]
    assert torch.equal(batch.stop_rule.decisions[1].hidden, torch.ones(WIDTH))


def test_a_row_that_ended_by_itself_where_it_is_asked_was_not_stopped() -> None:
    batch = Batch(2)
    row = {"tokens": [5, STOP], "logprobs": [0.0] * 2, "top": [[]] * 2, "stopped": True}
    assert batch.stop_rule.finished(1, row) == {**row, "hidden": None}


def test_requests_of_another_kind_are_left_alone() -> None:
    batch = Batch(1)
    batch.stopper.update_state(
        SimpleNamespace(removed=[], added=[(0, SimpleNamespace(extra_args=None), None, [5, 5])], moved=[])
    )
    assert batch.stopped(1) == []


def test_logits_of_other_states_are_refused() -> None:
    batch = Batch(2)
    batch.update(added=[(0, 0), (1, 1)])
    batch.written[1] += [5, 5]
    batch.stop_rule.states = torch.zeros(3, WIDTH)
    with pytest.raises(ValueError, match=r"set rollouts.vllm.prune = 'two_phase'"):
        batch.stopper.apply(torch.zeros(2, TOKENS))
