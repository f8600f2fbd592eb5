"""A place whose trainers are threads of this process: a line of metrics a step, read from what a test wrote down."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workbench.runs.directory.lock import Lock
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.status import Heartbeat

PACE = 0.01  # seconds of a step
LONG = 60.0  # seconds to wait for a command


@dataclass
class Threads:
    """`value(play, step)` is a play's accuracy; `fails(play)` is true for one that cannot start."""

    jobs: int = 2
    steps: int = 6
    value: Callable[[str, int], float] = lambda play, step: 0.5
    fails: Callable[[str], bool] = lambda play: False
    holds: tuple[int, ...] = ()  # steps after which a play waits until it is told to stop
    started: list[str] = field(default_factory=list)
    most: int = 0  # that ran side by side
    running: int = 0

    def room(self, running: int) -> int:
        """How many more may be started."""
        self.most = max(self.most, running)
        return self.jobs - running

    def start(self, directory: RunDirectory, attempt: int) -> None:
        """Starts a thread."""
        self.started.append(directory.name)
        threading.Thread(target=self.train, args=(directory, attempt), daemon=True).start()

    def train(self, directory: RunDirectory, attempt: int) -> None:
        """Steps until the end, or until it is told to stop."""
        with Lock(directory.lock):
            text = directory.metrics.read_text() if directory.metrics.exists() else ""
            done = len(text.splitlines())
            heart = Heartbeat(directory, attempt, self.steps, "running", "sample", done)
            if self.fails(directory.name):
                heart.last_beat(state="failed", text="no such weights")
                return
            heart.beat()
            for step in range(done + 1, self.steps + 1):
                line = {"step": step, "attempt": attempt, "accuracy": self.value(directory.name, step), "seconds": 1.0}
                with directory.metrics.open("a") as file:
                    file.write(json.dumps(line) + "\n")
                heart.beat(step=step)
                time.sleep(PACE)
                if self.told(directory, step):
                    heart.last_beat(state="stopped")
                    return
            heart.last_beat(state="finished")

    def told(self, directory: RunDirectory, step: int) -> bool:
        """Whether the play is told to stop after a step; takes the command."""
        end = time.monotonic() + (LONG if step in self.holds else 0.0)
        while not (found := list(directory.control.glob("*.json"))) and time.monotonic() < end:
            time.sleep(PACE)
        for file in found:
            file.unlink()
        return bool(found)
