"""Exams of a run's config: when they are taken, what is on record, resumed bit for bit, refused before the start."""

import json
import re
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.runs.real_run import Nobody, make_run, same
from workbench.config import ConfigError, RunConfig
from workbench.planning.forecast import forecast
from workbench.planning.measure import measure_trainer
from workbench.runs.checkpoints.evaluation import EvaluationSettings, evaluate
from workbench.runs.checkpoints.fork import fork
from workbench.runs.demo import demo_config
from workbench.runs.directory.checkpoint import newest_checkpoint
from workbench.runs.directory.sources import pieces_of
from workbench.runs.open import Run
from workbench.runs.process.build import build, errors
from workbench.training import checkpoint

HELD_OUT: dict[str, Any] = {
    "exam": "held_out",
    "asked": {"task": "word_problems", "seed": 7},
    "graded": {"reward": "exact"},
    "problems": 3,
    "tries": [2, 1],
}
BEYOND = {**HELD_OUT, "exam": "math_beyond", "every": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three steps with two exams, one of them every second step."""
    return make_run(tmp_path_factory.mktemp("runs"), exams=[HELD_OUT, BEYOND])


def test_exams_are_taken_before_every_so_often_and_at_the_end(run: Run) -> None:
    files = sorted(path.name for path in (run.path / "evaluations").glob("eval-*.json"))
    steps = {"held_out": (0, 3), "math_beyond": (0, 2, 3)}
    assert files == [f"eval-{name}-step-{step:06d}.json" for name, own in steps.items() for step in own]
    lines = run.metrics().set_index("step")
    assert lines["exam.held_out.pass@2"].notna().tolist() == [True, False, False, True]
    assert lines["exam.math_beyond.pass@1"].notna().tolist() == [True, False, True, True]
    assert "exam.math_beyond.unsolved_by_the_base" in lines
    assert {"exam.held_out.gained", "exam.held_out.lost", "seconds.exams"} <= set(lines)
    document = json.loads((run.path / "evaluations" / "eval-held_out-step-000003.json").read_text())
    assert document["passes"]["2"]["value"] == lines["exam.held_out.pass@2"][3]
    assert document["support"]["gained"] == lines["exam.held_out.gained"][3]
    samples = pq.read_table(run.path / "evaluations" / "samples-math_beyond-step-000002.parquet")
    assert samples.num_rows == 6
    found = run.query("select step, value from exams where exam = 'held_out' and measure = 'pass@1' order by step")
    assert found["step"].tolist() == [0, 3]


def test_an_exam_taken_again_on_the_checkpoint_has_the_same_result(run: Run) -> None:
    before = (run.path / "evaluations" / "eval-held_out-step-000003.json").read_text()
    exam = run_config(run).exams[0].exam
    base, last = evaluate(run, settings=EvaluationSettings(3, (1, 2), exam=exam))
    kept = json.loads(before)
    assert kept["tallies"] == [[tally.correct, tally.graded] for tally in last.tallies]
    assert kept["gains"] == json.loads(json.dumps(last.document()["gains"]))
    assert base.support is None


def run_config(run: Run) -> RunConfig:
    """The config as it lies in the run."""
    return RunConfig.load(run.directory.config)


def test_resumed_runs_compare_with_the_same_base(run: Run, tmp_path: Path) -> None:
    whole = build(run_config(run))
    steps = list(whole)
    again = build(run_config(run))
    first = iter(again)
    for _ in range(2):
        next(first)
    again.save(tmp_path / "one")
    resumed = build(run_config(run))
    resumed.load(tmp_path / "one")
    rest = list(resumed)
    assert [step.exams for step in rest] == [step.exams for step in steps[2:]]
    assert rest[-1].exams["held_out"][0]["gains"]
    names = [name for name in steps[-1].metrics if not name.startswith("seconds")]
    assert same([rest[-1].metrics[name] for name in names], [steps[-1].metrics[name] for name in names])


def test_a_fork_keeps_the_base_of_the_exams_it_shares(run: Run) -> None:
    exams = [HELD_OUT, {**HELD_OUT, "name": "other", "problems": 2}]
    child = fork(run, 1, name="child", launcher=Nobody(), exams=exams)
    kept = newest_checkpoint(child.directory)
    assert kept is not None
    assert set(checkpoint.read(kept.path)[1]["states"]["exams"]) == {"held_out"}
    assert "exams that have no result of the model before training: other" in child.directory.events.read_text()


def test_the_end_of_a_run_that_ends_early_is_examined(tmp_path: Path) -> None:
    early = make_run(
        tmp_path,
        exams=[HELD_OUT],
        training={"steps": 3, "target_accuracy": 1e-9},
        evaluation={"problems": 8, "every": 1},
    )
    lines = early.metrics().set_index("step")
    assert lines.index.max() < 3
    assert lines["exam.held_out.pass@1"].notna().tolist()[-1]


def config(**exam: Any) -> RunConfig:
    """The demo with one exam."""
    return demo_config().replace(exams=[{**HELD_OUT, **exam}])


def test_the_config_reads_and_writes_exams() -> None:
    made = config(name="held", every=3, temperature=0.5)
    assert RunConfig.from_toml(made.to_toml()) == made
    assert (made.exams[0].key, made.exams[0].counted, made.exams[0].completions) == ("held", (1, 2), 6)
    assert "word_problems" in {piece.name for piece in pieces_of(made.exams)}
    assert demo_config().replace(exams=["np_hard"]).exams[0].problems == 64


@pytest.mark.parametrize(
    ("exam", "expected"),
    [
        ({"exam": "held_ot"}, "did you mean 'held_out'"),
        ({"problems": 0}, "exams.0.problems = 0"),
        ({"tries": []}, "exams.0.tries = []"),
        ({"tries": [0]}, "exams.0.tries"),
        ({"name": "a/b"}, "exams.0.name = 'a/b'"),
        ({"every": -1}, "exams.0.every = -1"),
    ],
)
def test_an_exam_that_makes_no_sense_is_refused(exam: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected.replace("[", r"\[")):
        config(**exam)


def test_what_only_the_whole_config_shows_is_refused_before_the_start(tmp_path: Path) -> None:
    file = tmp_path / "three.jsonl"
    file.write_text("".join(json.dumps({"prompt": f"{n} + 1?", "answer": str(n + 1)}) + "\n" for n in range(8)))
    asked = {"task": "jsonl", "path": str(file), "test_share": 0.5}
    assert any("set at most" in text for text in errors(config(asked=asked, problems=60)))
    assert any("no such file" in text for text in errors(config(asked={**asked, "path": str(tmp_path / "none")})))
    assert any("all completions would be alike" in text for text in errors(config(temperature=0)))
    twice = demo_config().replace(exams=[HELD_OUT, HELD_OUT])
    assert "exams: two are called 'held_out'; give one a name" in errors(twice)
    file.write_text("".join(json.dumps({"prompt": f"{n} " * 4000, "answer": "1"}) + "\n" for n in range(8)))
    long = config(asked={**asked, "test_share": 0.5}, problems=1)
    (text,) = errors(long)
    assert re.search(r"exams.held_out: .*three.jsonl.*too many", text)
    assert errors(config()) == []


def test_the_forecast_counts_exams() -> None:
    plain, more = forecast(demo_config()), forecast(config(problems=64, tries=[1, 64], every=1))
    assert more.disk.exam == 64 * 64 * 256
    assert more.disk.total - plain.disk.total == more.disk.exam * (1 + demo_config().training.steps)
    assert any("the exams, once" in line for line in more.describe())
    small = config(problems=64).replace(
        rollouts={"problems": 2, "rollouts": 4, "max_tokens": 8}, evaluation={"problems": 0}, training={"steps": 4}
    )
    timing = measure_trainer(build(small), 0.0, seconds=1e-6)
    each = timing.phases["rollouts"] / 8
    assert timing.exams == pytest.approx(2 * 128 * each, rel=0.5)
    assert timing.whole == pytest.approx(4 * timing.step + timing.exams)
