"""Data sets of the Hub, with verl's columns: a local cache, a snapshot that is given, no network, odd addresses."""

import json
from pathlib import Path
from typing import Any

import huggingface_hub
import pyarrow
import pyarrow.parquet
import pytest
from huggingface_hub import constants

from workbench.config import RunConfig
from workbench.runs.process.build import errors
from workbench.tasks.data import hub
from workbench.tasks.jsonl import Jsonl

ROWS = [
    {
        "prompt": [{"role": "user", "content": f"{n} + {n}?"}],
        "reward_model": {"style": "rule", "ground_truth": str(2 * n)},
    }
    for n in range(12)
]


@pytest.fixture(autouse=True)
def forget() -> None:
    hub.folders.clear()
    hub.failures.clear()


def write(folder: Path) -> None:
    """A data set as the Hub keeps verl's: two parquet files named after their splits."""
    (folder / "data").mkdir(parents=True)
    for split, rows in (("train", ROWS[:8]), ("test", ROWS[8:])):
        pyarrow.parquet.write_table(
            pyarrow.Table.from_pylist(rows), folder / "data" / f"{split}-00000-of-00001.parquet"
        )


def test_an_earlier_download_is_read_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, commit = tmp_path / "datasets--team--sums", "0" * 40
    write(own / "snapshots" / commit)
    (own / "refs").mkdir()
    (own / "refs" / "main").write_text(commit)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    task = Jsonl("hf://datasets/team/sums")
    assert task.check() == []
    assert (task.size("train"), task.size("test")) == (8, 4)
    assert {task.problem(number, "test").answer for number in range(4)} == {"16", "18", "20", "22"}
    assert "0-of-00001.parquet, row" in task.place(0, "train")


def test_what_is_asked_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    (tmp_path / "extra.jsonl").write_text(json.dumps({"question": "1?", "solution": "1"}) + "\n")
    asked: list[Any] = []

    def given(name: str, **more: Any) -> str:
        asked.append((name, more["revision"], more["allow_patterns"][0], more["repo_type"]))
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", given)
    task = Jsonl("hf://datasets/team/sums@v1.0/data")
    assert (task.check(), task.size("test")) == ([], 4)
    assert task.problem(0, "train").prompt.endswith("?")
    assert asked == [("team/sums", "v1.0", "data/*.jsonl*", "dataset")]  # once, however often it is read
    assert Jsonl("hf://datasets/team/sums/extra.jsonl", test_share=0.0).problem(0, "train").answer == "1"
    assert asked[1][2] == "extra.jsonl"
    assert any("has no 'other'" in text for text in Jsonl("hf://datasets/team/sums/other").check())


def test_without_network_there_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def silent(name: str, **more: Any) -> str:
        calls.append(name)
        raise ConnectionError("no route to host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", silent)
    config = RunConfig(task={"task": "jsonl", "path": "hf://datasets/team/sums"}, rewards=["math"], method="grpo")
    (text,) = errors(config)
    assert "cannot be had from the Hub (ConnectionError: no route to host)" in text
    assert "give a local file or folder" in text
    assert len(calls) == 1


@pytest.mark.parametrize(
    "path", ["hf://models/a/b", "hf://datasets/a", "hf://datasets/a/b/../../c", "hf://datasets/a/b c!"]
)
def test_an_address_that_is_none_is_refused(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *given, **more: pytest.fail("asked"))
    (text,) = Jsonl(path).check()
    assert "hf://datasets/OWNER/NAME" in text or "leads out" in text
