"""Votes weighed by the head: it reads what the engine read, refuses to guess, and beats the majority where it knows."""

import pytest
import torch

from tests.engines.engine_models import make_requests, qwen3
from tests.pruning.test_arrol_engine import PRUNER, Short
from tests.pruning.worlds import WIDTH
from workbench.analysis.vote import ballots, compare
from workbench.kinds import BoundPruner
from workbench.pruning.quality import make_head
from workbench.pruning.vote_at_test_time import score, states_at
from workbench.types import Rollout, Sampling, Score

SAMPLING = Sampling(
    max_tokens=14, stop=tuple(range(300, 310)), seed=9, step=1
)  # within the warm-up: no rollout is pruned


@pytest.fixture(scope="module")
def run():
    """A pruner taught in two steps, and rollouts it has watched being written."""
    run = Short(PRUNER)
    for step in (1, 2):
        run.step(step)
    bound = BoundPruner(PRUNER, {**run.states["pruner"], "pending": {}})
    return run, run.parts.engine.generate(make_requests(6), SAMPLING, bound)


def test_a_finished_rollout_is_scored_as_the_engine_scored_it_on_the_way(run):
    """Through the trainer's forward pass and through the engine's rows: the same state, the same score."""
    short, rollouts = run
    scores = PRUNER.appraise(short.states["pruner"], qwen3(), rollouts)
    watched = [place for place, rollout in enumerate(rollouts) if "pruning" in rollout.extras]
    assert 0 < len(watched) < len(rollouts)
    for place in watched:
        assert scores[place] == pytest.approx(rollouts[place].extras["pruning"][0]["score"], abs=1e-5)


def test_a_short_rollout_is_read_at_its_last_token(run):
    _, rollouts = run
    found = states_at(qwen3(), rollouts, 5)
    for rollout, state in zip(rollouts, found, strict=True):
        with torch.no_grad():
            text = torch.tensor([[*rollout.prompt, *rollout.tokens[:5]]])
            torch.testing.assert_close(state, qwen3().hidden(text)[0, -1], atol=1e-4, rtol=1e-4)


def test_a_head_that_knows_nothing_has_no_say(run):
    short, rollouts = run
    with pytest.raises(ValueError, match="no quality head yet"):
        PRUNER.appraise(PRUNER.init(), qwen3(), rollouts)
    poor = {**short.states["pruner"], "auc": 0.4}
    with pytest.raises(ValueError, match=r"AUC is 0\.40, below min_auc = 0\.6: take the majority"):
        type(PRUNER)(detect=5).appraise(poor, qwen3(), rollouts)


def voted(answers: list[tuple[str, float]], right: str) -> tuple[list[Rollout], list[float]]:
    """Rollouts of one problem with these answers, and the scores of their states: sigmoid of what is given."""
    request = make_requests(1)[0]
    rollouts = []
    for index, (answer, _) in enumerate(answers):
        rollout = Rollout(request, index, [2], answer, [-1.0], [-1.0], "stop")
        rollout.parts["exact"] = Score(1.0, correct=answer == right, extracted=answer)
        rollouts.append(rollout)
    head = make_head(torch.randn(64, WIDTH), 2, seed=0)
    head |= {"first": torch.zeros(2, WIDTH), "first_bias": torch.tensor([0.0, 0.0])}
    head["first"][0, 0], head["first"][1, 0] = head["scale"][0], -head["scale"][0]
    head |= {"second": torch.tensor([1.0, -1.0]), "centre": torch.zeros(WIDTH)}
    hidden = torch.tensor([[value] + [0.0] * (WIDTH - 1) for _, value in answers])
    return rollouts, score({"head": head}, hidden).tolist()


def test_the_papers_weights_worked_by_hand():
    """Scores of 2.1, 1.4 and .7 weigh 1, .5 and 0: the best outvotes the two others."""
    first, weights = voted([("5", 0.7), ("4", 2.1), ("5", 1.4)], right="4")
    assert weights == pytest.approx(torch.tensor([0.7, 2.1, 1.4]).sigmoid().tolist(), abs=1e-6)
    second, more = voted([("7", 0.3), ("7", 0.2), ("8", 0.1)], right="7")
    assert compare(ballots([first, second], "exact", weights + more)) == {
        "single": pytest.approx(0.5),
        "majority": 0.5,
        "weighted": 1.0,
    }
