"""An evaluation in a process of its own: whoever asked for it goes on, sees how far it is, and may end it.

    evaluation = BackgroundEvaluation(open_run("runs/demo"), [20], problems=64, tries=(1, 4))
    evaluation.state, evaluation.step  # "running", 20; then "done", "failed" or "cancelled"

It ends with the process that asked for it, however that ends: it reads a pipe that only its parent holds open. Results
are where `evaluate` puts them, those made before an end as well. Nothing heavy is loaded on this side.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import Any

from workbench.runs.directory.paths import DiskFullError
from workbench.runs.open import Run, open_run
from workbench.runs.process.start import PASSIVE_WAIT

POLITE = 10  # how far it stands back behind trainers, views and what else the machine does
WORDS = 400  # characters of its last words that are told


class BackgroundEvaluation:
    """One evaluation of a run, from its start to its end."""

    def __init__(
        self, run: Run, steps: Sequence[int | None], problems: int, tries: Sequence[int], base: bool = True
    ) -> None:
        place = str(run.directory.check().path.resolve())
        order = {"run": place, "steps": list(steps), "problems": problems, "tries": list(tries), "base": base}
        self.began, self.ended = time.monotonic(), 0.0
        self.step: int | None = None  # which is examined; None: its model is not loaded yet
        self.state, self.text = "running", ""
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `listen`
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.runs.checkpoints.background", json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env={**PASSIVE_WAIT, **os.environ},
            start_new_session=True,  # a notebook's interrupt is meant for a cell
        )
        threading.Thread(target=self.listen, daemon=True).start()

    @property
    def seconds(self) -> float:
        """How long it takes, or took."""
        return (self.ended or time.monotonic()) - self.began

    def listen(self) -> None:
        """Hears what it says until it ends."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with self.process.stdin, self.process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                self.step, self.text = said.get("step", self.step), said.get("failed", "")
            code = self.process.wait()
        self.ended = time.monotonic()
        if self.state == "running":  # or else it was cancelled
            self.state = "done" if code == 0 else "failed"
            self.text = self.text if code == 0 or self.text else self.last_words(code)
        self.log.close()

    def last_words(self, code: int) -> str:
        """How it ended without saying why."""
        self.log.seek(0)
        said = self.log.read().decode(errors="replace").strip().splitlines()
        return f"its process died (exit code {code})" + (f"; it said last: {said[-1][-WORDS:]}" if said else "")

    def cancel(self) -> None:
        """Ends it; what it found out before is kept."""
        if self.state == "running":
            self.state = "cancelled"
            self.process.kill()


# --------------------------------------------------------------------------------------- in that process


def main() -> int:
    """What the process does: examines, and says how far it is."""
    order = json.loads(sys.argv[1])
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is none of what is told
    threading.Thread(target=end_with_parent, daemon=True).start()
    os.nice(POLITE)

    def say(**facts: Any) -> None:
        print(json.dumps(facts), file=told, flush=True)

    try:
        from workbench.runs.checkpoints.evaluation import EvaluationSettings, evaluate

        settings = EvaluationSettings(order["problems"], tuple(order["tries"]))
        run = open_run(order["run"])
        evaluate(run, order["steps"], settings, base=order["base"], begun=lambda step: say(step=step))
    except (ValueError, OSError) as error:  # our own words; anything else is a traceback in the log
        say(failed=error.strerror if isinstance(error, DiskFullError) else str(error))
        return 1
    return 0


def end_with_parent() -> None:
    """Ends this process when its parent has gone, which closes the pipe, or closes it."""
    os.read(sys.stdin.fileno(), 1)  # not through `sys.stdin`: its lock would be held when this process ends by itself
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
