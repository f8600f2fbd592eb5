"""Runs a program of the system on text that a model wrote: a compiler, a simulator. One bubblewrap each time."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.sandbox.jobs import Limits, NoSandboxError
from workbench.sandbox.walls.bubblewrap import REMEDY, missing, tool
from workbench.sandbox.walls.filters import forbidding
from workbench.sandbox.walls.syscalls import TOOL, ZYGOTE
from workbench.sandbox.worker import in_memory

BACKSTOP = 10.0  # seconds of wall time, and for every second of processor time


@dataclass(frozen=True)
class Ran:
    """How a tool ended: its exit status (128 and more: a signal), what it printed, and whether it had no time."""

    code: int
    output: str
    late: bool = False


def run_tool(words: Sequence[str], folder: Path, limits: Limits, compiles: bool = False) -> Ran:
    """Runs a command with one folder in sight, `/work`, which is also where it starts.

    A compiler (`compiles`) may start programs and write into the folder; all else reads only, and can neither make a
    process nor open a file to write. Raises NoSandboxError where it cannot be walled off.
    """
    if missing():
        raise NoSandboxError(f"{missing()}. {REMEDY}")
    walls, printed = in_memory(forbidding(ZYGOTE if compiles else TOOL)), os.memfd_create("printed", os.MFD_CLOEXEC)
    seconds = str(max(1, round(limits.seconds)))
    bounds = [f"--cpu={seconds}", f"--as={limits.memory}", f"--fsize={limits.output}", "--core=1", "--memlock=0"]
    command = tool(["prlimit", *bounds, *words], str(folder), walls, compiles)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed, pass_fds=(walls,), start_new_session=True
    )
    late = False
    try:
        process.wait(BACKSTOP * (1 + limits.seconds))
    except subprocess.TimeoutExpired:
        late = True
    finally:
        process.kill()  # and with bubblewrap all that it started
        process.wait()
        os.close(walls)
    text = os.pread(printed, limits.output, 0).decode("utf-8", errors="replace")
    os.close(printed)
    return Ran(process.returncode, text, late)
