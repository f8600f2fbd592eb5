"""Asking a run's model from a view: try, evaluate, fork; what is refused is told in words."""

import json
import shutil
import signal
import time

import numpy as np
import pytest

from tests.runs.real_run import Nobody, shared_run
from tests.widgets.fake_run import Shape, make_run
from widgets import Dashboard
from widgets.checkpoint import evaluate as examining
from widgets.wire.asked import answered
from widgets.wire.payload import unpack
from workbench.runs.checkpoints import fork as forking
from workbench.runs.directory.paths import DiskFullError
from workbench.runs.open import open_run
from workbench.runs.process.start import Local

PATIENCE = 120  # seconds until something must have happened


@pytest.fixture(scope="module")
def parent(tmp_path_factory):
    """A finished run of three steps."""
    return shared_run(tmp_path_factory)


@pytest.fixture
def run(parent, tmp_path):
    """The same, to be added to."""
    shutil.copytree(parent.path, tmp_path / "parent")
    return open_run(tmp_path / "parent")


@pytest.fixture
def ask(run):
    """Asks a dashboard of the run; answers header and columns."""
    dashboard = Dashboard(run)
    yield lambda kind, **more: unpack(answered(dashboard, {"id": 1, "kind": kind, **more}))
    dashboard.close()


def refused(ask, kind, **more):
    """What is said where something cannot be answered."""
    return ask(kind, **more)[0]["error"]


