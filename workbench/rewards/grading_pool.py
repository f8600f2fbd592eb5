"""A few processes that compare formulas, killed and replaced when they hang.

Math-Verify's own time limit is an alarm, which works in a main thread only and does not interrupt arithmetic on huge
numbers; killing a process always works. The processes start with the first comparison, live as long as this one, and
end when their input does.
"""

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.rewards.grading import Verdict

WORKER = Path(__file__).with_name("grading_worker.py")
STARTUP = 120.0  # seconds in which Math-Verify must have been imported, on however busy a machine
GRACE = 0.5  # seconds beyond the limit in which the worker's own alarm may answer


@dataclass(frozen=True)
class Order:
    """A pair to compare, and the seconds it may take."""

    reference: str
    answer: str
    limit: float


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
        self.job, self.deadline = job, time.monotonic() + order.limit + GRACE
        line = json.dumps({"reference": order.reference, "answer": order.answer, "limit": order.limit})
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.deadline = time.monotonic() + GRACE

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


def start_worker() -> Worker:
    """A new process, not ready yet. `-P`: its folder has a math.py, which must not hide Python's."""
    process = subprocess.Popen(
        [sys.executable, "-P", str(WORKER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return Worker(process, time.monotonic() + STARTUP)


class GradingPool:
    """Up to `size` workers; `grade` may be called from any thread, one call at a time runs."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.owner = os.getpid()
        self.workers: list[Worker] = []
        self.lock = threading.Lock()
        self.replaced = 0  # workers killed or dead so far

    def grade(self, orders: Sequence[Order]) -> list[Verdict]:
        """A verdict for every order; None as `correct` where the time limit or the process ended first."""
        with self.lock:
            try:
                verdicts = self.work(orders)
            finally:  # interrupted: what is under way would be taken for replies to the next orders
                for worker in [worker for worker in self.workers if worker.job is not None]:
                    self.workers.remove(worker)
                    worker.kill()
        return [verdicts[job] for job in range(len(orders))]

    def work(self, orders: Sequence[Order]) -> dict[int, Verdict]:
        """Hands out the orders until every one has a verdict."""
        verdicts: dict[int, Verdict] = {}
        waiting = list(range(len(orders)))[::-1]
        while len(verdicts) < len(orders):
            self.fill(len(waiting))
            for worker in self.workers:
                if worker.idle and waiting:
                    job = waiting.pop()
                    worker.send(job, orders[job])
            verdicts.update(self.collect())
        return verdicts

    def fill(self, waiting: int) -> None:
        """Starts workers as long as there is more to do than they can take."""
        free = sum(worker.job is None for worker in self.workers)
        for _ in range(min(self.size - len(self.workers), waiting - free)):
            self.workers.append(start_worker())

    def collect(self) -> dict[int, Verdict]:
        """Waits for the next reply or deadline; the verdicts that came of it, by job."""
        busy = [worker for worker in self.workers if not worker.idle]
        patience = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
        readable = select.select([worker.output for worker in busy], [], [], patience)[0]
        verdicts: dict[int, Verdict] = {}
        for worker in busy:
            job, found = worker.job, self.attend(worker, worker.output in readable)
            if job is not None and found is not None:
                verdicts[job] = found
        return verdicts

    def attend(self, worker: Worker, readable: bool) -> Verdict | None:
        """Reads a worker's replies, or ends it where it has died or is late."""
        replies = worker.receive() if readable else []
        if replies is None:
            return self.drop(worker, "its process died")
        for reply in replies:
            if worker.ready:
                worker.job = None
                return Verdict(reply["correct"], reply["reason"])
            if not reply["ready"]:
                self.drop(worker, "")
                raise RuntimeError(
                    f"Math-Verify does not load: {reply['reason']}; pip install 'math-verify[antlr4_13_2]'"
                )
            worker.ready = True
        if not worker.idle and time.monotonic() > worker.deadline:
            return self.drop(worker, "it hung, and its process was killed")
        return None

    def drop(self, worker: Worker, why: str) -> Verdict:
        """Kills a worker and forgets it; the verdict on what it was working on."""
        self.workers.remove(worker)
        self.replaced += 1
        code = worker.kill()
        if not worker.ready and why:
            raise RuntimeError(f"{WORKER.name} did not start within {STARTUP:.0f} s (exit code {code}); run it by hand")
        return Verdict(None, f"no verdict: {why} (exit code {code})")

    def close(self) -> None:
        """Ends all workers; in a forked child, whose they are not, nothing."""
        if self.owner != os.getpid():
            return
        with self.lock:
            while self.workers:
                self.workers.pop().kill()


_POOLS: dict[int, GradingPool] = {}


def shared_pool(size: int) -> GradingPool:
    """The pool of this process with so many workers; a forked child makes its own."""
    pool = _POOLS.get(size)
    if pool is None or pool.owner != os.getpid():
        pool = _POOLS[size] = GradingPool(size)
        atexit.register(pool.close)
    return pool
