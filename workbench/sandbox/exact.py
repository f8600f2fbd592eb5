"""Runs programs of the small language in this process: on any system, tens of thousands a second."""

from collections.abc import Sequence

from workbench.sandbox.jobs import Job, Outcome, Result, refused
from workbench.sandbox.small import BoundError, Program, SmallError, parse
from workbench.sandbox.values import read, written

#: What a program of the language can raise.
RAISED = (TypeError, IndexError, ValueError, ZeroDivisionError, BoundError, RecursionError)
LONGEST_CALL = 500  # characters


class Exact:
    """The executor of `workbench.sandbox.small`. Nothing to time or to wall off: every operation is bounded."""

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """What became of every job, in order; what is not in the language is refused."""
        return [outcome(job) for job in jobs]


def outcome(job: Job) -> Outcome:
    """What became of one job."""
    if job.style != "function" or job.entry != "f":
        return refused("the exact executor calls functions called f")
    if not job.calls:
        return refused("nothing is asked of the program: give at least one call")
    try:
        program = parse(job.program)
        arguments = [argument(call) for call in job.calls]
    except ValueError as error:
        return refused(str(error))
    return Outcome("finished", tuple(result(program, each) for each in arguments))


def argument(call: str) -> int | list[int]:
    """The one argument of a call. Raises ValueError."""
    value = read(call, LONGEST_CALL)
    if not isinstance(value, tuple) or len(value) != 1:
        raise SmallError(f"call {call[:60]!r}: write the one argument as a tuple, '([1, 2],)'")
    (given,) = value
    if type(given) is not int and not (type(given) is list and all(type(item) is int for item in given)):
        raise SmallError(f"{call[:60]!r} is neither a number nor a list of numbers")
    return list(given) if isinstance(given, list) else given


def result(program: Program, given: int | list[int]) -> Result:
    """What a program makes of a value."""
    try:
        return Result(written(program(given)))
    except RAISED as error:
        return Result(error=f"{type(error).__name__}: {error}")


def run(jobs: Sequence[Job]) -> list[Outcome]:
    """Runs programs of the small language."""
    return Exact().run(jobs)
