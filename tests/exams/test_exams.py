"""Every exam on a real run, their measures by hand, and what `workbench eval` keeps of them."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.rewards.reward_examples import make_rollout
from tests.runs.real_run import shared_run
from tests.test_cli import Call, call, last_json  # noqa: F401
from workbench import registry
from workbench.exams.held_out import HeldOut
from workbench.exams.math_beyond import MathBeyond
from workbench.exams.minds import Minds
from workbench.exams.np_hard import NpHard
from workbench.exams.reasoning_horizon import ReasoningHorizon
from workbench.exams.reward_math import RewardMath
from workbench.exams.var_math import VarMath
from workbench.kinds import Exam
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_group
from workbench.runs.checkpoints.evaluation import EvaluationSettings, evaluate
from workbench.runs.open import Run, open_run
from workbench.tasks.sums import Sums
from workbench.types import Group, Problem

registry.load()


def templates(folder: Path) -> str:
    row = {"variables": {"a": {"low": 2, "high": 40}, "b": {"low": 2, "high": 40}}, "answer": "a + b"}
    lines = [{"template": f"What is {{a}} + {{b}}?{' ' * n}", **row} for n in range(4)]
    (folder / "templates.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return str(folder / "templates.jsonl")


#: Every exam of the registry: a new one is entered here.
EXAMPLES: dict[str, Callable[[Path], Exam]] = {
    "held_out": lambda folder: HeldOut(Sums(level=1), Exact()),
    "math_beyond": lambda folder: MathBeyond(Sums(level=3), Exact()),
    "minds": lambda folder: Minds(),
    "np_hard": lambda folder: NpHard("subset_sum", "tiny"),
    "reasoning_horizon": lambda folder: ReasoningHorizon(Sums(level=1)),
    "reward_math": lambda folder: RewardMath(Sums(level=2), Exact()),
    "var_math": lambda folder: VarMath(templates(folder), variants=2),
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of three steps."""
    return shared_run(tmp_path_factory)


@pytest.fixture
def run(shared: Run, tmp_path: Path) -> Run:
    """The same, to be added to."""
    shutil.copytree(shared.path, tmp_path / "run")
    return open_run(tmp_path / "run")


@pytest.mark.parametrize("name", sorted(Exam.registry))
def test_every_exam_is_asked_kept_and_read_by_queries(name: str, run: Run, tmp_path: Path) -> None:
    exam = EXAMPLES[name](tmp_path)
    base, last = evaluate(run, settings=EvaluationSettings(4, (1, 2), exam=exam))
    assert (last.exam, len(last.tallies)) == (name, 4)
    assert all(-1 <= each.value <= 1 for each in last.measures.values())
    samples = pq.read_table(run.path / "evaluations" / f"samples-{name}-step-000003.parquet").to_pylist()
    found = run.query(f"select measure, value from exams where exam = '{name}' and step = 3")
    measured = dict(found.values.tolist())
    assert set(last.measures) <= set(measured)
    if not last.passes:  # a reward was graded, and nothing sampled
        assert (len(samples), last.support) == (40, None)
        return
    assert last.support is not None
    assert sum(len(getattr(last.support, kind)) for kind in ("kept", "gained", "lost", "neither")) == 4
    document = json.loads((run.path / "evaluations" / f"eval-{name}-step-000003.json").read_text())
    assert document["support"]["neither"] == len(last.support.neither)
    assert len(samples) == 8
    assert [sum(row["correct"] for row in samples[place : place + 2]) for place in (0, 2, 4, 6)] == [
        tally.correct for tally in last.tallies
    ]
    assert measured["pass@2"] == last.passes[2].value
    assert base.support is None


def test_the_runs_own_evaluation_says_what_was_gained_and_lost(run: Run) -> None:
    base, last = evaluate(run, settings=EvaluationSettings(16, (1, 4)))
    assert last.support is not None
    gained = [place for place, pair in enumerate(zip(last.tallies, base.tallies, strict=True)) if pair[0].correct]
    assert sorted((*last.support.kept, *last.support.gained)) == gained
    assert base.entropy is not None
    assert 0 <= base.entropy <= math.log(4)


def groups(*correct: str, data: list[dict[str, str]] | None = None) -> list[Group]:
    """Groups whose completions are correct (1) or not (0), as the reward `exact` sees them."""
    made = []
    for number, signs in enumerate(correct):
        problem = Problem(str(number), "?", "5", (data or [{}] * len(correct))[number])
        group = Group(number, problem, [make_rollout("answer: " + ("5" if sign == "1" else "6")) for sign in signs])
        score_group([("exact", Exact(), 1.0)], (), group, None, 10)
        made.append(group)
    return made


def test_expansion_is_of_what_the_base_never_solved() -> None:
    exam = MathBeyond(Sums(), Exact())
    base, trained = [(0, 2), (1, 2), (0, 2), (0, 2)], groups("01", "00", "00", "11")
    found = exam.measures(trained, base)
    assert found == {"unsolved by the base": [1.0, 0.0, 1.0, 1.0], "expansion": [1.0, 0.0, 1.0]}
    assert exam.measures(trained, None) == {}
    assert exam.measures(trained[:1], [(1, 1)]) == {"unsolved by the base": [0.0]}


def test_strict_and_loose_scores_of_templates() -> None:
    family = [{"family": name} for name in ("a", "a", "b", "b")]
    found = VarMath("x").measures(groups("11", "10", "11", "11", data=family), None)
    assert found == {"strict": [0.5, 1.0], "loose": [0.75, 1.0], "first": [1.0, 1.0]}


def test_an_exam_whose_data_are_missing_is_refused_before_anything_is_generated(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"exam var_math: variants.path = .*there is no such file"):
        evaluate(run, settings=EvaluationSettings(4, (1,), exam=VarMath(str(tmp_path / "missing"))))


def test_the_command_takes_an_exam_by_name_or_file(call: Call, run: Run, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "exam.toml"
    file.write_text('exam = "held_out"\n[asked]\ntask = "sums"\nlevel = 1\n[graded]\nreward = "exact"\n')
    code, text, _ = call("eval", run.path, "--exam", file, "--problems", 4, "-k", "1,2")
    assert code == 0
    assert "gained / lost" in text
    assert "answer entropy" in text
    (found,) = last_json(
        call("eval", run.path, "--exam", "np_hard", "--problems", 2, "-k", "1", "--no-base", "--json")[1]
    )["results"]
    assert set(found["measures"]) == {"success rate", "quality ratio"}
    code, _, errors = call("eval", run.path, "--exam", "np_hrd")
    assert code == 2
    assert "did you mean 'np_hard'" in errors
    code, _, errors = call("eval", run.path, "--exam", tmp_path / "missing.toml")
    assert code == 2
    assert "cannot be read" in errors
