"""Programs a processor second, by the exact executor and in the sandbox; one JSON line.

`python -m benchmarks.sandbox_speed` draws programs of the small language with a known result each. Processor seconds
are those of everything that runs: this process, the zygotes and their children. `verdicts` are 1,000 unit-test tasks of
ten calls each, graded from values.
"""

import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import options, publish
from workbench.sandbox import exact, small
from workbench.sandbox.jobs import Job, Outcome
from workbench.sandbox.pool import Sandbox
from workbench.sandbox.values import read, same, written

LINES = (
    *("x = x[::-1]", "x = [v + {n} for v in x]", "x = [v for v in x if v > {n}]", "x = sorted(x)", "x = x + [{n}]"),
    *("x = x[{n}:]", "x = [v * {n} for v in x]", "x = [v % 7 for v in x]", "x = [max(x)] + x", "x = x[:{n}] + x"),
)
ENDS = ("return x", "return sum(x)", "return len(x)", "return x.count({n})")
TICKS = os.sysconf("SC_CLK_TCK")


def drawn(random_numbers: random.Random) -> tuple[str, list[int]]:
    """A program of one to three lines and an input."""
    lines = [*random_numbers.choices(LINES, k=random_numbers.randint(1, 3)), random_numbers.choice(ENDS)]
    body = "; ".join(line.format(n=random_numbers.randint(1, 5)) for line in lines)
    return f"def f(x): {body}", [random_numbers.randint(0, 9) for _ in range(random_numbers.randint(1, 4))]


def jobs(count: int, calls: int = 1, seed: int = 0) -> list[Job]:
    """Different programs, each with that many calls."""
    random_numbers, found = random.Random(seed), dict[str, list[int]]()
    while len(found) < count:
        found.update([drawn(random_numbers)])
    return [
        Job(program, tuple(written(([*value, number],)) for number in range(calls)))
        for program, value in list(found.items())[:count]
    ]


def used(sandbox: Sandbox | None) -> float:
    """Processor seconds so far: of this process, and of the zygotes with the children they have waited for."""
    own = time.process_time()
    for worker in sandbox.running if sandbox else ():
        fields = Path(f"/proc/{worker.inside}/stat").read_text("utf-8").rpartition(")")[2].split()
        own += sum(map(int, fields[11:15])) / TICKS
    return own


def rate(run: Callable[[Sequence[Job]], list[Outcome]], work: list[Job], sandbox: Sandbox | None) -> dict[str, float]:
    """Programs a processor second, milliseconds each, and programs a second of wall time."""
    before, began = used(sandbox), time.perf_counter()
    found = run(work)
    seconds, wall = used(sandbox) - before, time.perf_counter() - began
    assert all(outcome.status == "finished" for outcome in found)
    return {
        "programs_per_processor_second": round(len(work) / seconds),
        "processor_milliseconds": round(1000 * seconds / len(work), 3),
        "programs_per_second": round(len(work) / wall),
    }


def verdicts(sandbox: Sandbox) -> dict[str, Any]:
    """A thousand programs against ten calls each: values from the sandbox, reference values from here."""
    drawn_jobs = jobs(1200, calls=10, seed=1)
    outcomes = exact.run(drawn_jobs)
    within = [n for n, each in enumerate(outcomes) if all(result.value for result in each.results)][:1000]
    work = [drawn_jobs[n] for n in within]
    expected = [[read(result.value or "") for result in outcomes[n].results] for n in within]
    before, began = used(sandbox), time.perf_counter()
    graded = sum(
        all(result.value is not None and same(read(result.value), value) for result, value in zip(*pair, strict=True))
        for pair in zip([outcome.results for outcome in sandbox.run(work)], expected, strict=True)
    )
    seconds = used(sandbox) - before
    correct = {"verdicts": len(work), "calls_each": 10, "correct": graded, "processor_seconds": round(seconds, 2)}
    return {**correct, "wall_seconds": round(time.perf_counter() - began, 2)}


def main(arguments: list[str]) -> int:
    """Measures both and prints the line."""
    given = options(__doc__ or "").parse_args(arguments)
    work, few = jobs(2000), jobs(500)
    small.parse.cache_clear()
    cold = rate(exact.run, work, None)
    warm = rate(exact.run, work, None)
    sandbox = Sandbox()
    sandbox.run(few[:10])
    numbers = {
        "exact": cold,
        "exact_remembered": warm,
        "sandboxed": rate(sandbox.run, few, sandbox),
        "sandboxed_twice": rate(sandbox.run, [Job(each.program, each.calls, twice=True) for each in few], sandbox),
        "unit_tests": verdicts(sandbox),
    }
    sandbox.close()
    publish("sandbox_speed", numbers, save=given.save)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
