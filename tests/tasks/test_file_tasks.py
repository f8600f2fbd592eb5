"""Tasks that read a file: `jsonl` and `gsm8k`."""

import json
import os
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub import HfApi

from workbench.kinds import Task
from workbench.tasks import gsm8k
from workbench.tasks.gsm8k import Gsm8k
from workbench.tasks.jsonl import Jsonl


def write(folder: Path, *rows: Any, name: str = "problems.jsonl") -> str:
    """A file with one row a line; texts stand as they are."""
    path = folder / name
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n", "utf-8")
    return str(path)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"prompt": f"How much is {number} + 1?", "answer": number + 1} for number in range(count)]


def test_splits_share_nothing_and_keep_their_order(tmp_path: Path) -> None:
    task = Jsonl(write(tmp_path, *rows(20)), test_share=0.25, shuffle=3)
    assert (task.size("train"), task.size("test"), task.check()) == (15, 5, [])
    train = [task.problem(number, "train") for number in range(15)]
    test = [task.problem(number, "test") for number in range(5)]
    assert len({problem.key for problem in train + test}) == 20
    again = Jsonl(task.path, test_share=0.25, shuffle=3)
    assert [again.problem(number, "train") for number in range(15)] == train
    assert [Jsonl(task.path, shuffle=4).problem(number, "train") for number in range(15)] != train


def test_problem_as_asked(tmp_path: Path) -> None:
    file = write(tmp_path, "", {"q": "2 + 2", "solution": "so ## 3, no ## 4", "source": "me"})
    task = Jsonl(
        file, prompt="q", answer="solution", answer_after="##", template=r"{prompt}? Use \boxed{}.", test_share=0.0
    )
    problem = task.problem(0, "train")
    assert (problem.key, problem.prompt, problem.answer) == ("2", r"2 + 2? Use \boxed{}.", "4")
    assert problem.data["source"] == "me"
    assert task.size("test") == 0


def test_test_file_and_file_order(tmp_path: Path) -> None:
    train, test = write(tmp_path, *rows(3)), write(tmp_path, *rows(2), name="test.jsonl")
    task = Jsonl(train, test_path=test, shuffle=None)
    assert [task.problem(number, "train").key for number in range(task.size("train"))] == ["1", "2", "3"]
    assert [task.problem(number, "test").key for number in range(task.size("test"))] == ["test-1", "test-2"]


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([], "the file is empty"),
        ([{"prompt": "a", "answer": "b"}, "{"], "line 2: no JSON"),
        (["[1]"], "item 1: no JSON object: 1"),
        (['{"prompt": "a"}', "1"], "line 2: no JSON object: 1"),
        ([{"ask": "a", "answer": "b"}], "no column 'prompt' (field prompt); its columns: ask, answer; set task.prompt"),
        ([{"prompt": "a", "answer": ""}], "line 1: answer is empty"),
        ([{"prompt": ["a"], "answer": "b"}], "line 1: prompt = ['a'] is neither text nor a number"),
        (
            [*rows(2), {"prompt": "a"}, {"prompt": "b"}],
            "line 3: answer is missing; give a text or a number, or remove the row (2 such: line 3, line 4)",
        ),
    ],
)
def test_faults_are_named_before_the_run(tmp_path: Path, lines: list[Any], fault: str) -> None:
    task = Jsonl(write(tmp_path, *lines))
    (found,) = task.check()
    assert fault in found
    assert found.startswith(f"jsonl.path = {task.path!r}: ")
    with pytest.raises(ValueError, match=r"jsonl\.path"):
        task.problem(0, "train")


def test_missing_files_and_splits(tmp_path: Path) -> None:
    there = write(tmp_path, *rows(1))
    empty = tmp_path / "empty"
    empty.mkdir()
    faults = Jsonl(str(tmp_path / "a"), test_path=str(empty)).check()
    assert "there is no such file" in faults[0]
    assert faults[1].startswith("jsonl.test_path")
    assert "the folder holds no data file" in faults[1]
    assert "leaves no line for training" in Jsonl(there).check()[0]
    assert (
        Jsonl(write(tmp_path, *rows(1), name="b"), answer_after="####")
        .check()[0]
        .endswith("nothing follows '####' in answer; correct the row, or task.answer_after")
    )
    (tmp_path / "latin").write_bytes(b'{"prompt": "\xe9"}')
    assert "UTF-8" in Jsonl(str(tmp_path / "latin")).check()[0]


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    task = Jsonl(write(tmp_path, *rows(4)), test_share=0.0)
    assert task.size("train") == 4
    write(tmp_path, *rows(11))
    assert task.size("train") == 11


