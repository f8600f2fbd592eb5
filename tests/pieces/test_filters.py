"""Filters that remember: RLPR's threshold by hand, and its state in a checkpoint."""

import dataclasses
import math
from pathlib import Path

import pytest

from tests.methods.rounds import scored
from tests.training.small_runs import make_settings, make_trainer
from workbench.method import derive
from workbench.pieces.filters import MovingSpread, spread
from workbench.registry import find_method

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
CARD = [0.55, 0.28, 0.0, 0.682]  # the rewards of RLPR's worked example


def test_the_cards_threshold_and_average() -> None:
    group, piece = scored(0, CARD), MovingSpread()
    assert spread(group) == pytest.approx(0.3025, abs=1e-4)
    state = {"steps": 20, "collected": [], "usual": 0.30}
    assert piece(state, [group, scored(1, [0.5, 0.6]), scored(2, [0.5]), scored(3, [0.5, math.nan])]) == [
        "keep",
        "resample",  # .0707 < .15
        "resample",
        "resample",
    ]
    assert piece.learn(state, [group])["usual"] == pytest.approx(0.300025, abs=1e-6)


def test_collecting_starts_and_filtering_starts_later() -> None:
    piece, state = MovingSpread(collect=2, active=4, keep=0.5), MovingSpread().init()
    narrow, wide = scored(0, [0.5, 0.5]), scored(1, [0.0, 1.0])  # spreads 0 and .7071
    verdicts = []
    for groups in ([wide], [narrow, wide], [narrow], [narrow, wide], [wide]):
        verdicts.append(piece(state, groups))
        state = piece.learn(state, groups)
    # step 1 is not collected; of 2 and 3 the means are .3536 and 0, so the first threshold is .5 · .1768
    assert verdicts == [["keep"], ["keep", "keep"], ["keep"], ["resample", "keep"], ["keep"]]
    assert state["usual"] == pytest.approx(((math.sqrt(0.5) / 4 + math.sqrt(0.5) / 2) / 2 + math.sqrt(0.5)) / 2)


def test_an_order_that_leaves_nothing_to_collect_is_refused() -> None:
    with pytest.raises(ValueError, match="active = 6: give a step after collect = 6"):
        MovingSpread(active=6)


def test_its_state_is_in_the_checkpoint(tmp_path: Path) -> None:
    piece = MovingSpread(collect=1, active=2, rounds=1)
    method = derive(find_method("grpo"), **TEXTS, filters=(piece,))
    settings = make_settings(training={"steps": 3, "learning_rate": 1e-2}, rollouts={"problems": 2, "rollouts": 4})
    whole = make_trainer(method, settings)
    for step in whole:
        if step.number == 2:
            whole.save(tmp_path)
    resumed = make_trainer(method, settings)
    resumed.load(tmp_path)
    assert resumed.states["filters.0"]["steps"] == 2
    assert resumed.states["filters.0"]["usual"] == pytest.approx(math.sqrt(1 / 3))  # every second rollout is correct
    list(resumed)
    assert resumed.states["filters.0"] == whole.states["filters.0"]
    assert dataclasses.asdict(piece).keys() == {"share", "keep", "collect", "active", "rounds"}
