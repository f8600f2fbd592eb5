"""Runs jobs in zygotes, two or more at a time; replaces a zygote that dies, and runs its job once more."""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import wait
from typing import Any

from workbench.sandbox.jobs import Job, Outcome
from workbench.sandbox.parts import SEEDS, Part, joined, parts_of, unfit
from workbench.sandbox.reading import outcome
from workbench.sandbox.worker import PROGRAMS, Kind, Worker, ZygoteDiedError, start

EXHAUSTED = 2  # runs of a job that use up their time before the rest of them is given up
TRIES = 2  # zygotes that may die with a job before it is held to have ended them
BACKSTOP = 10.0  # seconds of wall time, and for every second of processor time

Taken = dict[Any, tuple[Worker, Part]]  # by the worker's socket


@dataclass
class Sandbox:
    """Some zygotes of one kind. They start with the first job and end with this process.

    `replaced` counts the zygotes that died and were replaced.
    """

    workers: int = 2
    kind: Kind = PROGRAMS
    replaced: int = 0
    running: list[Worker] = field(default_factory=list, repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    owner: int = field(default_factory=os.getpid, repr=False)

    def __post_init__(self) -> None:
        if self.workers < len(SEEDS):
            raise ValueError(f"workers = {self.workers}: give {len(SEEDS)} or more, one for each hash seed")

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """What became of every job, in order. Raises NoSandboxError where programs cannot be run safely."""
        outcomes = {number: found for number, job in enumerate(jobs) if (found := unfit(job)) is not None}
        parts = {number: parts_of(number, job) for number, job in enumerate(jobs) if number not in outcomes}
        with self.lock:
            self.own()
            self.work(jobs, [part for each in parts.values() for part in each])
        outcomes |= {number: joined(jobs[number], each) for number, each in parts.items()}
        return [outcomes[number] for number in range(len(jobs))]

    def own(self) -> None:
        """After a fork the zygotes belong to the process that started them; this one starts others."""
        if self.owner != os.getpid():
            for worker in self.running:
                worker.control.close()  # the other process still has it
            self.running, self.owner = [], os.getpid()

    def work(self, jobs: Sequence[Job], parts: Sequence[Part]) -> None:
        """Runs all parts: an idle worker takes the first that suits it."""
        waiting, taken = deque(parts), Taken()
        try:
            while waiting or taken:
                self.fill()
                for worker in [each for each in self.running if not each.busy]:
                    part = next((each for each in waiting if suits(worker, each)), None)
                    if part is not None:
                        waiting.remove(part)
                        taken[worker.control] = worker, part
                        self.submit(jobs[part.job], worker, part)
                self.collect(jobs, waiting, taken)
        finally:
            for worker, _ in taken.values():  # interrupted: what they would answer belongs to no later job
                self.drop(worker)

    def fill(self) -> None:
        """Starts the workers that are missing, for those as well that died while they had nothing to do."""
        for worker in [each for each in self.running if not each.busy and wait([each.control], timeout=0)]:
            self.drop(worker)  # nothing is said unasked: what could be read was the end
            self.replaced += 1
        seeds = [SEEDS[number % len(SEEDS)] for number in range(self.workers)]
        for worker in self.running:
            seeds.remove(worker.seed)
        started = list[Worker]()
        try:
            started += (start(self.kind, seed) for seed in seeds)
            for worker in started:
                worker.ready()
        except BaseException:
            for worker in started:
                worker.close()
            raise
        self.running += started

    def submit(self, job: Job, worker: Worker, part: Part) -> None:
        """Gives a worker a part; that it died meanwhile shows when its reply is read."""
        limits = {"seconds": job.limits.seconds, "memory": job.limits.memory, "output": job.limits.output}
        wall = BACKSTOP * (1 + job.limits.seconds)
        worker.submit(part.message, part.given, {**limits, "wall": wall, "library": self.kind.library})

    def collect(self, jobs: Sequence[Job], waiting: deque[Part], taken: Taken) -> None:
        """Waits for replies; a part whose worker died goes to the front of those that wait."""
        wait(list(taken), timeout=max(0.0, min(worker.deadline for worker, _ in taken.values()) - time.monotonic()))
        for control in [*wait(list(taken), timeout=0), *overdue(taken)]:
            if control not in taken:
                continue
            worker, part = taken.pop(control)
            try:
                part.result = outcome(jobs[part.job], part.calls, worker.collect())
                if part.result.status == "timeout" and part.calls < len(jobs[part.job].calls):
                    give_up(part, jobs[part.job], waiting)
            except ZygoteDiedError:
                self.drop(worker)
                self.replaced += 1
                part.deaths, part.since = part.deaths + 1, time.monotonic()
                if part.deaths < TRIES:
                    waiting.appendleft(part)
                else:
                    part.result = Outcome("crashed", reason="the sandbox died twice while it ran the program")

    def drop(self, worker: Worker) -> None:
        """Ends a worker for good."""
        worker.close()
        self.running.remove(worker)

    def close(self) -> None:
        """Ends all workers; the next job starts others."""
        with self.lock:
            self.own()
            for worker in list(self.running):
                self.drop(worker)


def suits(worker: Worker, part: Part) -> bool:
    """Whether a worker may take a part: under its hash seed; after a death one that was started since, to be sure."""
    return part.seed in (None, worker.seed) and worker.started >= part.since


def give_up(part: Part, job: Job, waiting: deque[Part]) -> None:
    """After a second run that used up its time the further ones of the same job are not made."""
    part.exhausted.append(part.job)
    if len(part.exhausted) < EXHAUSTED:
        return
    reason = f"not run, since {EXHAUSTED} runs before it used up their {job.limits.seconds:g} s of processor time"
    for each in [each for each in waiting if each.job == part.job]:
        each.result = Outcome("timeout", reason=reason)
        waiting.remove(each)


def overdue(taken: Taken) -> list[Any]:
    """The workers that have not answered long after they must have ended their child."""
    now = time.monotonic()
    return [control for control, (worker, _) in taken.items() if worker.deadline < now]


@cache
def shared(workers: int = 2, kind: Kind = PROGRAMS) -> Sandbox:
    """The one sandbox of its kind in this process."""
    sandbox = Sandbox(workers, kind)
    atexit.register(sandbox.close)
    return sandbox


def run(jobs: Sequence[Job]) -> list[Outcome]:
    """Runs programs in this process's sandbox. Raises NoSandboxError where that is not safely possible."""
    return shared().run(jobs)
