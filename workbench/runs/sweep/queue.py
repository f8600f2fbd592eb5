"""The queue of a sweep, `python -m workbench.runs.sweep.queue FOLDER`: starts plays, stops them, gives arms up.

It can be killed at any time: plays that train continue, and the next queue takes up what is left. Decisions depend on
recorded metrics alone, never on who was faster.
"""

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workbench.runs.directory.lock import Lock, LockedError
from workbench.runs.directory.paths import DiskFullError, free_bytes, full_words
from workbench.runs.directory.settings import check_config
from workbench.runs.directory.status import ENDED, NO_ROOM, Status
from workbench.runs.open import Run
from workbench.runs.process.start import start
from workbench.runs.sweep.axes import Axes, Halving
from workbench.runs.sweep.opened import Progress, Sweep
from workbench.runs.sweep.place import Place, find_place

POLL = 0.5  # seconds between two looks at the plays
SAVED = 5.0  # seconds of training that a killed queue may forget
HOUR = 3600.0


class Queue:
    """Keeps the plays of a sweep going, within its budget, from one decision of the halving to the next."""

    def __init__(self, sweep: Sweep, place: Place, poll: float = POLL) -> None:
        self.sweep, self.place, self.poll = sweep, place, poll
        self.axes = Axes(**sweep.axes)
        self.progress = sweep.progress
        self.progress.ended, self.progress.problems, self.progress.done = "", {}, False
        self.runs = {name: sweep.run(name) for name in list(sweep.plays)[: self.axes.budget.plays]}
        self.stopped: set[tuple[str, int]] = set()  # plays that were told to stop, by attempt
        self.lost: set[str] = set()  # arms whose first play failed before its first step
        self.clock, self.saved = time.monotonic(), self.progress.seconds

    def work(self) -> Progress:
        """Plays until nothing is left to do; why it stopped early stands in the progress."""
        self.progress.save(self.sweep.path)
        for step in [*self.open_rungs(), None]:
            self.play_to(step)
            if self.progress.ended:
                break
            if step is not None and self.axes.halving is not None:
                self.decide(step, self.axes.halving)
                if self.progress.ended:
                    break
        self.progress.done = True
        self.progress.save(self.sweep.path)
        return self.progress

    def open_rungs(self) -> list[int]:
        """The steps at which is still to be decided."""
        decided = {rung["step"] for rung in self.progress.rungs}
        return [step for step in (self.axes.halving.at if self.axes.halving else ()) if step not in decided]

    @property
    def alive(self) -> dict[str, Run]:
        """The plays whose arm was not given up."""
        given_up = self.progress.given_up
        return {name: run for name, run in self.runs.items() if self.arm(name) not in given_up}

    def arm(self, play: str) -> str:
        """The arm of a play."""
        return str(self.sweep.plays[play]["arm"])

    # ---------------------------------------------------------------------------------------- playing

    def play_to(self, step: int | None) -> None:
        """Starts and stops plays until each has come to a step (None: to its end), or was tried."""
        tried: set[str] = set()
        self.clock = time.monotonic()
        while True:
            states = {name: run.status for name, run in self.alive.items()}
            running = [name for name, status in states.items() if status.state not in ("queued", *ENDED)]
            self.note_losses(states, tried)
            self.note_time(bool(running))
            self.progress.ended = self.progress.ended or self.reason()
            for name in running:
                if self.progress.ended or arrived(states[name], step):
                    self.stop(name, states[name])
            waiting = [name for name in states if self.waits(name, states[name], step, tried)]
            if not running and (self.progress.ended or not waiting):
                return
            for name in [] if self.progress.ended else waiting[: self.place.room(len(running))]:
                tried.add(name)
                self.start(name)
            time.sleep(self.poll)

    def waits(self, name: str, status: Status, step: int | None, tried: set[str]) -> bool:
        """Whether a play is to be started: a play is started once on the way to a step."""
        idle = status.state in ("queued", *ENDED) and status.state != "finished"
        return idle and name not in tried and not arrived(status, step) and self.arm(name) not in self.lost

    def note_losses(self, states: dict[str, Status], tried: set[str]) -> None:
        """Arms of which a play failed before its first step: their other plays would fail as well."""
        for name in tried & states.keys():
            if states[name].state == "failed" and states[name].step == 0:
                self.lost.add(self.arm(name))
        untried = (name for name in states if self.arm(name) in self.lost and states[name].state == "queued")
        for name in untried:
            self.progress.problems.setdefault(name, "not started: a play of its arm failed before the first step")

    def note_time(self, busy: bool) -> None:
        """Counts the time in which plays train."""
        now = time.monotonic()
        self.progress.seconds += now - self.clock if busy else 0.0
        self.clock = now
        if self.progress.seconds - self.saved > SAVED:
            self.progress.save(self.sweep.path)
            self.saved = self.progress.seconds

    def reason(self) -> str:
        """Why no play is to be started any more; empty where none is known."""
        hours, path = self.axes.budget.hours, self.sweep.path
        if hours is not None and self.progress.seconds >= hours * HOUR:
            return f"the budget of {hours:g} h is used up; for more raise sweep.budget.hours and start the sweep again"
        if (path / "stop.json").exists():
            return "it was stopped; start the sweep again to continue"
        free = free_bytes(path)
        return f"{full_words(path, free)}; make room and start the sweep again" if free < NO_ROOM else ""

    def start(self, name: str) -> None:
        """Starts or resumes a play; one that cannot be started is noted."""
        run = self.runs[name]
        try:
            run.directory.check()
            check_config(run.directory)
            start(run.directory, self.place)
        except DiskFullError as error:
            self.progress.ended = str(error.strerror)
        except (ValueError, OSError) as error:
            self.progress.problems[name] = str(error)

    def stop(self, name: str, status: Status) -> None:
        """Tells a play to stop after its step; it can be resumed, bit for bit."""
        if (name, status.attempt) not in self.stopped:
            self.stopped.add((name, status.attempt))
            self.runs[name].control.send("stop")

    # --------------------------------------------------------------------------------------- deciding

    def decide(self, step: int, halving: Halving) -> None:
        """Gives up the worse arms at a step. An arm without a value, as one that failed, is the worst."""
        arms = list(dict.fromkeys(map(self.arm, self.alive)))
        scores = {arm: self.score(arm, step, halving) for arm in arms}
        if arms and all(score is None for score in scores.values()):
            self.progress.ended = (
                f"sweep.halving.metric = {halving.metric!r}: no play has it up to step {step}; "
                f"{', '.join(self.known(step)) or 'no metric'} is there; the plays stand where they stopped"
            )
            return
        sign = -1.0 if halving.best == "highest" else 1.0
        order = sorted(arms, key=lambda arm: math.inf if scores[arm] is None else sign * float(scores[arm] or 0.0))
        kept = order[: math.ceil(len(order) * halving.keep)]
        given_up = [arm for arm in arms if arm not in kept]
        self.progress.rungs.append({"step": step, "scores": scores, "given_up": given_up})
        self.progress.save(self.sweep.path)

    def score(self, arm: str, step: int, halving: Halving) -> float | None:
        """The mean over an arm's plays of the metric's last value up to a step; None where a play has none."""
        found = []
        for run in (run for name, run in self.alive.items() if self.arm(name) == arm):
            values = [line[halving.metric] for line in lines_to(run, step) if is_value(line.get(halving.metric))]
            if not values:
                return None
            found.append(float(values[-1]))
        return sum(found) / len(found)

    def known(self, step: int) -> list[str]:
        """The metrics that plays have up to a step."""
        lines = (line for run in self.alive.values() for line in lines_to(run, step))
        return sorted({name for line in lines for name, value in line.items() if isinstance(value, float)})[:12]


def arrived(status: Status, step: int | None) -> bool:
    """Whether a play has come as far as asked."""
    return step is not None and status.step >= step


def lines_to(run: Run, step: int) -> Iterator[dict[str, Any]]:
    """The metrics of a run's steps up to one."""
    return (line for line in run.lines() if line["step"] <= step)


def is_value(value: Any) -> bool:
    """Whether a metric was recorded as a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def main() -> int:
    """The queue process; a second one on the same folder leaves at once."""
    path = Path(sys.argv[1])
    try:
        with Lock(path / "lock"):
            sweep = Sweep(path)
            ended = Queue(sweep, find_place(sweep.place)).work().ended
            print(ended or "nothing is left to do")
    except LockedError as error:
        print(error, file=sys.stderr)
        return 3
    except (ValueError, DiskFullError) as error:
        print(error, file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
