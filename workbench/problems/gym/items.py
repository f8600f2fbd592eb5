"""Problems of reasoning-gym, made in one process beside this one.

The library's generators walk over sets of strings, so that item i depends on the hash seed with which a process was
started; and the library with what it loads would make every trainer larger. The process starts with the first problem
and ends when its input does.
"""

import atexit
import functools
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("maker.py")
ROOT = Path(__file__).parents[3]  # where the process finds the package
PATIENCE = 600.0  # seconds for one problem, on however busy a machine
_LOCK = threading.Lock()
_PROCESSES: dict[int, "subprocess.Popen[bytes]"] = {}  # by the process that started it: a forked child starts its own


@dataclass(frozen=True)
class Item:
    """A problem of a data set: its number there, its question, and its answer, None where any solution counts.

    `metadata` is what a verifier in the sandbox reads, and empty for every other data set.
    """

    number: int
    question: str
    answer: str | None
    metadata: Mapping[str, Any]


@functools.lru_cache(maxsize=8192)
def draw(name: str, settings: str, level: int | None, number: int, split: str) -> Item:
    """The problem of the split that begins with item `number`; `settings` is JSON. ValueError where there is none."""
    order = {"dataset": name, "settings": json.loads(settings), "level": level, "number": number, "split": split}
    with _LOCK:
        reply = ask(json.dumps(order))
    if "error" in reply:
        raise ValueError(reply["error"])
    return Item(**reply)


def ask(order: str) -> dict[str, Any]:
    """The reply of the process. RuntimeError where it died or is silent; the next order gets a new one."""
    process = started()
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(order.encode() + b"\n")
        process.stdin.flush()
        ready = select.select([process.stdout], [], [], PATIENCE)[0]
        line = process.stdout.readline() if ready else b""
    except BrokenPipeError:
        line = b""
    except BaseException:  # interrupted: its reply would be taken for the next order's
        stop(os.getpid())
        raise
    if not line:
        code = stop(os.getpid())
        raise RuntimeError(f"the process that makes problems of reasoning-gym ended (exit code {code}) on {order}")
    return dict(json.loads(line))


def started() -> "subprocess.Popen[bytes]":
    """The process of this process."""
    owner = os.getpid()
    if owner not in _PROCESSES:
        known = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        own = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(known)}
        pipe = subprocess.PIPE
        command = [sys.executable, "-P", str(SCRIPT)]
        _PROCESSES[owner] = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env={**os.environ, **own}
        )
        atexit.register(stop, owner)
    return _PROCESSES[owner]


def stop(owner: int) -> int | None:
    """Ends the process that `owner` started, if this is `owner`; its exit code."""
    if owner != os.getpid() or owner not in _PROCESSES:
        return None
    process = _PROCESSES.pop(owner)
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:  # an order that was never read ends with the process
                continue
    return process.wait()
