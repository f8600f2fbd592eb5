"""Data files as people have them: every format gives the same problems, and what cannot be read is named by line."""

import bz2
import csv
import gzip
import io
import json
import lzma
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.tasks.data.files import read_rows
from workbench.tasks.jsonl import Jsonl

Rows = list[dict[str, Any]]


def lines(rows: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def parquet(rows: Rows) -> bytes:
    target = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), target)
    return target.getvalue()


def arrow(rows: Rows, kind: Any = pyarrow.ipc.new_stream) -> bytes:
    table, target = pyarrow.Table.from_pylist(rows), io.BytesIO()
    with kind(target, table.schema) as writer:
        writer.write_table(table)
    return target.getvalue()


def comma(rows: Rows) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.DictWriter(target, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return target.getvalue().encode()


def zstd(content: bytes) -> bytes:
    return bytes(pyarrow.Codec("zstd").compress(content))


FORMATS: dict[str, Callable[[Rows], bytes]] = {
    "x.jsonl": lines,
    "bom.jsonl": lambda rows: b"\xef\xbb\xbf" + lines(rows),
    "wide.jsonl": lambda rows: lines(rows).decode().encode("utf-16"),
    "crlf.jsonl": lambda rows: lines(rows).replace(b"\n", b"\r\n"),
    "cr.jsonl": lambda rows: lines(rows).replace(b"\n", b"\r"),
    "x.json": lambda rows: json.dumps(rows).encode(),
    "pretty.json": lambda rows: json.dumps(rows, indent=1).encode(),
    "x.jsonl.gz": lambda rows: gzip.compress(lines(rows)),
    "array.json.bz2": lambda rows: bz2.compress(json.dumps(rows).encode()),
    "x.jsonl.xz": lambda rows: lzma.compress(lines(rows)),
    "x.jsonl.zst": lambda rows: zstd(lines(rows)),
    "x.parquet": parquet,
    "x.arrow": arrow,
    "file.arrow": lambda rows: arrow(rows, pyarrow.ipc.new_file),
    "named like nothing": lines,
}  # fmt: skip
BINARY = (".gz", ".bz2", ".xz", ".zst", ".parquet", ".arrow")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text.strip() and text.strip().lower() != "nan"
)
ROWS = st.lists(st.fixed_dictionaries({"prompt": TEXT, "answer": TEXT}), min_size=1, max_size=4)


@pytest.mark.parametrize("name", FORMATS)
@given(rows=ROWS)
def test_every_format_gives_the_same_problems(name: str, rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("data") / name
    path.write_bytes(FORMATS[name](rows))
    task = Jsonl(str(path), test_share=0.0, shuffle=None)
    assert task.check() == []
    found = [task.problem(number, "train") for number in range(task.size("train"))]
    assert [(each.prompt, each.answer) for each in found] == [(row["prompt"], row["answer"].strip()) for row in rows]
    assert [each.key for each in found] == [str(number + 1) for number in range(len(rows))]


def test_csv_and_a_folder_of_files(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n}, plus\n1?", "answer": str(n + 1)} for n in range(3)]
    (tmp_path / "one.csv").write_bytes(comma(rows))
    assert [line.row for line in read_rows(str(tmp_path / "one.csv")).rows] == rows
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train-0.parquet").write_bytes(parquet(rows[:2]))
    (folder / "train-1.jsonl.gz").write_bytes(gzip.compress(lines(rows[2:])))
    (folder / "test-0.jsonl").write_bytes(lines([{"prompt": "9 + 1?", "answer": "10"}]))
    (folder / "README.md").write_text("no data")
    task = Jsonl(str(folder), shuffle=None)
    assert task.check() == []
    assert [task.problem(n, "train").key for n in range(task.size("train"))] == [
        "train-0.parquet/1", "train-0.parquet/2", "train-1.jsonl.gz/1",
    ]  # fmt: skip
    assert [task.problem(n, "test").answer for n in range(task.size("test"))] == ["10"]
    assert task.place(2, "train") == f"{folder}, train-1.jsonl.gz, line 1"


SAID = [{"role": "user", "content": "2 + 2?"}]
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    ("row", "fields"),
    [
        ({"prompt": SAID, "answer": "4"}, {}),
        ({"prompt": [SYSTEM, *SAID], "answer": 4}, {}),
        ({"prompt": SAID, "reward_model": {"style": "rule", "ground_truth": "4"}, "data_source": "x"}, {}),
        ({"prompt": [{"role": "user", "content": [{"type": "text", "text": "2 + 2?"}]}], "solution": "4"}, {}),
        ({"question": "2 + 2?", "answer": 4.0}, {}),
        ({"messages": SAID, "ground_truth": "4"}, {}),
        ({"ask": {"text": "2 + 2?"}, "gold": "4"}, {"prompt": "ask.text", "answer": "gold"}),
        ({"a.b": "2 + 2?", "answer": "so\n#### 4"}, {"prompt": "a.b", "answer_after": "####"}),
    ],
)
@pytest.mark.parametrize("kind", ["x.jsonl", "x.parquet"])
def test_columns_of_other_trainers_and_messages(tmp_path: Path, kind: str, row: Any, fields: Any) -> None:
    (tmp_path / kind).write_bytes(FORMATS[kind]([row]))
    task = Jsonl(str(tmp_path / kind), test_share=0.0, **fields)
    assert task.check() == []
    assert (task.problem(0, "train").prompt, task.problem(0, "train").answer) == ("2 + 2?", "4")
    assert task.system(0, "train") == ("Be brief." if SYSTEM in row.get("prompt", ()) else None)


