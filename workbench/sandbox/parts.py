"""A job taken apart into what single children do, and their outcomes put together again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from workbench.sandbox.jobs import Job, Outcome, Result, refused
from workbench.sandbox.values import LONGEST, read

LONGEST_PROGRAM = 256 * 1024  # characters
LONGEST_CALLS = 4 * 2**20  # characters of all calls of a job
SEEDS = (1, 2)  # hash seeds of the zygotes, in turn


@dataclass(eq=False)
class Part:
    """What one child does: all calls of a job, or one of them; under which hash seed, or under any (None)."""

    job: int
    message: bytes
    given: bytes | None
    calls: int
    seed: int | None
    deaths: int = 0  # zygotes that died while they had it
    since: float = 0.0  # when the last one did
    result: Outcome | None = None
    exhausted: list[int] = field(default_factory=list)  # shared by the parts of a job: those that used up their time


def unfit(job: Job) -> Outcome | None:
    """The outcome of a job that is not run, since it is none; None for one that is."""
    if not job.program.strip():
        return refused("the program is empty")
    if len(job.program) > LONGEST_PROGRAM:
        return refused(f"the program has {len(job.program)} characters, at most {LONGEST_PROGRAM} are run")
    if not job.calls:
        return refused("nothing is asked of the program: give at least one call")
    if sum(map(len, job.calls)) > LONGEST_CALLS:
        return refused(f"the calls have more than {LONGEST_CALLS} characters")
    if job.style != "function":
        return None
    if not all(word.isidentifier() for word in job.entry.split(".")) or job.entry.count(".") > 1:
        return refused(f"entry = {job.entry!r}: name a function, or Class.method")
    for number, call in enumerate(job.calls):
        try:
            if not isinstance(read(call), tuple):
                return refused(f"call {number} = {call[:80]!r}: write the arguments as a tuple, '(1, [2])'")
        except ValueError as error:
            return refused(f"call {number}: {error}")
    return None


def parts_of(number: int, job: Job) -> list[Part]:
    """The parts of a job, those of a second run under another hash seed behind those of the first."""
    whole = {"program": job.program, "entry": job.entry, "style": job.style, "longest": LONGEST}
    found, exhausted = [], list[int]()
    for seed in SEEDS if job.twice else (None,):
        if job.style == "stdin":
            message = json.dumps(whole).encode()
            texts = [call.encode("utf-8", errors="replace") for call in job.calls]
            found += [Part(number, message, text, 1, seed, exhausted=exhausted) for text in texts]
            continue
        groups = [job.calls] if job.style == "function" else [(call,) for call in job.calls]
        for calls in groups:
            found.append(Part(number, json.dumps({**whole, "calls": calls}).encode(), None, len(calls), seed))
    return found


def joined(job: Job, parts: Sequence[Part]) -> Outcome:
    """The outcome of a job from those of its parts."""
    if not job.twice:
        return one_run(job, parts)
    half = len(parts) // 2
    return compared(one_run(job, parts[:half]), one_run(job, parts[half:]))


def one_run(job: Job, parts: Sequence[Part]) -> Outcome:
    """The outcome of one run: where every call has a child, each has its result, whatever became of the others."""
    outcomes = [part.result for part in parts if part.result is not None]
    if job.style == "function":
        return outcomes[0]
    results = [each.results[0] if each.results else Result(error=each.reason) for each in outcomes]
    failed = [each for each in outcomes if each.status == "lost"] or [e for e in outcomes if e.status != "finished"]
    worst = failed[0] if failed else outcomes[0]
    return replace(worst, results=tuple(results), seconds=sum(each.seconds for each in outcomes))


def compared(one: Outcome, other: Outcome) -> Outcome:
    """The outcome of two runs under two hash seeds."""
    seconds = one.seconds + other.seconds
    for each in (one, other):
        if each.status != "finished":
            return replace(each, seconds=seconds)
    pairs = zip(one.results, other.results, strict=True)
    differ = [number for number, pair in enumerate(pairs) if told(pair[0]) != told(pair[1])]
    if not differ:
        return replace(one, seconds=seconds)
    reason = f"call {differ[0]} gave {shown(one.results[differ[0]])} and, run again, {shown(other.results[differ[0]])}"
    return Outcome("nondeterministic", one.results, reason, seconds)


def told(result: Result) -> tuple[str | None, str]:
    """A result without the text of its exception, which may hold an address in memory."""
    return result.value, result.error.partition(":")[0]


def shown(result: Result) -> str:
    """A result in a reason."""
    return repr((result.error or str(result.value))[:60])
