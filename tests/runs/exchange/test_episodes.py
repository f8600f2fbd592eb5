"""Episodes of verifiers and prime-rl, and traces of trackio: tokens, branches, annotations, tools' words."""

import math
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.runs.exchange.peers import (
    TALK,
    episode,
    node,
    trained_text,
    write_lines,
    write_trackio,
)
from widgets.report.report import write_report
from workbench.runs.exchange.find import import_run
from workbench.runs.exchange.foreign import Options
from workbench.runs.exchange.watch import watch

# ----------------------------------------------------------------------------- episodes: verifiers, prime-rl


def check_episode(frame: Any, step: int) -> None:
    """What of `episode` must be there."""
    assert frame["step"].tolist() == [step]
    assert frame["prompt_ids"][0].tolist() == [1, 2]
    assert frame["token_ids"][0].tolist() == [3, 4, 5, 6, 7, 8]
    assert frame["trained"][0].tolist() == [True, True, False, False, False, True]
    assert frame["reward"].tolist() == pytest.approx([1.1])
    assert {part["name"]: part["value"] for part in frame["parts"][0]} == {"exact": 1.0, "style": 0.5}
    assert numpy.allclose(frame["engine_logprob"][0], [-0.1, -0.2, math.nan, math.nan, math.nan, -0.3], equal_nan=True)
    assert numpy.allclose(frame["advantage"][0], [0.7, 0.7, math.nan, math.nan, math.nan, 0.7], equal_nan=True)
    assert frame["answer"].tolist() == ["4"]
    assert "TOOLWORD" in frame["text"][0]


def test_verifiers_episodes(tmp_path: Path) -> None:
    rows = [episode(), {**episode("e2"), "traces": []}]
    options = Options()
    run = import_run(write_lines(tmp_path / "vf" / "traces.jsonl", rows).parent, tmp_path / "runs", options=options)
    check_episode(run.rollouts(4), 4)
    assert options.notes == ["1 episodes failed before they had a trace, and are left out"]
    assert write_report(run, tmp_path / "report.html").stat().st_size > 10_000


def test_verifiers_without_token_ids_mask_what_tools_said(tmp_path: Path) -> None:
    rows = [episode(tokens=False, run={"work": {"type": "eval"}})]
    told = trained_text(import_run(write_lines(tmp_path / "vf" / "traces.jsonl", rows).parent, tmp_path / "runs"), 0)
    assert "I call" in told
    assert "TOOLWORD" not in told


def test_words_never_name_the_tokens_of_a_model(tmp_path: Path) -> None:
    rows, options = [episode(), episode("e2", tokens=False)], Options()
    folder = write_lines(tmp_path / "vf" / "traces.jsonl", rows).parent
    run = import_run(folder, tmp_path / "runs", options=options)
    assert options.notes[-1].startswith("some rollouts have token ids and others texts alone")
    assert not (run.path / "tokenizer" / "tokenizer.json").exists()
    watching = watch(folder, tmp_path / "runs")
    watching.look()
    watching.close()
    assert not (watching.run.path / "tokenizer" / "tokenizer.json").exists()
    assert "TOOLWORD" in run.rollouts(4)["text"][1]


def test_verifiers_branches_are_samples_of_their_own(tmp_path: Path) -> None:
    row = episode()
    row["traces"][0]["nodes"].append(node(2, "assistant", "5", [9], True, logprobs=[-0.9], advantages=[-0.7]))
    frame = import_run(write_lines(tmp_path / "vf" / "traces.jsonl", [row]).parent, tmp_path / "runs").rollouts(4)
    assert [tokens[-1] for tokens in frame["token_ids"]] == [8, 9]
    assert frame["group"].tolist() == [0, 0]


def test_prime_rl_until_september_counts_an_effective_episode_once(tmp_path: Path) -> None:
    for kind in ("all", "effective"):
        write_lines(tmp_path / "prl" / "rollouts" / "step_7" / "train" / kind / "traces.jsonl", [episode(), episode()])
    check_episode(import_run(tmp_path / "prl", tmp_path / "runs").rollouts(7), 7)


@pytest.mark.parametrize("name", ["00000.jsonl", "00000.jsonl.zst"])
def test_prime_rl_since_september_folds_annotations(tmp_path: Path, name: str) -> None:
    place = tmp_path / "prl" / "monitors" / "file" / "traces"
    write_lines(place / "stream" / name, [episode("e1"), episode("e2")])
    write_lines(place / "stream.index.jsonl", [{"id": "e1"}])
    old, new = [None, None, 9.0, 9.0, None, None, None, 9.0], [None, None, -0.5, -0.25, None, None, None, -0.125]
    notes = [
        {"version": 1, "trace_id": "t-e1", "info": {"effective": True, "ship": {"step": 6, "time": 0.0}},
         "branches": [{"index": 0, "trainer_logprobs": old}]},
        {"version": 1, "trace_id": "t-e1", "branches": [{"index": 0, "trainer_logprobs": new}]},
    ]  # fmt: skip
    write_lines(place / "annotations" / "trainer" / "00000.jsonl", notes)
    options = Options()
    run = import_run(tmp_path / "prl", tmp_path / "runs", options=options)
    assert run.steps() == [6]
    check_episode(run.rollouts(6), 6)
    logprob = run.rollouts(6)["logprob"][0]
    assert numpy.allclose(logprob, [-0.5, -0.25, math.nan, math.nan, math.nan, -0.125], equal_nan=True)
    assert options.notes == ["1 traces were not trained on (no step is annotated) and are left out"]


# ---------------------------------------------------------------------------------------------- trackio


def test_trackio_traces(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "2+2?"}, *TALK]
    told = {"reward": 1.0, "rewards/exact": 1.0, "advantage": 0.5, "group_id": "g1"}
    rows = [("one", 2, said, told), ("one", 2, said, {**told, "group_id": "g2"}), ("two", 3, said, told)]
    path = write_trackio(tmp_path / "t" / "project.db", rows)
    with pytest.raises(ValueError, match="holds the runs one, two; name one of them: --run NAME"):
        import_run(path.parent, tmp_path / "runs")
    run = import_run(path.parent, tmp_path / "runs", options=Options(run="one"))
    frame = run.rollouts(2)
    assert run.steps() == [2]
    assert frame["group"].tolist() == [0, 1]
    assert frame["prompt"].tolist() == ["2+2?"] * 2
    assert frame["reward"].tolist() == [1.0, 1.0]
    assert "TOOLWORD" not in trained_text(run, 2)
    assert import_run(path, tmp_path / "runs", options=Options(run="two")).steps() == [3]


@pytest.mark.parametrize("said", [["words"], {"role": "user"}, "words"])
def test_trackio_messages_that_are_none_are_named(tmp_path: Path, said: Any) -> None:
    path = write_trackio(tmp_path / "t" / "project.db", [("one", 2, said, {})])
    with pytest.raises(ValueError, match="step 2: a trace has no list of messages"):
        import_run(path, tmp_path / "runs")
