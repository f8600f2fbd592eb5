"""Runs inside the sandbox, started once: imports modules, then forks a child for every job and says how it ended.

It never runs a program and never reads a job: job and results are files in memory that the child alone opens, made for
this one job, so that a program finds nothing of another. The child gives up everything, then runs the program. Standard
library only, with `values.py` beside this file.
"""

import ctypes
import gc
import importlib
import io
import json
import os
import resource
import select
import signal
import socket
import sys
import threading
import types
from typing import Any

FILTERED = 22  # PR_SET_SECCOMP
RAISED, NO_FILTER = 1, 13  # exit statuses: of a program that raised, of a child that could not install its filter
INPUT, OUTPUT, FIRST_FREE, CONTROL = 0, 1, 2, 3
LIBRARY: dict[str, Any] = {"__name__": "library"}  # the names of the trusted file, where the zygote has one
ERROR = 200  # characters of an exception's text
LONGEST_STACK = 64 * 2**20


class Filter(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_void_p))


class Silent(io.TextIOBase):
    """A file that takes everything and keeps nothing."""

    def write(self, text: str) -> int:
        """Drops a text."""
        return len(text)


def main(control: socket.socket) -> None:
    """Serves jobs until the other end of the socket is closed."""
    threading.Thread.start = at_once  # type: ignore[assignment]
    threading.Thread.join = lambda self, timeout=None: None  # type: ignore[method-assign]
    hello = json.loads(control.recv(2**20))
    sys.path[:0] = hello["paths"]
    for name in hello["modules"]:
        importlib.import_module(name)
    values = importlib.import_module("values")
    exec(compile(hello["source"], "<library>", "exec"), LIBRARY)
    steps = bytes.fromhex(hello["filter"])
    memory = ctypes.create_string_buffer(steps, len(steps))
    program = Filter(len(steps) // 8, ctypes.addressof(memory))
    install = ctypes.CDLL(None, use_errno=True).prctl
    if not hello["paths"]:
        os.environ.clear()
    gc.collect()
    gc.freeze()
    control.send(b'{"ready": true}')
    while True:
        message, files, _, _ = socket.recv_fds(control, 65536, 3)
        if not message:
            return
        limits = json.loads(message)
        child = os.fork()
        if child == 0:
            code = NO_FILTER
            try:
                prepare(files, limits)
                if install(FILTERED, 2, ctypes.byref(program), 0, 0) == 0:
                    code = RAISED
                    work(limits, values)
                    code = 0
            finally:
                os._exit(code)
        for file in files:
            os.close(file)
        control.send(json.dumps(ended(child, control, limits["wall"])).encode())


def ended(child: int, control: socket.socket, wall: float) -> dict[str, Any]:
    """Waits for a child; ends it after `wall` seconds, which only a machine without time to give lets pass."""
    handle = os.pidfd_open(child)
    try:
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        waiting.register(control, select.POLLIN)
        ready = dict(waiting.poll(wall * 1000))
        if handle not in ready:
            os.kill(child, signal.SIGKILL)
        if control.fileno() in ready:
            os._exit(0)  # the other end is closed: nothing is asked while a job runs
    finally:
        os.close(handle)
    _, status, used = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return {"code": code, "seconds": used.ru_utime + used.ru_stime, "late": not ready}


def prepare(files: list[int], limits: dict[str, Any]) -> None:
    """Gives up what the child must not have: files, time, memory, processes."""
    spare = [os.dup2(file, 10 + place) for place, file in enumerate(files)]
    os.dup2(spare[1], OUTPUT)
    if len(spare) > 2:
        os.dup2(spare[2], INPUT)
    else:
        os.close(INPUT)
    limits["job"] = os.pread(spare[0], os.fstat(spare[0]).st_size, 0)
    os.closerange(FIRST_FREE, 1024)
    seconds = int(limits["seconds"]) + 2
    for name, value in (
        ("RLIMIT_AS", limits["memory"]),
        ("RLIMIT_FSIZE", limits["output"]),
        ("RLIMIT_CPU", seconds),
        ("RLIMIT_STACK", LONGEST_STACK),
        ("RLIMIT_NOFILE", 3 if not limits["library"] else 32),
        ("RLIMIT_CORE", 1),  # 0 would still start a handler of core dumps outside, where the machine has one
        *((each, 0) for each in ("RLIMIT_NPROC", "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE")),
    ):
        resource.setrlimit(getattr(resource, name), (value, value))
    for number in (signal.SIGPROF, signal.SIGXFSZ, signal.SIGXCPU, signal.SIGPIPE, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # ends the process: no handler, so nothing to catch
    signal.setitimer(signal.ITIMER_PROF, limits["seconds"])


def work(limits: dict[str, Any], values: types.ModuleType) -> None:
    """Runs the job; from here on the process belongs to the program."""
    job = json.loads(limits.pop("job"))
    sys.stderr = Silent()
    if job["style"] == "stdin":
        sys.stdin = io.TextIOWrapper(io.FileIO(INPUT, closefd=False), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(io.FileIO(OUTPUT, "w", closefd=False), encoding="utf-8", write_through=False)
        run_script(job["program"])
        return
    sys.stdout = Silent()
    if job["style"] == "library":
        run_library(job)
    else:
        run_function(job, values)


def namespace() -> dict[str, Any]:
    """The module that a program is."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    return vars(module)


def run_script(program: str) -> None:
    """A program that reads its standard input and prints; how it ended is the exit status."""
    try:
        exec(compile(program, "<program>", "exec"), namespace())
    except SystemExit as error:
        if error.code not in (None, 0):
            raise
    sys.stdout.flush()


def run_function(job: dict[str, Any], values: types.ModuleType) -> None:
    """Calls a function of the program; every result is written as soon as it is there."""
    names = namespace()
    try:
        exec(compile(job["program"], "<program>", "exec"), names)
        owner, _, method = job["entry"].rpartition(".")
        function = getattr(names[owner](), method) if owner else names[method]
    except BaseException as error:
        tell({"fault": described(error)})
        return
    for call in job["calls"]:
        try:
            tell({"value": values.written(function(*values.read(call)), job["longest"])})
        except BaseException as error:
            tell({"error": described(error)})


def run_library(job: dict[str, Any]) -> None:
    """Calls a function of the trusted file, JSON in and JSON out."""
    (call,) = job["calls"]
    try:
        tell({"value": json.dumps(LIBRARY[job["entry"]](*json.loads(call)))})
    except Exception as error:
        tell({"error": described(error)})


def described(error: BaseException) -> str:
    """An exception in one short line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:ERROR]


def tell(line: dict[str, str]) -> None:
    """Writes one line of results, all of it: what is beyond the limit ends the process."""
    rest = json.dumps(line).encode() + b"\n"
    while rest:
        rest = rest[os.write(OUTPUT, rest) :]


def at_once(thread: threading.Thread) -> None:
    """Runs a thread to its end: a program cannot have two, but many a script has one for the sake of its stack."""
    thread.run()


def only(number: int) -> socket.socket:
    """The control socket as the one file that is open besides the three usual ones, wherever it was before."""
    os.dup2(number, CONTROL)
    os.closerange(CONTROL + 1, os.sysconf("SC_OPEN_MAX"))
    return socket.socket(fileno=CONTROL)


if __name__ == "__main__":
    main(only(int(sys.argv[1])))
