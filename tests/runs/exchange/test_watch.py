"""A run that grows with another trainer's files: half-written, renamed, compressed, later, and broken ones."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest

from tests.runs.exchange.peers import TALK, episode, row, write_lines, write_miles, write_trackio, write_trl, write_verl
from tests.runs.exchange.test_miles import said, sample
from workbench.runs.exchange.watch import Watch, watch


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "theirs").mkdir()
    return tmp_path / "theirs"


@pytest.fixture
def watching(place: Path, tmp_path: Path) -> Iterator[Watch]:
    found = watch(place, tmp_path / "runs")
    yield found
    found.close()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_an_empty_folder_is_a_run_without_steps_that_lives(watching: Watch) -> None:
    assert watching.look() == []
    assert watching.run.steps() == []
    assert watching.run.status.state == "running"
    with pytest.raises(ValueError, match="was imported from"):
        watching.run.stop()


def test_lines_come_as_they_are_written_and_a_half_line_waits(watching: Watch, place: Path) -> None:
    path = place / "traces.jsonl"
    line = json.dumps(episode("e1")) + "\n"
    path.write_text(line + line[:50].replace("e1", "e2"))
    assert watching.look() == [4]
    assert watching.notes == ["traces.jsonl: its last line is not whole yet"]
    assert len(watching.run.rollouts(4)) == 1
    append(path, line[50:])
    assert watching.look() == [4]
    assert watching.notes == []
    assert len(watching.run.rollouts(4)) == 2
    assert watching.look() == []
    append(path, json.dumps(episode("e3", step=5)) + "\n")
    assert watching.look() == [5]
    assert watching.run.steps() == [4, 5]
    assert [event["text"] for event in watching.run.event_lines() if event["kind"] == "note"] == [
        "traces.jsonl: its last line is not whole yet"
    ]


def test_only_what_is_new_is_read(watching: Watch, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import workbench.runs.exchange.files as files

    path, read = place / "traces.jsonl", list[bytes]()
    whole = files.decoded
    monkeypatch.setattr(files, "decoded", lambda line: read.append(line) or whole(line))
    path.write_text("".join(json.dumps(episode(f"e{n}", step=n)) + "\n" for n in range(5)))
    assert watching.look() == [0, 1, 2, 3, 4]
    assert len(read) == 5
    append(path, json.dumps(episode("e9", step=9)) + "\n")
    assert watching.look() == [9]
    assert len(read) == 6


def test_a_file_written_anew_is_read_from_its_start(watching: Watch, place: Path) -> None:
    write_verl(place, [row("one"), row("two")])
    assert watching.look() == [3]
    write_verl(place, [row("another"), row("other"), row("third")])
    assert watching.look() == [3]
    assert watching.run.rollouts(3)["text"].tolist() == ["another", "other", "third"]
    words = json.loads((watching.run.path / "tokenizer" / "tokenizer.json").read_text())["model"]["vocab"]
    assert {"one", "another", "third"} <= set(words)


def test_a_renamed_file_is_told_and_what_was_read_stays(watching: Watch, place: Path) -> None:
    write_verl(place, [row()])
    watching.look()
    (place / "3.jsonl").rename(place / "old.backup")
    assert watching.look() == []
    assert watching.notes == ["gone, or renamed: 3.jsonl; what was read of it stays"]
    assert len(watching.run.rollouts(3)) == 1


def test_a_chunk_that_is_sealed_changes_nothing(watching: Watch, place: Path) -> None:
    stream, rows = place / "monitors" / "file" / "traces", [episode("e1"), episode("e2")]
    write_lines(stream / "stream" / "00000.jsonl", rows)
    assert watching.look() == []
    notes = [{"version": 1, "trace_id": f"t-{name}", "info": {"ship": {"step": 6}}} for name in ("e1", "e2")]
    write_lines(stream / "annotations" / "orchestrator" / "00000.jsonl", notes)
    assert watching.look() == [6]
    whole = [None, None, -0.5, -0.25, None, None, None, -0.125]
    later = [{"version": 1, "trace_id": "t-e2", "branches": [{"index": 0, "trainer_logprobs": whole}]}]
    write_lines(stream / "annotations" / "trainer" / "00000.jsonl", later)
    assert watching.look() == [6]
    logprob = watching.run.rollouts(6)["logprob"]
    assert logprob[0] is None
    assert logprob[1][0] == -0.5
    write_lines(stream / "stream" / "00000.jsonl.zst", rows)
    (stream / "stream" / "00000.jsonl").unlink()
    assert watching.look() == []
    assert watching.notes == ["gone, or renamed: 00000.jsonl; what was read of it stays"]
    assert len(watching.run.rollouts(6)) == 2


def test_a_later_version_and_a_broken_line_are_told_and_the_run_goes_on(watching: Watch, place: Path) -> None:
    path, later = place / "traces.jsonl", episode("e2", step=5)
    write_lines(path, [episode()])
    watching.look()
    later["traces"][0]["version"] = 2
    append(path, json.dumps(later) + "\n")
    assert watching.look() == []
    assert "line 2: a trace of version 2, and version 1 is known here" in watching.notes[0]
    assert watching.run.status.state == "running"
    write_lines(path, [episode(), episode("e3", step=5)])
    assert watching.look() == [5]
    append(path, "{broken}\n")
    assert watching.look() == []
    assert "line 3: no JSON object" in watching.notes[0]
    assert watching.run.steps() == [4, 5]


@pytest.mark.parametrize("end", ["gz", "zst"])
def test_a_compressed_file_that_is_half_written_is_told(watching: Watch, place: Path, end: str) -> None:
    path = place / f"3.jsonl.{end}"
    lines = "".join(json.dumps(row(f"{number}" * number)) + "\n" for number in range(200)).encode()
    whole = gzip.compress(lines) if end == "gz" else bytes(pyarrow.Codec("zstd").compress(lines))
    path.write_bytes(whole[: len(whole) // 2])
    assert watching.look() == []
    assert f"3.jsonl.{end} cannot be read (" in watching.notes[0]
    assert "half written, or broken" in watching.notes[0]
    path.write_bytes(whole)
    assert watching.look() == [3]
    assert watching.notes == []
    assert len(watching.run.rollouts(3)) == 200


def test_half_a_parquet_file_does_not_hide_the_others(watching: Watch, place: Path) -> None:
    columns: dict[str, Any] = {"prompt": ["2+2?"] * 2, "completion": ["4", "5"], "exact": [1.0, 0.0],
                               "advantage": [0.7071, -0.7071]}  # fmt: skip
    write_trl(place, 1, **columns)
    path = write_trl(place, 2, **columns) / "completions" / "completions_00002.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert watching.look() == [1]
    assert watching.notes == ["completions_00002.parquet cannot be read yet: it is half written, or broken"]
    path.write_bytes(whole)
    assert watching.look() == [2]
    assert watching.run.rollouts(2)["reward"].tolist() == [1.0, 0.0]


def test_a_database_and_columns_with_conversations_that_come_later(tmp_path: Path) -> None:
    talk, told = [{"role": "user", "content": "2+2?"}, *TALK], {"reward": 1.0, "group_id": "g1"}
    write_trackio(tmp_path / "one" / "project.db", [("a", 1, talk, told)])
    with_one = watch(tmp_path / "one", tmp_path / "runs")
    assert with_one.look() == [1]
    write_trackio(tmp_path / "one" / "project.db", [("a", 2, talk, told)])
    assert with_one.look() == [2]
    with_one.close()
    folder = write_miles(tmp_path / "two", 0, [sample(0)], [])
    with_two = watch(folder, tmp_path / "runs")
    assert with_two.look() == [0]
    write_lines(folder / "trajectory" / "0.jsonl", [said(0, 0, 0.5)])
    assert with_two.look() == [0]
    assert with_two.run.rollouts(0)["reward"].tolist() == [0.5]
    with_two.close()


def test_in_the_background_until_it_is_closed(place: Path, tmp_path: Path) -> None:
    with watch(place, tmp_path / "runs", name="theirs") as watching:
        write_verl(place, [row()])
        end = time.monotonic() + 30
        while not watching.run.steps() and time.monotonic() < end:
            time.sleep(0.02)
        assert watching.run.steps() == [3]
        write_verl(place, [row()], step=4)
    assert watching.run.status.state == "finished"
    assert watching.run.steps() == [3, 4]
    assert "watched" in watching.run.status.text
    again = watch(place, tmp_path / "runs", name="theirs")
    assert again.run.name == "theirs-2"
    again.close()


def test_the_folder_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist; give the folder that the trainer writes"):
        watch(tmp_path / "nowhere", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
