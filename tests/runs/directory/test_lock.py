"""One trainer per directory: refused while it lives, taken over when it is gone, not fooled by a reused pid."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.runs.directory.lock import Identity, Lock, LockedError

HOLD = """
import sys, pathlib
from workbench.runs.directory.lock import Lock
with Lock(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(path: Path) -> "subprocess.Popen[str]":
    """Another process that holds the lock until its standard input is closed."""
    command = [sys.executable, "-c", HOLD, str(path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_trainer_is_refused_while_the_first_lives_and_takes_over_when_it_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    process = holder(path)
    with pytest.raises(LockedError, match=f"process {process.pid} on .*stop that one first"), Lock(path):
        pass
    process.kill()
    process.communicate()
    assert path.read_text()  # the dead one left its name
    with Lock(path) as lock:
        assert lock.stale is not None
        assert lock.stale.pid == process.pid
        assert json.loads(path.read_text())["pid"] == os.getpid()
    assert path.read_text() == ""


def test_a_process_that_was_killed_but_not_waited_for_holds_nothing(tmp_path: Path) -> None:
    process = holder(tmp_path / "lock")
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # dead for sure, and still a zombie
    with Lock(tmp_path / "lock"):
        pass
    process.communicate()


@pytest.mark.parametrize(
    "change", [{"ticks": 1}, {"boot": "before the restart"}, {"pid": 2**22 + 1}], ids=["reused", "reboot", "gone"]
)
def test_a_stale_lock_is_taken_over(tmp_path: Path, change: dict[str, object]) -> None:
    stale = dataclasses.replace(Identity.of(os.getppid()), **change)
    (tmp_path / "lock").write_text(json.dumps(dataclasses.asdict(stale)))
    with Lock(tmp_path / "lock") as lock:
        assert lock.stale == stale


def test_a_lock_of_another_machine_is_respected(tmp_path: Path) -> None:
    other = dataclasses.replace(Identity.of(os.getpid()), host="elsewhere")
    (tmp_path / "lock").write_text(json.dumps(dataclasses.asdict(other)))
    with (
        pytest.raises(
            LockedError, match=r"elsewhere.*cannot be seen from here; if it is gone, take over with .*--take-over"
        ),
        Lock(tmp_path / "lock"),
    ):
        pass


@pytest.mark.parametrize("content", ["", "{", '{"pid": "x"}', "[1]"])
def test_a_torn_lock_holds_nothing(tmp_path: Path, content: str) -> None:
    (tmp_path / "lock").write_text(content)
    with Lock(tmp_path / "lock") as lock:
        assert lock.stale is None