def wait(holds):
    """Waits until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)


# ------------------------------------------------------------------ checkpoints


def test_the_checkpoints_of_a_run(ask):
    header, _ = ask("checkpoints")
    assert (header["name"], header["steps"]) == ("parent", [0, 1, 2, 3])
    assert (header["temperature"], header["problems"]) == (1.0, 4)


def test_a_run_without_a_model_cannot_be_asked(tmp_path):
    dashboard = Dashboard(make_run(tmp_path / "foreign", Shape(steps=1, problems=1, rollouts=2)))
    header, _ = unpack(answered(dashboard, {"id": 1, "kind": "checkpoints"}))
    assert "names no model" in header["error"]
    dashboard.close()


def test_a_run_that_vanished_says_so_everywhere(ask, run):
    shutil.rmtree(run.path)
    asked = {"prompt": {"number": 0}, "n": 1, "seed": 0, "step": 0}
    exam = {"steps": [], "base": True, "problems": 1, "samples": "1"}
    change = {"step": 1, "name": "", "changes": []}
    for kind, more in (
        ("checkpoints", {}),
        ("evaluations", {}),
        ("evaluate", exam),
        ("forkable", {}),
        ("fork", change),
    ):
        assert "is no run directory" in refused(ask, kind, **more), kind
    assert "is no run directory" in ask("fork_check", **change)[0]["errors"][0]
    assert refused(ask, "try", **asked)


# ------------------------------------------------------------------ try


def test_answers_come_as_a_group_with_the_judges_words(ask):
    header, columns = ask("try", step=0, prompt={"number": 1}, n=3, seed=0)
    assert (header["step"], header["problem"]) == (0, "word_problems-2-test-1")
    assert len(header["texts"]) == len(header["rollouts"]) == 3
    assert header["question"] == ask("problem", prompt={"number": 1})[0]["question"]
    assert header["rollouts"][0]["parts"][0]["reason"]
    assert "advantage" not in header["signals"]
    assert len(columns["entropy"]) == sum(rollout["length"] for rollout in header["rollouts"])


def test_models_draw_with_the_same_dice_and_another_seed_draws_anew(ask):
    question = {"prompt": {"text": "What is 2 + 3?"}, "n": 4}
    first, again, other = (ask("try", step=3, seed=seed, **question)[0] for seed in (0, 0, 1))
    assert first["texts"] == again["texts"] != other["texts"]
    assert {rollout["reward"] for rollout in first["rollouts"]} == {None}
    sure, _ = ask("try", step=None, seed=0, temperature=0.0, **question)
    assert len(set(sure["texts"])) == 1
    assert sure["step"] == 3


def test_the_problem_of_a_recorded_rollout_is_asked(ask, run):
    row = run.rollouts(2, ["rollout", "problem", "answer"]).iloc[5]
    header, _ = ask("try", step=1, prompt={"step": 2, "rollout": int(row["rollout"])}, n=1, seed=0)
    assert (header["problem"], header["reference"]) == (row["problem"], row["answer"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prompt": {"text": "  "}}, "the prompt is empty"),
        ({"prompt": {"number": -1}}, "there is no held-out problem -1: they are numbered from 0 on"),
        ({"prompt": {"step": 2, "rollout": 999}}, "has no rollout 999"),
        ({"prompt": {"step": 9, "rollout": 0}}, "has no rollouts of step 9"),
        ({"n": 65}, "n = 65: give 1 to 64 samples"),
        ({"temperature": -1}, "temperature = -1: give 0"),
        ({"step": 9}, "has no checkpoint of step 9; there are: 0-3"),
    ],
)
def test_what_cannot_be_tried_is_told(ask, changes, told):
    assert told in refused(ask, "try", **{"step": 1, "prompt": {"number": 0}, "n": 1, "seed": 0, **changes})


# ------------------------------------------------------------------ evaluate


def test_an_examination_leaves_its_results_to_everybody(ask, run):
    assert ask("evaluation_status")[0]["verdict"] == ""
    assert ask("evaluations")[0] == {"kind": "evaluations", "results": [], "unreadable": []}
    began, _ = ask("evaluate", steps=[2, None], base=True, problems=4, samples="1, 2")
    assert (began["verdict"], began["step"]) == ("running", None)
    assert "is being evaluated" in refused(ask, "evaluate", steps=[1], base=False, problems=4, samples="1")
    wait(lambda: ask("evaluation_status")[0]["verdict"] != "running")
    ended, _ = ask("evaluation_status")
    assert (ended["verdict"], ended["text"], ended["step"]) == ("done", "", 3)
    base, own, last = ask("evaluations")[0]["results"]
    assert (base["step"], own["step"], last["step"], own["problems"]) == (0, 2, 3, 4)
    assert [share["samples"] for share in own["passes"]] == [1, 2]
    assert base["gains"] == []
    document = json.loads((run.path / "evaluations" / "eval-step-000002.json").read_text())
    assert own["gains"][0]["value"] == document["gains"]["1"]["value"]
    assert "tallies" not in own


def test_results_that_hold_nothing_are_named(ask, run):
    (run.path / "evaluations" / "eval-step-000001.json").write_text("{")
    (run.path / "evaluations" / "eval-step-000002.json").write_text('{"step": 2}')
    assert ask("evaluations")[0]["unreadable"] == ["eval-step-000001.json", "eval-step-000002.json"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"samples": "1;2"}, "write whole numbers"), ({"steps": [], "base": False}, "no checkpoint is chosen")],
)
def test_what_cannot_be_examined_is_told_at_once(ask, changes, told):
    assert told in refused(ask, "evaluate", **{"steps": [1], "base": True, "problems": 2, "samples": "1", **changes})


def test_what_the_process_finds_out_is_told_later(ask):
    ask("evaluate", steps=[9], base=False, problems=1, samples="1")
    wait(lambda: ask("evaluation_status")[0]["verdict"] != "running")
    header, _ = ask("evaluation_status")
    assert header["verdict"] == "failed"
    assert "has no checkpoint of step 9" in header["text"]


def test_an_examination_is_cancelled_and_another_may_follow(ask, run):
    ask("evaluate", steps=[1], base=False, problems=4000, samples="64")
    process = examining.RUNNING[run.path.resolve()].process
    assert ask("evaluation_cancel")[0]["verdict"] == "cancelled"
    assert process.wait(PATIENCE) == -signal.SIGKILL
    again, _ = ask("evaluate", steps=[1], base=False, problems=4000, samples="64")
    assert again["verdict"] == "running"
    ask("evaluation_cancel")
    assert ask("evaluation_cancel")[0]["verdict"] == "cancelled"


# ------------------------------------------------------------------ fork


@pytest.fixture
def nobody(monkeypatch):
    """No trainer is started; answers the directories for which one would have been."""
    started = []
    monkeypatch.setattr(Local, "start", lambda self, directory, attempt: started.append(directory.path))
    return started


def test_the_fields_that_a_fork_may_change(ask):
    fields = {field["name"]: field for field in ask("forkable")[0]["fields"]}
    assert fields["training.learning_rate"] == {
        "name": "training.learning_rate", "value": "0.0003", "help": "AdamW's peak learning rate",
    }  # fmt: skip
    assert fields["method.method"]["value"] == '"grpo"'
    assert fields["method.surrogate.low"]["value"] == "0.2"
    assert fields["training.betas"]["value"] == "[0.9, 0.999]"
    assert {"model.device", "seed", "rewards"} <= fields.keys()
    assert not {"name", "model.name", "method.title", "method.key"} & fields.keys()


def test_every_value_that_is_offered_is_understood(ask, run):
    fields = ask("forkable")[0]["fields"]
    lines = [f"{field['name']}={field['value']}" for field in fields if not field["name"].startswith("method.method")]
    found, _ = ask("fork_check", step=2, name="", changes=lines)
    assert not any(found["beside"]), found["beside"]
    assert found["errors"] == []
    assert [change for change in found["changes"] if not change.startswith("method.")] == []
    assert not run.path.with_name("parent-from-2").exists()


def test_mistakes_stand_beside_their_lines_and_the_others_by_themselves(ask):
    change = {"step": 3, "name": ""}
    found, _ = ask("fork_check", **change, changes=["training.learning_rate=-1", "seed=x"])
    assert [text.split(":")[0] for text in found["beside"]] == ["training.learning_rate = -1", "seed = 'x'"]
    found, _ = ask("fork_check", **change, changes=["training.learning_rate=1e-4"])
    assert found["errors"] == ["training.steps = 3: the fork begins after step 3; set more"]
    found, _ = ask("fork_check", **change, changes=["training.steps=9", "seed"])
    assert found["beside"][0] == ""
    assert "write FIELD=VALUE" in found["beside"][1]
    found, _ = ask("fork_check", step=1, name="a b", changes=["method.metod=3"])
    assert "is no name for a run" in found["errors"][0]
    found, _ = ask("fork_check", step=1, name="", changes=["model.name=gpt2", "rollouts.rollouts=1", "nix.da=1"])
    assert "no such field" in found["beside"][2]
    found, _ = ask("fork_check", step=1, name="", changes=["model.name=gpt2", "seed=1"])
    assert "launch a new run for another model" in found["beside"][0]


def test_a_field_that_is_given_twice_over_is_refused():
    with pytest.raises(ValueError, match="training was given a value already"):
        forking.parsed(["training=3", "training.steps=4"])


def test_a_fork_is_started_under_the_name_that_was_free(ask, run, nobody):
    change = {"step": 2, "name": "other", "changes": ["training.learning_rate=1e-4"]}
    found, _ = ask("fork_check", **change)
    assert (found["note"], found["changes"]) == ("", ["training.learning_rate: 0.0003 → 0.0001"])
    made, _ = ask("fork", **change)
    assert (made["name"], made["path"]) == ("other", str(run.path.with_name("other")))
    assert "learning_rate: 0.0003 -> 0.0001" in made["text"]
    assert "a number is appended" in ask("fork_check", **change)[0]["note"]
    assert ask("fork", **change)[0]["name"] == "other-2"
    assert [path.name for path in nobody] == ["other", "other-2"]


def test_a_full_disk_is_told_and_nothing_is_left(ask, run, monkeypatch, nobody):
    def full(*given):
        raise DiskFullError(28, "no room left in runs: make room")

    monkeypatch.setattr(forking, "write_state", full)
    assert (
        refused(ask, "fork", step=2, name="other", changes=[]) == "no room left in runs: make room; nothing was started"
    )
    assert not run.path.with_name("other").exists()
    assert nobody == []


def test_a_mistake_is_told_before_weights_are_read(run, monkeypatch):
    monkeypatch.setattr(forking.checkpoint, "read", lambda folder: pytest.fail("weights were read"))
    with pytest.raises(ValueError, match="set more"):
        forking.fork(run, 3, launcher=Nobody())


def test_another_run_is_opened_where_there_is_somebody_to_open_it(run):
    opened = []
    dashboard, plain = Dashboard(run, opened.append), Dashboard(run)
    assert (dashboard.shown["opens"], plain.shown["opens"]) == (True, False)
    answered(dashboard, {"id": 1, "kind": "open", "path": "runs/other"})
    assert opened == ["runs/other"]
    dashboard.close()
    plain.close()


def test_columns_of_answers_are_as_long_as_their_tokens(ask):
    header, columns = ask("try", step=None, prompt={"number": 0}, n=2, seed=3)
    assert all(np.asarray(columns[name]).size == columns["tokens"].size for name in header["signals"])
