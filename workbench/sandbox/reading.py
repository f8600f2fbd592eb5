"""What a child's end and its results mean. Whatever a program wrote is its own claim and is read as such."""

import json
import signal

from workbench.sandbox.jobs import Job, Outcome, Result
from workbench.sandbox.worker import Ended

ALARMS = (-signal.SIGPROF, -signal.SIGXCPU)
FAULT = 300  # characters of an exception's text


def outcome(job: Job, calls: int, ended: Ended) -> Outcome:
    """What became of a job of which `calls` calls were made in one child."""
    seconds = round(ended.seconds, 6)
    if ended.late:
        return Outcome("lost", reason="the machine gave the program no time", seconds=seconds)
    stdin = job.style == "stdin"
    results = printed(ended) if stdin else told(ended.output, calls)
    if ended.code in ALARMS or (ended.code == -signal.SIGKILL and ended.seconds >= job.limits.seconds):
        reason = f"used up its {job.limits.seconds:g} s of processor time"
        return Outcome("timeout", results[: 0 if stdin else calls], reason, seconds)
    if ended.code == -signal.SIGXFSZ:
        reason = f"returned or printed more than {job.limits.output} bytes"
        return Outcome("memory", results[: 0 if stdin else calls], reason, seconds)
    if ended.code < 0:
        return Outcome("crashed", results[: 0 if stdin else calls], f"ended by {name(-ended.code)}", seconds)
    if stdin:
        return Outcome("finished", results, seconds=seconds)
    if results and results[0].error.startswith(FAULTY):
        return Outcome("finished", tuple(results[:1] * calls), results[0].error.removeprefix(FAULTY), seconds)
    if ended.code or len(results) != calls:
        reason = f"ended with status {ended.code} after {len(results)} of {calls} calls"
        return Outcome("crashed", results, reason, seconds)
    return Outcome("finished", results, seconds=seconds)


FAULTY = "the program: "  # before what it raised when it was loaded


def told(output: bytes, calls: int) -> tuple[Result, ...]:
    """The results of the calls, as far as there are lines that can be read."""
    results: list[Result] = []
    for line in output.split(b"\n")[: min(calls, output.count(b"\n"))]:
        result = one(line)
        if result is None:
            break
        results.append(result)
    return tuple(results)


def one(line: bytes) -> Result | None:
    """The result that a line tells; None where it tells none."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(row, dict) or len(row) != 1:
        return None
    (key, text), *_ = row.items()
    if not isinstance(text, str):
        return None
    if key == "value":
        return Result(clean(text))
    prefix = {"error": "", "fault": FAULTY}.get(key)
    return None if prefix is None else Result(error=prefix + clean(text)[:FAULT])


def printed(ended: Ended) -> tuple[Result, ...]:
    """The one result of a program that prints."""
    if ended.code:
        return (Result(error=f"ended with status {ended.code}: it raised an exception, or said so itself"),)
    return (Result(ended.output.decode("utf-8", errors="replace")),)


def clean(text: str) -> str:
    """A text that can be written as UTF-8."""
    return text.encode("utf-8", errors="replace").decode("utf-8")


def name(number: int) -> str:
    """A signal's name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
