"""A few processes that verify answers, ended and replaced when they use up their processor time or memory.

Math-Verify's own time limit is an alarm, which works in a main thread only, does not interrupt arithmetic on huge
numbers, and counts wall time, so that a grade would depend on what else the machine is doing. Here processor time
decides. What an answer makes too expensive is incorrect; unscored only where the reference alone is too expensive as
well, or a process died of something else twice. The processes start with the first comparison, live as long as this
one, and end when their input does.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.rewards.grading.algebra import Grade

WORKER = Path(__file__).with_name("worker.py")
ROOT = Path(__file__).parents[3]  # where a worker finds the package
REMEDY = "pip install 'math-verify[antlr4_13_2]'"
STARTUP = 120.0  # seconds in which the verifier must have been imported, on however busy a machine
BACKSTOP = 300.0  # seconds of wall time for one comparison: longer than any machine is too busy for
REMEMBERED = 10_000  # references
PLAIN = "1"  # a formula against which every sound reference can be compared
ENDED_BY_LIMIT = (-signal.SIGXCPU, -signal.SIGPROF, -signal.SIGSEGV, -signal.SIGABRT)


@dataclass(frozen=True)
class Order:
    """A pair to compare, and the seconds of processor time it may take.

    `plain` is an answer that can be compared with the reference wherever that is sound.
    """

    reference: str
    answer: str
    limit: float
    plain: str = PLAIN


@dataclass
class Worker:
    """One process, what it is working on, and until when it may."""

    process: subprocess.Popen[bytes]
    deadline: float
    job: int | None = None
    ready: bool = False
    received: bytearray = field(default_factory=bytearray)

    @property
    def output(self) -> int:
        """The file descriptor its replies come from."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    @property
    def idle(self) -> bool:
        """Can it take an order?"""
        return self.ready and self.job is None

    def send(self, job: int, order: Order) -> None:
        """Gives it an order; that it died meanwhile shows as the end of its output."""
        assert self.process.stdin is not None
        self.job, self.deadline = job, time.monotonic() + BACKSTOP
        line = json.dumps({"reference": order.reference, "answer": order.answer, "limit": order.limit})
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.deadline = time.monotonic()

    def receive(self) -> list[dict[str, Any]] | None:
        """The replies that have come in; None when the process has ended."""
        chunk = os.read(self.output, 65536)
        if not chunk:
            return None
        self.received += chunk
        *lines, rest = self.received.split(b"\n")
        self.received = bytearray(rest)
        return [json.loads(line) for line in lines]

    def kill(self) -> int:
        """Ends it at once; its exit code."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # an order that was never read goes down with the process
                    continue
        return self.process.wait()


def start_worker(script: Path) -> Worker:
    """A new process, not ready yet. `-P`: its folder has a math.py, which must not hide Python's."""
    known = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    process = subprocess.Popen(
        [sys.executable, "-P", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join(known)},
    )
    return Worker(process, time.monotonic() + STARTUP)


@dataclass(frozen=True)
class Outcome:
    """What became of an order: its grade, whether it used up its limits, whether its process died of something else."""

    grade: Grade
    exhausted: bool = False
    died: bool = False


