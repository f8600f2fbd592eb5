"""The trusted side of one zygote: starts it, gives it jobs as files in memory, reads what came of them, ends it."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from workbench.sandbox.jobs import NoSandboxError
from workbench.sandbox.walls.bubblewrap import REMEDY, command, missing
from workbench.sandbox.walls.filters import allowing, forbidding
from workbench.sandbox.walls.syscalls import LIBRARY, PROGRAM, ZYGOTE

STARTUP = 120.0  # seconds of wall time in which a zygote must have imported its modules, on however busy a machine
ADD_SEALS, SEALS = 1033, 0xF  # F_ADD_SEALS; F_SEAL_SEAL, _SHRINK, _GROW, _WRITE
#: What programs may import: imported before any of them runs, since they cannot open a file.
MODULES = (
    *("argparse", "ast", "csv", "fileinput", "gc", "getopt", "graphlib", "html", "keyword", "locale", "logging"),
    *("pathlib", "pickle", "platform", "select", "shlex", "socket", "subprocess", "tempfile", "timeit", "weakref"),
    *("abc", "array", "base64", "binascii", "bisect", "calendar", "cmath", "collections", "contextlib", "copy"),
    *("ctypes", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions", "functools", "hashlib", "heapq"),
    *("inspect", "io", "itertools", "json", "math", "numbers", "operator", "os", "pprint", "queue", "random", "re"),
    *("secrets", "statistics", "string", "struct", "sys", "textwrap", "threading", "time", "traceback", "types"),
    *("typing", "unicodedata", "uuid", "zlib", "_strptime", "encodings.idna", "encodings.latin_1", "encodings.ascii"),
)


@dataclass(frozen=True)
class Kind:
    """What a zygote is for: programs, or the functions of installed libraries."""

    modules: tuple[str, ...] = MODULES
    folders: tuple[str, ...] = ()  # visible inside besides the standard library, and on the import path
    source: str = ""  # a trusted file of Python that is run once, for its functions
    library: bool = False  # may read files, so that a library can load what it needs late


PROGRAMS = Kind()


class ZygoteDiedError(RuntimeError):
    """A zygote ended while it had a job."""


@dataclass
class Ended:
    """How a child ended: exit status (a signal as a negative number), processor time, and what it wrote."""

    code: int
    seconds: float
    late: bool
    output: bytes


@dataclass(eq=False)
class Worker:
    """One zygote."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    errors: IO[bytes]
    inside: int  # the process id of the zygote, as seen from here
    seed: int
    handle: int = -1  # of that process
    started: float = field(default_factory=time.monotonic)
    results: int = -1
    longest: int = 0
    deadline: float = field(default_factory=lambda: time.monotonic() + STARTUP)

    @property
    def busy(self) -> bool:
        """Whether it has a job."""
        return self.results >= 0

    def ready(self) -> None:
        """Waits until it has imported its modules. Raises NoSandboxError where it does not start."""
        self.control.settimeout(STARTUP)
        try:
            message = self.control.recv(65536)
        except OSError as error:
            message = b""
            self.errors.write(str(error).encode())
        if not message:
            self.end()
            raise NoSandboxError(f"the sandbox does not start: {self.complaint()}")
        self.control.settimeout(None)

    def complaint(self) -> str:
        """The end of what bubblewrap or Python said when it failed, with the remedy where it was the former."""
        self.errors.seek(0)
        said = " ".join(self.errors.read().decode(errors="replace").split())
        if "Traceback" in said:
            return f"{said[-300:]}. A file for it has to import inside, with what is installed"
        return f"{said[-300:] or f'bubblewrap ended with status {self.process.poll()}'}. {REMEDY}"

    def submit(self, job: bytes, given: bytes | None, limits: Mapping[str, Any]) -> None:
        """Gives it a job: its text, its standard input if it has one, and its limits."""
        files = [in_memory(job)] + ([in_memory(given)] if given is not None else [])
        self.results, self.longest = os.memfd_create("results", os.MFD_CLOEXEC), limits["output"]
        files.insert(1, self.results)
        self.deadline = time.monotonic() + 2 * limits["wall"]
        try:
            socket.send_fds(self.control, [json.dumps(dict(limits)).encode()], files)
        except OSError:
            self.deadline = 0.0  # it has ended, which its silence tells
        finally:
            for file in files:
                if file != self.results:
                    os.close(file)

    def collect(self) -> Ended:
        """What became of its job. Raises ZygoteDiedError where it ended meanwhile, or has not answered in time."""
        try:
            message = self.control.recv(65536, socket.MSG_DONTWAIT)
            if not message:
                raise ZygoteDiedError("the zygote ended")
            told = json.loads(message)
            size = min(os.fstat(self.results).st_size, self.longest)
            return Ended(told["code"], told["seconds"], told["late"], os.pread(self.results, size, 0))
        except OSError as error:
            raise ZygoteDiedError(str(error)) from None
        finally:
            self.forget()

    def forget(self) -> None:
        """Closes the results of its job."""
        if self.results >= 0:
            os.close(self.results)
        self.results = -1

    def close(self) -> None:
        """Ends the zygote, and with it everything in its process namespace."""
        self.end()
        self.errors.close()

    def end(self) -> None:
        """Ends its processes. A handle names the zygote, since its number may have gone to another process."""
        self.forget()
        self.control.close()
        if self.handle >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, signal.SIGKILL)
            os.close(self.handle)
            self.handle = -1
        self.process.kill()
        self.process.wait()


def in_memory(content: bytes) -> int:
    """A file in memory that nobody can change any more."""
    file = os.memfd_create("job", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(content)
    while view:
        view = view[os.write(file, view) :]
    os.lseek(file, 0, os.SEEK_SET)
    fcntl.fcntl(file, ADD_SEALS, SEALS)
    return file


def start(kind: Kind, seed: int) -> Worker:
    """Starts a zygote, without waiting for it. Raises NoSandboxError where that is not possible."""
    if missing():
        raise NoSandboxError(f"{missing()}. {REMEDY}")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    outer = in_memory(forbidding(ZYGOTE))
    reading, writing = os.pipe()
    errors = tempfile.TemporaryFile()  # noqa: SIM115
    words = command(seed, theirs.fileno(), outer, writing, kind.folders)
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=errors,
        pass_fds=(theirs.fileno(), outer, writing),
        start_new_session=True,
    )
    theirs.close()
    os.close(outer)
    os.close(writing)
    with os.fdopen(reading, "rb") as info:
        told = info.read()
    inside = int(json.loads(told)["child-pid"]) if told else -1
    worker = Worker(process, ours, errors, inside, seed, handle_of(inside))
    try:
        ours.send(hello(kind))
    except OSError as error:
        errors.write(f" {error}".encode())  # `ready` tells why, with what bubblewrap said
    return worker


def handle_of(process: int) -> int:
    """A descriptor of a process; -1 where there is none."""
    try:
        return os.pidfd_open(process) if process > 0 else -1
    except ProcessLookupError:
        return -1


def hello(kind: Kind) -> bytes:
    """A zygote's first message: where to import from, what to import, and its children's filter."""
    steps = allowing(LIBRARY if kind.library else PROGRAM)
    paths: Sequence[str] = kind.folders
    told = {"paths": paths, "modules": kind.modules, "source": kind.source, "filter": steps.hex()}
    return json.dumps(told).encode()
