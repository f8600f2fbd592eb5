"""Files that are whole at every moment: names, atomic writes, lines, and a disk without room."""

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from workbench.runs.directory.lines import LineReader, LineWriter, current, read_lines
from workbench.runs.directory.paths import (
    DiskFullError,
    RunDirectory,
    check_name,
    full_message,
    is_full,
    new_directory,
    read_json,
    room,
    write_atomic,
    write_json,
)


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "-x", "spaces in it", "a" * 101, "ü"])
def test_bad_names_are_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(ValueError, match="letters, digits"):
        check_name(name)


def test_a_taken_name_gets_a_number(tmp_path: Path) -> None:
    names = [new_directory(tmp_path, "run").name for _ in range(3)]
    assert names == ["run", "run-2", "run-3"]


def test_a_foreign_folder_and_a_later_format_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no run directory"):
        RunDirectory(tmp_path).check()
    write_json(tmp_path / "format.json", {"kind": "run", "format": 99})
    with pytest.raises(ValueError, match=r"format 99.*upgrade"):
        RunDirectory(tmp_path).check()


def test_an_interrupted_write_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "status.json"
    write_atomic(path, "old")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskFullError, match=rf"no space left on device: {tmp_path}.*make room, then resume the run"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["status.json"]


def test_missing_numbers_are_null_in_json(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"kl": float("nan"), "norm": float("inf"), "path": tmp_path})
    assert read_json(tmp_path / "a.json") == {"kl": None, "norm": None, "path": str(tmp_path)}
    with pytest.raises(ValueError, match="cannot stand in a JSON file"):
        write_json(tmp_path / "b.json", {"x": object()})


def test_words_of_other_libraries_for_a_full_disk_are_understood(tmp_path: Path) -> None:
    assert is_full(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert not is_full(OSError(errno.EACCES, "Permission denied"))
    with pytest.raises(PermissionError), room(tmp_path, 1):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_full_disk_never_asks_for_less_than_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=4_485_120))
    assert "4,485,120 bytes free, and the next step needs about 10,168,844; make room" in full_message(
        tmp_path, 10_168_844
    )
    less = full_message(tmp_path, 1_496_036)  # the checkpoint before this one, which had no moments yet
    assert "4,485,120 bytes free, and the next step needs more, or a quota" in less
    assert "1,496,036" not in less


def test_a_torn_last_line_is_not_read_and_is_cut_off_by_the_next_writer(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n{"step": 2, "rew')
    lines, notes = read_lines(path)
    assert lines == [{"step": 1}]
    assert notes == ["metrics.jsonl: the last line is torn (16 bytes); skipped"]
    writer = LineWriter(path)
    assert writer.cut == 16
    writer.write({"step": 2})
    writer.close()
    assert read_lines(path) == ([{"step": 1}, {"step": 2}], [])


def test_rubbish_between_lines_is_skipped_with_a_note(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"step": 1}\n\xff\xfe rubbish\n[3]\n\n{"step": 2}\n')
    lines, notes = read_lines(path)
    assert [line["step"] for line in lines] == [1, 2]
    assert len(notes) == 2
    assert "byte 12" in notes[0]


def test_a_reader_gets_each_line_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    reader = LineReader(path)
    assert reader.new() == []
    with path.open("ab", buffering=0) as file:
        file.write(b'{"step": 1}\n{"st')
        assert reader.new() == [{"step": 1}]
        file.write(b'ep": 2}')
        assert reader.new() == []
        file.write(b"\n")
        assert reader.new() == [{"step": 2}]


def test_a_line_that_does_not_fit_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    writer = LineWriter(path)
    writer.write({"step": 1})

    class Small:
        """A file whose disk is full after three bytes."""

        def __init__(self) -> None:
            self.calls = 0

        def fileno(self) -> int:
            return descriptor.fileno()

        def write(self, data: bytes) -> int:
            self.calls += 1
            if self.calls > 1:
                raise OSError(errno.ENOSPC, "No space left on device")
            return descriptor.write(data[:3])

    descriptor = writer.file
    monkeypatch.setattr(writer, "file", Small())
    with pytest.raises(DiskFullError, match="no space left"):
        writer.write({"step": 2})
    assert read_lines(path) == ([{"step": 1}], [])
    descriptor.close()


def test_the_highest_attempt_counts_and_given_up_steps_do_not() -> None:
    lines = [{"attempt": 1, "step": step, "reward": 1} for step in range(6)]
    lines += [{"attempt": 2, "step": step, "reward": 2} for step in (3, 4)]
    assert list(current(lines, {2: 2})) == [0, 1, 2, 3, 4]  # step 5 was given up: attempt 2 went on after step 2
    assert current(lines, {2: 2})[3]["reward"] == 2
    assert list(current(lines, {})) == [0, 1, 2, 3, 4, 5]
    assert json.dumps(current([{"step": "x"}, {"no": 1}], {})) == "{}"