class GradingPool:
    """Up to `size` workers, of the script that is given or the one for formulas.

    `grade` may be called from any thread; one call at a time runs.
    """

    def __init__(self, size: int, script: Path | None = None) -> None:
        self.size = size
        self.script = script
        self.owner = os.getpid()
        self.workers: list[Worker] = []
        self.lock = threading.Lock()
        self.replaced = 0  # workers killed or dead so far
        self.sound: dict[tuple[str, float], bool] = {}  # references that can be compared within the limits

    def grade(self, orders: Sequence[Order]) -> list[Grade]:
        """A grade for every order. RuntimeError where no process starts."""
        with self.lock:
            outcomes = self.run(orders)
            again = [place for place, outcome in enumerate(outcomes) if outcome.died]
            for place, outcome in zip(again, self.run([orders[place] for place in again]), strict=True):
                outcomes[place] = outcome
            blamed = [place for place, outcome in enumerate(outcomes) if outcome.exhausted]
            self.check_references([orders[place] for place in blamed])
        return [self.settled(order, outcome) for order, outcome in zip(orders, outcomes, strict=True)]

    def settled(self, order: Order, outcome: Outcome) -> Grade:
        """The answer's fault makes it incorrect, the reference's leaves it unscored."""
        if not outcome.exhausted:
            return outcome.grade
        if self.sound[order.reference, order.limit]:
            return Grade(
                False, f"the answer is {outcome.grade.rule}" if "compare" in outcome.grade.rule else outcome.grade.rule
            )
        return Grade(None, f"the reference is {outcome.grade.rule}")

    def check_references(self, orders: Sequence[Order]) -> None:
        """Finds out which references can be compared with their plain answer within the limits."""
        if len(self.sound) > REMEMBERED:
            self.sound.clear()
        blamed = {(order.reference, order.limit): order for order in orders}
        new = {key: order for key, order in blamed.items() if key not in self.sound}
        outcomes = self.run([replace(order, answer=order.plain) for order in new.values()])
        for key, outcome in zip(new, outcomes, strict=True):
            self.sound[key] = not outcome.exhausted and not outcome.died

    def run(self, orders: Sequence[Order]) -> list[Outcome]:
        """What became of every order."""
        try:
            outcomes = self.work(orders)
        finally:  # interrupted: what is running would be taken for replies to the next orders
            for worker in [worker for worker in self.workers if worker.job is not None]:
                self.workers.remove(worker)
                worker.kill()
        return [outcomes[job] for job in range(len(orders))]

    def work(self, orders: Sequence[Order]) -> dict[int, Outcome]:
        """Hands out the orders until every one has an outcome."""
        outcomes: dict[int, Outcome] = {}
        waiting = list(range(len(orders)))[::-1]
        while len(outcomes) < len(orders):
            self.fill(len(waiting))
            for worker in self.workers:
                if worker.idle and waiting:
                    job = waiting.pop()
                    worker.send(job, orders[job])
            outcomes.update(self.collect())
        return outcomes

    def fill(self, waiting: int) -> None:
        """Starts workers as long as there is more to do than they can take."""
        free = sum(worker.job is None for worker in self.workers)
        for _ in range(min(self.size - len(self.workers), waiting - free)):
            self.workers.append(start_worker(self.script or WORKER))

    def collect(self) -> dict[int, Outcome]:
        """Waits for the next reply or deadline; the outcomes that came of it, by job."""
        busy = [worker for worker in self.workers if not worker.idle]
        patience = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
        readable = select.select([worker.output for worker in busy], [], [], patience)[0]
        outcomes: dict[int, Outcome] = {}
        for worker in busy:
            job, found = worker.job, self.attend(worker, worker.output in readable)
            if job is not None and found is not None:
                outcomes[job] = found
        return outcomes

    def attend(self, worker: Worker, readable: bool) -> Outcome | None:
        """Reads a worker's replies, or ends it where it has died or is late."""
        replies = worker.receive() if readable else []
        if replies is None:
            return self.drop(worker, "its process died")
        for reply in replies:
            if worker.ready:
                worker.job = None
                return Outcome(Grade(reply["correct"], reply["rule"]), exhausted=reply["exhausted"])
            if not reply["ready"]:
                self.drop(worker, "")
                raise RuntimeError(f"the verifier does not load: {reply['reason']}; {reply.get('remedy', REMEDY)}")
            worker.ready = True
        if not worker.idle and time.monotonic() > worker.deadline:
            return self.drop(worker, f"no reply within {BACKSTOP:g} s of wall time")
        return None

    def drop(self, worker: Worker, why: str) -> Outcome:
        """Kills a worker and forgets it; what became of its order."""
        self.workers.remove(worker)
        self.replaced += 1
        code = worker.kill()
        if not worker.ready and why:
            raise RuntimeError(
                f"{self.script or WORKER} did not start within {STARTUP:.0f} s (exit code {code}); run it by hand"
            )
        if code in ENDED_BY_LIMIT:
            return Outcome(Grade(None, "not compared within the limits of processor time and memory"), exhausted=True)
        return Outcome(Grade(None, f"unscored: {why} (exit code {code})"), died=True)

    def close(self) -> None:
        """Ends all workers; in a forked child, whose they are not, nothing."""
        if self.owner != os.getpid():
            return
        with self.lock:
            while self.workers:
                self.workers.pop().kill()


_POOLS: dict[tuple[int, Path | None], GradingPool] = {}


def shared_pool(size: int, script: Path | None = None) -> GradingPool:
    """The pool of this process with so many workers of a script; a forked child makes its own."""
    pool = _POOLS.get((size, script))
    if pool is None or pool.owner != os.getpid():
        pool = _POOLS[size, script] = GradingPool(size, script)
        atexit.register(pool.close)
    return pool
