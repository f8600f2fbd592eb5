"""A pruner is asked once for each group at each pause, and its word holds whatever else is in the batch."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch

from tests.engines.engine_models import make_requests, qwen3
from workbench.engines.generate import GenerateEngine
from workbench.engines.local.engine import LocalEngine
from workbench.kinds import BoundPruner, Partial, Pruner
from workbench.types import Request, Sampling, State

SAMPLING = Sampling(max_tokens=16, stop=tuple(range(300, 330)), seed=1)


@dataclass(frozen=True)
class KeepEven(Pruner):
    """Keeps rollouts of even index at each pause; notes what it saw in its state."""

    at: tuple[int, ...] = (4, 9)

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        return self.at

    def init(self) -> State:
        return {"seen": []}

    def __call__(self, state: State, partial: Partial, sampling: Any) -> tuple[list[bool], list[dict[str, float]]]:
        state["seen"].append(partial)
        keep = [index % 2 == 0 or len(tokens) > 4 for index, tokens in zip(partial.index, partial.tokens, strict=True)]
        return keep, [{"score": float(index)} for index in partial.index]


@dataclass(frozen=True)
class Miscount(Pruner):
    """Answers for one rollout too few."""

    seen: tuple[int, ...] = field(default=(2,))

    @property
    def detection_lengths(self) -> tuple[int, ...]:
        return self.seen

    def __call__(self, state: State, partial: Partial, sampling: Any) -> tuple[list[bool], list[dict[str, float]]]:
        return [True] * (len(partial.index) - 1), []


def test_pruned_rollouts_stop_at_the_pause():
    free = LocalEngine(qwen3()).generate(make_requests(6), SAMPLING)
    for concurrent in (24, 7, 2):
        bound = BoundPruner(KeepEven(), KeepEven().init())
        rollouts = LocalEngine(qwen3(), concurrent=concurrent).generate(make_requests(6), SAMPLING, bound)
        for rollout, whole in zip(rollouts, free, strict=True):
            if rollout.index % 2 and len(whole.tokens) > 4:
                assert (rollout.finish, rollout.pruned_at, rollout.tokens) == ("pruned", 4, whole.tokens[:4])
                assert len(rollout.engine_logprob) == len(rollout.sampled_logprob) == 4
            else:
                assert (rollout.finish, rollout.tokens) == (whole.finish, whole.tokens)
            lengths = [record["detection_length"] for record in rollout.extras.get("pruning", [])]
            reached = [at for at in (4.0, 9.0) if len(whole.tokens) > at]
            assert lengths == reached[: 1 if rollout.finish == "pruned" else 2]
        asked = [(partial.group, len(partial.tokens[0])) for partial in bound.state["seen"]]
        assert len(asked) == len(set(asked))


def test_it_sees_the_state_at_the_newest_token():
    bound = BoundPruner(KeepEven(), KeepEven().init())
    LocalEngine(qwen3(), concurrent=5).generate(make_requests(6), SAMPLING, bound)
    assert len(bound.state["seen"]) >= 4
    for partial in bound.state["seen"]:
        for request, tokens, hidden in zip(partial.requests, partial.tokens, partial.hidden, strict=True):
            with torch.no_grad():
                expected = qwen3().hidden(torch.tensor([[*request.prompt, *tokens]]))[0, -1]
            torch.testing.assert_close(hidden, expected, atol=1e-4, rtol=1e-4)


def test_a_group_of_several_requests_is_judged_together():
    def one_group(request: Request) -> Request:
        return Request(request.problem, request.prompt, 0, request.number, n=request.n)

    bound = BoundPruner(KeepEven((4,)), KeepEven().init())
    LocalEngine(qwen3()).generate([one_group(request) for request in make_requests(3)], SAMPLING, bound)
    assert len(bound.state["seen"]) == 1
    assert len({request.number for request in bound.state["seen"][0].requests}) > 1


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="Miscount returned"):
        LocalEngine(qwen3()).generate(make_requests(3), SAMPLING, BoundPruner(Miscount()))
    with pytest.raises(ValueError, match="BoundPruner"):
        LocalEngine(qwen3()).generate(make_requests(3), SAMPLING, Miscount())
    with pytest.raises(ValueError, match="'local'"):
        GenerateEngine(qwen3()).generate(make_requests(3), SAMPLING, BoundPruner(Miscount()))
