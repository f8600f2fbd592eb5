"""What is run and what came of it: jobs, their limits, outcomes; and the protocol of an executor.

Nothing here is a verdict. An outcome holds what a program returned, as texts of plain values; whoever knows the
reference value compares, in a process in which no program ever ran.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, runtime_checkable

#: finished: every call has a result (a value or an exception) · timeout: its processor time was used up · memory: the
#: child was ended for its memory or the length of its output · crashed: ended in any other way · refused: not run,
#: since it is no program or an argument no value · nondeterministic: two runs under different hash seeds differ ·
#: lost: the machine's fault, so that nothing is known about the program.
Status = Literal["finished", "timeout", "memory", "crashed", "refused", "nondeterministic", "lost"]
Style = Literal["function", "stdin", "library"]


@dataclass(frozen=True)
class Limits:
    """What one program may use up."""

    seconds: float = 2.0  # of processor time, for all calls of a job; with `stdin`, for each
    memory: int = 256 * 2**20  # bytes of address space
    output: int = 256 * 1024  # bytes of everything it returns or prints

    def __post_init__(self) -> None:
        for name, least in (("seconds", 0.01), ("memory", 64 * 2**20), ("output", 256)):
            if getattr(self, name) < least:
                raise ValueError(f"limits.{name} = {getattr(self, name)}: give {least} or more")


@dataclass(frozen=True)
class Job:
    """A program and what to ask of it.

    With `function`, `entry` names a function of the program (or `Class.method`, with an instance made without
    arguments), and each call is the text of its arguments as a tuple, `(1, [2])`. With `stdin`, the program is run
    once for every call, with the call as its standard input. `library` is for `library.call_library`: `entry` names a
    function of the file that the zygote has run, each call is a JSON list of arguments and has a child of its own.
    """

    program: str
    calls: tuple[str, ...]
    entry: str = "f"
    style: Style = "function"
    limits: Limits = field(default_factory=Limits)
    twice: bool = False  # also run under another hash seed; a difference makes the outcome `nondeterministic`


@dataclass(frozen=True)
class Result:
    """What one call gave: its value (a literal; `stdin`: what was printed; `library`: JSON), or its error."""

    value: str | None = None
    error: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a job. `results` has one entry a call, in order, as far as the program got."""

    status: Status
    results: tuple[Result, ...] = ()
    reason: str = ""
    seconds: float = 0.0  # of processor time

    @property
    def scored(self) -> bool:
        """Whether something is known about the program: not where the machine lost it."""
        return self.status != "lost"


@runtime_checkable
class Executor(Protocol):
    """Runs programs."""

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """What became of every job, in order."""


class NoSandboxError(RuntimeError):
    """This machine cannot run a program safely; the text says what to install or to allow."""


def refused(reason: str) -> Outcome:
    """The outcome of what is not run at all."""
    return Outcome("refused", reason=reason)
