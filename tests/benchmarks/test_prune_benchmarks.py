"""The pruning benchmarks' arithmetic: what is compared with what, and that a stopped one goes on where it was."""

import json

import pytest

from benchmarks import prune_quality, prune_speed
from workbench.training.step import Step

SETTINGS = {"steps": 2}


def line(seed: int, arm: str, accuracy: float) -> prune_quality.Line:
    """A finished run."""
    numbers = dict.fromkeys(("before", "seconds", "tokens", "pruned", "zero_variance_groups"), 1.0)
    return {"seed": seed, "arm": arm, "accuracy": accuracy, **numbers, "settings": SETTINGS}


def test_what_is_on_file_is_not_run_again(tmp_path):
    path = tmp_path / "runs.jsonl"
    assert len(prune_quality.missing(prune_quality.read(path, SETTINGS), range(2))) == 8
    lines = [line(0, "group", 0.5), line(1, "paper", 0.5), {**line(0, "paper", 0.5), "settings": {"steps": 3}}]
    path.write_text("".join(json.dumps(one) + "\n" for one in lines), encoding="utf-8")
    left = prune_quality.missing(prune_quality.read(path, SETTINGS), range(2))
    assert len(left) == 6
    assert (0, "group") not in left
    assert (0, "paper") in left, "it was run with other settings"


def test_differences_are_paired_and_have_intervals():
    """Every seed 3 points better than unpruned, however unlike the seeds are; than random as often better as worse."""
    done = {}
    for seed, level in enumerate((0.2, 0.9, 0.5, 0.4)):
        accuracy = {
            "unpruned": level,
            "group": level + 0.03,
            "paper": level,
            "random": level + 0.03 + 0.1 * (-1) ** seed,
        }
        done |= {(seed, arm): line(seed, arm, value) for arm, value in accuracy.items()}
    found = prune_quality.summary(done, range(4))
    assert found["differences"]["group - unpruned"] == {"mean": 0.03, "low": 0.03, "high": 0.03}
    random = found["differences"]["group - random"]
    assert random["low"] < 0 < random["high"]
    assert not found["reached"], "four seeds are too few"


def test_the_cost_models_share():
    """Answers of 256, judged at 64, half kept: .5 + .5 / 4; seconds over the steps in which somebody was pruned."""
    plain = {"seconds": 8.0, "seconds.generate": 4.0, "seconds.update": 3.0, "tokens": 4096.0, "length": 256.0}
    pruned = {**plain, "seconds": 4.0, "seconds.generate": 2.6, "seconds.update": 1.5, "tokens": 2560.0, "pruned": 8.0}
    idle = {**pruned, "seconds": 99.0, "pruned": 0.0}
    taken = {
        "plain": [Step(number, plain) for number in range(3)],
        "pruned": [Step(number, metrics) for number, metrics in enumerate((idle, pruned, pruned))],
    }
    found = prune_speed.summary(taken, keep=0.5, detect=64)
    assert (found["ratio"], found["predicted_share"], found["over_prediction"]) == (2.0, 0.625, 1.04)
    assert found["reached"] == {"ratio": True, "over_prediction": True}
    with pytest.raises(ValueError, match="no rollout was pruned"):
        prune_speed.summary({"plain": taken["plain"][:1], "pruned": taken["pruned"][:1]}, keep=0.5, detect=64)