GOOD = '{"prompt": "1 + 1?", "answer": "2"}'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"prompt": "x", "answer": NaN}', "line 2: answer = NaN is not a finite number; give the number itself"),
        ('{"prompt": "x", "answer": -Infinity}', "line 2: answer = -Infinity is not a finite number"),
        ('{"prompt": "x", "answer": "nan"}', "line 2: answer = nan is not a number"),
        ('{"prompt": "x", "answer": true}', 'line 2: answer = true is neither text nor a number; write it as a text'),
        ('{"prompt": "x", "answer": null}', "line 2: answer = null is neither text nor a number"),
        ('{"prompt": "x", "answer": ["4"]}', "line 2: answer = ['4'] is neither text nor a number"),
        ('{"prompt": "  ", "answer": "4"}', "line 2: prompt is empty; give one, or remove the row"),
        ('{"prompt": "a \\ud83d", "answer": "4"}', "line 2: prompt holds half a surrogate pair, U+D83D at character 3"),
        ('{"prompt": "x", "answer": "\\udc00"}', "line 2: answer holds half a surrogate pair, U+DC00 at character 1"),
        ('{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "answer": "4"}',
         "line 2: prompt has the turns user, assistant; give one turn of the user"),
        ('{"prompt": [{"role": "user", "content": [{"type": "image"}]}], "answer": "4"}',
         "line 2: prompt has a part that is no text: {'type': 'image'}"),
        (GOOD + ",", "remove the comma at its end"),
        ("{'prompt': 'x', 'answer': '4'}", "write it with json.dumps"),
        ("\0" * 64, "remove the empty bytes: the file was cut off while it was written"),
        ('{"prompt": "a", "prompt": "b", "answer": "4"}', "line 2: the name 'prompt' stands twice in an object"),
        ('{"prompt": "x", "answer": ' + "9" * 5000 + "}", "line 2: Exceeds the limit"),
        ('{"prompt": "x", "answer": "4", "y": ' + "[" * 100_000, "line 2: brackets nested too deep"),
        ("// mine", "line 2: no JSON"),
    ],
    ids=range(18),
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_line_value_and_remedy(tmp_path: Path, line: str, told: str) -> None:
    (tmp_path / "x.jsonl").write_text(f"{GOOD}\n{line}\n{GOOD}\n", "utf-8")
    (found,) = Jsonl(str(tmp_path / "x.jsonl")).check()
    assert told in found
    assert found.count("\n") == 0
    assert len(found) < 500


def test_many_errors_are_one_message_of_each_kind(tmp_path: Path) -> None:
    rows = [GOOD, *['{"prompt": "x", "answer": NaN}'] * 30, *['{"prompt": "", "answer": "1"}'] * 7]
    (tmp_path / "x.jsonl").write_text("\n".join(rows))
    numbers, empty = Jsonl(str(tmp_path / "x.jsonl")).check()
    assert "(30 such: line 2, line 3, line 4, line 5, line 6, …)" in numbers
    assert "(7 such: line 32, line 33, line 34, line 35, line 36, …)" in empty


@pytest.mark.parametrize("name", [name for name in FORMATS if name.endswith(BINARY)])
def test_a_torn_file_is_named(tmp_path: Path, name: str) -> None:
    whole = FORMATS[name]([{"prompt": "x" * 300, "answer": str(math.pi)}] * 20)
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    (found,) = Jsonl(str(tmp_path / name)).check()
    assert "download or write it again" in found or "correct" in found


@given(asked=st.lists(st.integers(0, 6), min_size=2, max_size=30), share=st.floats(0, 0.9), seed=st.integers(0, 5))
def test_splits_share_no_question(asked: list[int], share: float, seed: int, tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("split") / "x.jsonl"
    path.write_bytes(lines([{"prompt": f" {n}  + 1? ", "answer": n} for n in asked]))
    task = Jsonl(str(path), test_share=share, shuffle=seed)
    if task.check():
        assert "leaves no line" in task.check()[0]
        return
    train, test = ({task.problem(n, split).prompt for n in range(task.size(split))} for split in ("train", "test"))
    assert not train & test
    assert task.size("train") + task.size("test") == len(asked)
