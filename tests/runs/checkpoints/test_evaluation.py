"""Evaluations on demand, and signals added afterwards: both read kept checkpoints."""

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.runs.real_run import make_run, shared_run
from workbench.analysis.results import votes
from workbench.runs.checkpoints.evaluation import EvaluationSettings, evaluate
from workbench.runs.checkpoints.rescore import add_signal, exact_steps, signals_in
from workbench.runs.checkpoints.snapshot import forget, snapshot
from workbench.runs.directory.documents import write_document
from workbench.runs.directory.paths import read_json
from workbench.runs.directory.record import read_table, write_table
from workbench.runs.open import Run, open_run
from workbench.types import Problem, Request, Rollout, Score


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run of three steps."""
    return shared_run(tmp_path_factory)


@pytest.fixture
def run(shared: Run, tmp_path: Path) -> Run:
    """The same, to be added to."""
    shutil.copytree(shared.path, tmp_path / "run")
    return open_run(tmp_path / "run")


# ------------------------------------------------------------------------------------------- evaluations


def test_the_first_answers_are_those_of_the_trainers_own_evaluation(run: Run) -> None:
    base, last = evaluate(run, settings=EvaluationSettings(4, (1,)))
    known = {line["step"]: line["accuracy"] for line in run.lines() if "accuracy" in line}
    assert {base.step: base.passes[1].value, last.step: last.passes[1].value} == known
    assert last.gains[1].value == pytest.approx(known[3] - known[0])
    assert base.gains == base.votes == {}


def test_an_evaluation_is_kept_in_the_run(run: Run) -> None:
    found = evaluate(run, [2], EvaluationSettings(6, (4, 1, 4)))
    assert [result.step for result in found] == [0, 2]
    document = read_json(run.path / "evaluations" / "eval-step-000002.json")
    assert document["step"] == 2
    assert list(document["passes"]) == ["1", "4"]
    assert len(document["tallies"]) == 6
    assert {scored for _, scored in document["tallies"]} == {4}
    assert sum(right for right, _ in document["tallies"]) / 24 == pytest.approx(document["passes"]["1"]["value"])
    assert document["passes"]["4"]["value"] >= document["passes"]["1"]["value"]
    assert list(document["votes"]) == ["4"]
    assert 0 < document["length"] <= 40
    assert (document["unscored"], document["temperature"]) == (0.0, 1.0)
    assert run.steps("evaluations") == [0, 3]  # the trainer's own stay what they were
    forget()
    assert evaluate(run, [2], EvaluationSettings(6, (1, 4)), base=False)[0].tallies == found[1].tallies


@pytest.mark.parametrize(
    ("exam", "told"),
    [
        ({"problems": 0}, "problems = 0"),
        ({"tries": ()}, "give numbers of 1 or more"),
        ({"tries": (0,)}, "give numbers of 1 or more"),
        ({"problems": 4, "temperature": 0.0}, "all 16 answers would be alike"),
    ],
)
def test_senseless_exams_are_refused(run: Run, exam: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        evaluate(run, settings=EvaluationSettings(**exam))
    with pytest.raises(ValueError, match="no checkpoint of step 9"):
        evaluate(run, [9], EvaluationSettings(1, (1,)), base=False)


def answer(extracted: str, correct: bool | None) -> Rollout:
    """An answer of which a reward has extracted something."""
    request = Request(Problem("p", "", "4"), (1,), 0, 0)
    part = Score(math.nan if correct is None else float(correct), "", correct, extracted)
    return Rollout(request, 0, [2], "", [0.0], [0.0], "stop", parts={"exact": part})


def test_a_majority_is_of_the_first_answers() -> None:
    right, wrong, none = answer("4", True), answer("5", False), answer("", None)
    found = votes([[right, wrong, wrong, right, right]], (1, 3, 5), None)
    assert {tries: share.value for tries, share in found.items()} == {3: 0.0, 5: 1.0}
    assert votes([[none, none]], (2,), None) == {}


def test_answers_that_look_good_outvote_the_majority() -> None:
    right, wrong = answer("4", True), answer("5", False)
    groups = [[right, wrong, wrong], [wrong, right, right]]
    found = votes(groups, (3,), [0.9, 0.2, 0.1, 0.9, 0.2, 0.1])
    assert (votes(groups, (3,), None)[3].value, found[3].value) == (0.5, 0.5)
    best = votes([[right, wrong, wrong]], (3,), [0.9, 0.2, 0.1])
    assert best[3].value == 1.0  # the ranks weigh 1, 1/2 and 0


@pytest.mark.parametrize("taught", [True, False])
def test_the_head_of_a_pruned_run_weighs_votes_or_says_why_not(tmp_path: Path, taught: bool) -> None:
    pruning = {"pruner": "arrol", "detect": 8, "keep": 0.5, "min_auc": 0.5}
    made = make_run(tmp_path, pruning=pruning if taught else {**pruning, "min_auc": 1.0})
    (result,) = evaluate(made, settings=EvaluationSettings(6, (1, 4)), base=False)
    state = snapshot(made).states["pruner"]
    enough = taught and state.get("head") and (state["auc"] or 0.0) >= 0.5
    assert bool(result.weighted) == bool(enough)
    assert bool(result.unweighted) != bool(enough)
    assert result.unweighted in ("",) or "head" in result.unweighted


# ------------------------------------------------------------------------------------------- signals


def drop(run: Run, name: str, *steps: int) -> dict[int, Any]:
    """Takes a signal out of the record; answers what it was."""
    tables = {step: read_table(run.file("rollouts", step)) for step in steps}
    for step, table in tables.items():
        write_table(run.file("rollouts", step), table.drop_columns([name]))
    return {step: table[name].to_pylist() for step, table in tables.items()}


def test_a_signal_that_was_lost_comes_back_as_it_was(run: Run) -> None:
    known = drop(run, "entropy", 1, 3)
    assert signals_in(run)["entropy"] == [2]
    assert add_signal(run, "entropy") == [1, 3]
    assert add_signal(run, "entropy") == []
    assert signals_in(run)["entropy"] == [1, 2, 3]
    for step, rows in known.items():
        table = read_table(run.file("rollouts", step))
        for before, now in zip(rows, table["entropy"].to_pylist(), strict=True):
            before = np.array(before, dtype=float)
            trained = ~np.isnan(before)
            np.testing.assert_allclose(np.array(now)[trained], before[trained], atol=1e-4)
    assert len(run.rollouts()) == 48


def test_signals_of_the_reference_and_of_the_policy_before_the_step(run: Run) -> None:
    assert add_signal(run, "ref_logprob", [2]) == [2]
    assert add_signal(run, "kl") == [1, 2, 3]
    assert add_signal(run, "old_entropy", [1]) == [1]
    table = read_table(run.file("rollouts", 1))
    kl, entropy = (np.concatenate(table[name].to_pylist()) for name in ("kl", "old_entropy"))
    assert np.abs(kl).max() < 1e-5  # the first step is written by the reference itself
    assert entropy.max() > 0.1
    assert add_signal(run, "after_entropy", [1]) == [1]
    now = snapshot(run, 1).score(read_table(run.file("rollouts", 1)), ["entropy"])["entropy"].to_pylist()
    after = read_table(run.file("rollouts", 1))["after_entropy"].to_pylist()
    np.testing.assert_allclose(np.concatenate(after), np.concatenate(now), atol=1e-5)
    second = np.concatenate(read_table(run.file("rollouts", 2))["kl"].to_pylist())
    assert second.max() > 1e-4
    base = snapshot(run, 0).score(read_table(run.file("rollouts", 2)), ["logprob"])["logprob"].to_pylist()
    found = read_table(run.file("rollouts", 2))["ref_logprob"].to_pylist()
    np.testing.assert_allclose(np.concatenate(found), np.concatenate(base), atol=1e-5)


def test_what_would_not_be_exact_is_refused_and_the_steps_named(run: Run) -> None:
    shutil.rmtree(run.path / "checkpoints" / "step-000001")
    drop(run, "entropy", 1, 2, 3)
    before = run.file("rollouts", 1).read_bytes()
    with pytest.raises(ValueError, match=r"cannot be had for step 2: .* steps that can be given it: 1, 3"):
        add_signal(run, "entropy")
    assert run.file("rollouts", 1).read_bytes() == before
    assert add_signal(run, "entropy", [1, 3]) == [1, 3]
    assert exact_steps(run, "ref_entropy") == [1, 2, 3]
    with pytest.raises(ValueError, match=r"has no rollouts of step 8; there are: 1-3"):
        add_signal(run, "entropy", [8])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("advantage", "advantage and lens of any method come from a replay"),
        ("value", "value cannot be read from a model; these can"),
        ("engine_logprob", "cannot be read from a model"),
        ("ref_kl", "ref_kl cannot be read from a model"),
        ("logprob@hint", "after a prompt of the run's method, which is not on record"),
    ],
)
def test_signals_that_no_model_gives_are_refused(run: Run, name: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        add_signal(run, name)


def test_a_run_of_several_updates_a_step_gives_only_the_policy_before_it(run: Run) -> None:
    content = read_json(run.directory.resolved)
    content["training"]["updates"] = 2
    write_document(run.directory.resolved, content)
    with pytest.raises(ValueError, match="makes several a step: no checkpoint is of that moment; add old_entropy"):
        add_signal(run, "entropy")
    assert exact_steps(run, "old_entropy") == exact_steps(run, "after_entropy") == [1, 2, 3]
