"""Being unscored is no refuge: it counts as incorrect in every accuracy, is bounded, recorded, and reported."""

import math

import pytest

from workbench.analysis.results import tally
from workbench.sections import TrainingSection
from workbench.training.evaluation import EVALUATED_SHARE, accuracy
from workbench.training.sampling import Sampled
from workbench.training.step import Learned
from workbench.training.watching.metrics import metrics_of
from workbench.training.watching.scored import scored_share
from workbench.types import Group, Problem, Request, Rollout, Score

REQUEST = Request(Problem("p", "", "4"), (1,), group=0, number=0, n=4)
NAN = math.nan


def rollout(value: float, correct: bool | None, index: int = 0) -> Rollout:
    """A rollout that one reward looked at."""
    known = NAN if correct is None else float(correct)
    parts = {"math": Score(value, correct=correct)}
    return Rollout(REQUEST, index, [1], "", [0.0], [0.0], "stop", parts=parts, reward=value, correct=known)


def sampled(*rollouts: Rollout) -> Sampled:
    return Sampled([Group(0, REQUEST.problem, list(rollouts))], {0}, [])


TEN = [rollout(1.0, True)] * 3 + [rollout(NAN, None)] * 7


def test_unscored_counts_as_incorrect_in_every_accuracy() -> None:
    found = sampled(*TEN)
    assert accuracy(found) == {"accuracy": 0.3, "evaluated": 10.0, EVALUATED_SHARE: pytest.approx(0.3)}
    assert found.groups[0].accuracy == pytest.approx(0.3)
    counted = tally(TEN)
    assert (counted.correct, counted.graded) == (3, 10)
    assert counted.pass_at(1) == pytest.approx(0.3)
    metrics = metrics_of(found, Learned(TEN))
    assert (metrics["correct"], metrics["scored_share"]) == (pytest.approx(0.3), pytest.approx(0.3))


def test_a_reward_that_grades_nothing_gives_no_accuracy() -> None:
    lengths = [rollout(0.5, None), rollout(0.2, None)]
    assert accuracy(sampled(*lengths)) == {"evaluated": 0.0}
    assert math.isnan(sampled(*lengths).groups[0].accuracy)
    assert tally(lengths).graded == 0
    assert scored_share(lengths) == 1.0


def test_a_grade_stands_beside_a_part_that_failed() -> None:
    """The answer was graded correct; a second reward raised: the rollout is correct and unscored."""
    both = rollout(1.0, True)
    both.parts["style"] = Score(NAN, "raised")
    assert (both.outcome, both.scored) == (1.0, False)


def test_one_in_twenty_is_the_default_bound() -> None:
    assert TrainingSection().unscored == 0.05


def test_the_former_name_of_the_bound_is_read() -> None:
    with pytest.warns(FutureWarning, match="unjudged is now called unscored"):
        assert TrainingSection.model_validate({"unjudged": 0.2}).unscored == 0.2
    with pytest.raises(ValueError, match="unjudged is the old name of unscored: leave out unjudged"):
        TrainingSection.model_validate({"unjudged": 0.2, "unscored": 0.3})