def test_numbers_and_fields_out_of_bounds(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="problem 9 of the train split: it has 9"):
        Jsonl(write(tmp_path, *rows(10))).problem(9, "train")
    with pytest.raises(ValueError, match=r"write \{prompt\} where it goes"):
        Jsonl("a", template="no place")
    with pytest.raises(ValueError, match="needs path"):
        Gsm8k(test_path="a")
    assert Task.parse({"task": "jsonl", "path": "a"}) == Jsonl("a")


def test_gsm8k_from_a_file(tmp_path: Path) -> None:
    file = write(tmp_path, {"question": "How many?", "answer": "500 * 2 = <<500*2=1000>>1,000\n#### 1,000"})
    problem = Gsm8k(path=file, test_share=0.0, template="{prompt}\n").problem(0, "train")
    assert (problem.prompt, problem.answer, problem.key) == ("How many?\n", "1000", "1")
    assert Gsm8k(path=str(tmp_path / "none")).check()[0].startswith("gsm8k.path")


def test_gsm8k_real_file() -> None:
    if "WORKBENCH_DATA" not in os.environ:
        pytest.skip("WORKBENCH_DATA is not set: it names the folder with gsm8k/test.jsonl")
    task = Gsm8k(path=str(Path(os.environ["WORKBENCH_DATA"]) / "gsm8k" / "test.jsonl"), shuffle=None)
    assert task.check() == []
    assert (task.size("train"), task.size("test")) == (1187, 132)
    assert task.problem(0, "train").answer == "18"
    assert all(float(task.problem(number, "train").answer) is not None for number in range(1187))


@pytest.fixture
def _hub(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A Hub that answers, and of which nothing is known yet."""
    monkeypatch.setattr(HfApi, "dataset_info", lambda *place, timeout: None)
    gsm8k.load_hub.cache_clear()
    yield
    gsm8k.load_hub.cache_clear()


@pytest.mark.usefixtures("_hub")
def test_gsm8k_from_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, part: str, split: str) -> list[dict[str, str]]:
        assert (name, part) == ("openai/gsm8k", "main")
        return [{"question": f"{split} {number}?", "answer": f"so\n#### {number},000"} for number in range(3)]

    monkeypatch.setattr(datasets, "load_dataset", load)
    task = Gsm8k(template="{prompt}", shuffle=None)
    assert (task.size("test"), task.check()) == (3, [])
    problem = task.problem(2, "test")
    assert (problem.key, problem.prompt, problem.answer) == ("test-2", "test 2?", "2000")


@pytest.mark.usefixtures("_hub")
def test_gsm8k_without_the_hub_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*place: str, split: str) -> None:
        raise DatasetNotFoundError("it is not there")

    monkeypatch.setattr(datasets, "load_dataset", load)
    (fault,) = Gsm8k().check()
    assert "(DatasetNotFoundError: it is not there)" in fault
    assert "set path to a local file" in fault


@pytest.mark.usefixtures("_hub")
def test_a_silent_hub_is_asked_once_before_an_earlier_download_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[dict[str, str]] = []

    def silent(*place: Any, timeout: float) -> None:
        assert timeout <= 5
        raise OSError("Name or service not known")

    def load(*place: str, split: str) -> list[dict[str, str]]:
        assert datasets.config.HF_HUB_OFFLINE, "it would ask the Hub again and again"
        if not kept:
            raise ConnectionError("Couldn't reach 'openai/gsm8k' on the Hub (OfflineModeIsEnabled)")
        return kept

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HfApi, "dataset_info", silent)
    monkeypatch.setattr(datasets, "load_dataset", load)
    (fault,) = Gsm8k().check()
    assert "the Hub gave OSError: Name or service not known, and no earlier download is kept here" in fault
    assert "OfflineModeIsEnabled" not in fault
    kept.append({"question": "1 + 1?", "answer": "#### 2"})
    assert Gsm8k().check() == []
    assert not datasets.config.HF_HUB_OFFLINE
