"""Rollouts of TRL, verl and prime-rl become runs that can be opened and read, and say what they lack."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest

from widgets.recorded.data import RunData
from widgets.report.report import write_report
from workbench.models.embedded import FOLDER
from workbench.runs.checkpoints.fork import fork
from workbench.runs.checkpoints.snapshot import snapshot
from workbench.runs.exchange.find import import_run
from workbench.runs.exchange.foreign import ModelWords
from workbench.runs.open import open_run

QUESTION = [{"role": "user", "content": "2 + 2?"}]


def trl_folder(folder: Path) -> Path:
    """Two steps as TRL writes them: one conversational, one of plain texts, a reward missing."""
    place = folder / "out" / "completions"
    place.mkdir(parents=True)
    rows = {
        "step": [10, 10],
        "prompt": [QUESTION, QUESTION],
        "completion": [[{"role": "assistant", "content": text}] for text in ("It is 4.", "It is 5.")],
        "exact": [1.0, 0.0],
        "style": [0.5, float("nan")],
        "advantage": [0.7, -0.7],
    }
    pandas.DataFrame(rows).to_parquet(place / "completions_00010.parquet")
    plain = {"step": [20], "prompt": ["1 + 1?"], "completion": ["two\n<b>bold</b>"], "exact": [0.0], "advantage": [0.0]}
    pandas.DataFrame(plain).to_parquet(place / "completions_00020.parquet")
    return folder / "out"


def verl_folder(folder: Path, more: str = "") -> Path:
    """One step as verl writes it."""
    place = folder / "dump"
    place.mkdir()
    rows = [
        {"input": "2 + 2?", "output": text, "gts": "4", "score": score, "step": 3, "acc": score > 0, "pred": text}
        for text, score in (("4", 1.0), ("five", 0.0))
    ]
    (place / "3.jsonl").write_text("\n".join(json.dumps(row) for row in rows) + "\n" + more, encoding="utf-8")
    return place


def prime_folder(folder: Path, stable: bool = True) -> Path:
    """One step of one rank as prime-rl writes it, with the tokens of the embedded model."""
    words = ModelWords(str(FOLDER))
    prompt, answer = words.ids("2 + 2 = ?"), words.ids("answer: 4")
    row: dict[str, Any] = {
        "schema_version": 2, "step": 5, "token_ids": prompt + answer,
        "loss_mask": [False] * len(prompt) + [True] * len(answer),
        "advantages": [0.0] * len(prompt) + [0.25] * len(answer),
        "rewards": [1.0] * (len(prompt) + len(answer)),
        "inference_logprobs": [-0.5] * (len(prompt) + len(answer)),
        "trainer_logprobs": [-0.25] * (len(prompt) + len(answer)),
        "entropy": [0.125] * (len(prompt) + len(answer)),
        "importance_ratio": [None] * (len(prompt) + len(answer)),
    }  # fmt: skip
    place = folder / "token_exports" / "step_5"
    place.mkdir(parents=True)
    (place / "rank_0.jsonl").write_text(json.dumps(row) + "\n")
    if stable:
        (place / "STABLE").touch()
    return folder


def test_trl_completions_become_a_run(tmp_path: Path) -> None:
    run = import_run(trl_folder(tmp_path), tmp_path / "runs")
    assert run.name == "out"
    assert run.steps() == [10, 20]
    assert run.status.state == "finished"
    frame = run.rollouts(10)
    assert frame["prompt"].tolist() == ["2 + 2?"] * 2
    assert frame["text"].tolist() == ["It is 4.", "It is 5."]
    assert frame["group"].tolist() == [0, 0]
    assert frame["reward"].tolist() == [1.0, 0.0]  # the advantages are those of `exact` alone
    assert [part["name"] for part in frame["parts"][0]] == ["exact"]
    assert frame["advantage"][0].tolist() == pytest.approx([0.7] * 3)
    assert frame["logprob"].isna().all()  # TRL does not write them: missing, not zero
    assert run.metrics()["reward"].tolist() == [0.5, 0.0]


def test_words_of_imported_texts_are_shown_as_they_were(tmp_path: Path) -> None:
    run = import_run(trl_folder(tmp_path), tmp_path / "runs")
    vocabulary = RunData(run).vocabulary
    ids = run.rollouts(20)["token_ids"][0].tolist()
    assert vocabulary is not None
    assert "".join(vocabulary.entry(token)[0] for token in ids) == "two\n<b>bold</b>"


def test_verl_dumps_become_a_run(tmp_path: Path) -> None:
    run = import_run(verl_folder(tmp_path), tmp_path / "runs", name="mine", tokenizer=str(FOLDER))
    frame = run.rollouts(3)
    assert run.name == "mine"
    assert frame["reward"].tolist() == [1.0, 0.0]
    assert frame["answer"].tolist() == ["4", "4"]
    assert {part["name"]: part["value"] for part in frame["parts"][0]} == {"score": 1.0, "acc": 1.0}
    assert ModelWords(str(FOLDER)).text(frame["token_ids"][1].tolist()) == "five"


def test_prime_rl_exports_keep_their_numbers(tmp_path: Path) -> None:
    run = import_run(prime_folder(tmp_path / "p"), tmp_path / "runs", tokenizer=str(FOLDER))
    frame = run.rollouts(5)
    assert frame["text"].tolist() == ["answer: 4"]
    length = len(frame["token_ids"][0])
    for name, value in {"advantage": 0.25, "logprob": -0.25, "engine_logprob": -0.5, "entropy": 0.125}.items():
        assert frame[name][0].tolist() == [value] * length
    assert frame["reward"].tolist() == [1.0]
    assert frame["old_logprob"].isna().all()


def test_an_imported_run_is_reported_on_and_opened_by_anyone(tmp_path: Path) -> None:
    run = import_run(prime_folder(tmp_path / "p"), tmp_path / "runs", tokenizer=str(FOLDER))
    again = open_run(run.path)
    assert write_report(again, tmp_path / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("ask", ["config", "resume", "pause", "fork", "fork from 0", "try", "try at 0"])
def test_an_imported_run_says_that_it_is_for_reading_only(tmp_path: Path, ask: str) -> None:
    run = import_run(verl_folder(tmp_path), tmp_path / "runs")
    asked: dict[str, Callable[[], Any]] = {
        "config": lambda: run.config,
        "resume": run.resume,
        "pause": run.pause,
        "fork": lambda: fork(run),
        "fork from 0": lambda: fork(run, 0),
        "try": lambda: snapshot(run),
        "try at 0": lambda: snapshot(run, 0),
    }
    with pytest.raises(ValueError, match=r"was imported from .*/dump \(verl\) and is read-only"):
        asked[ask]()


@pytest.mark.parametrize("tokenizer", [None, str(FOLDER)])
def test_a_step_that_is_not_whole_is_left_out(tmp_path: Path, tokenizer: str | None) -> None:
    with pytest.raises(ValueError, match="no rollouts of a known trainer"):
        import_run(prime_folder(tmp_path / "p", stable=False), tmp_path / "runs", tokenizer=tokenizer)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"3\.jsonl, line 3: no JSON object"):
        import_run(verl_folder(tmp_path, more="{torn}\n"), tmp_path / "runs")
    with pytest.raises(ValueError, match="does not exist"):
        import_run(tmp_path / "nowhere", tmp_path / "runs")
    with pytest.raises(ValueError, match=r"no rollouts of a known trainer \(miles, prime-rl, trackio, TRL, "):
        import_run(tmp_path, tmp_path / "runs")
    with pytest.raises(ValueError, match="cannot be loaded"):
        import_run(tmp_path / "dump", tmp_path / "runs", tokenizer=str(tmp_path))


def test_a_torn_parquet_file_is_named(tmp_path: Path) -> None:
    folder = trl_folder(tmp_path)
    (folder / "completions" / "completions_00020.parquet").write_bytes(b"PAR1torn")
    with pytest.raises(ValueError, match=r"completions_00020\.parquet cannot be read"):
        import_run(folder, tmp_path / "runs")
