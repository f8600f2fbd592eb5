"""An evaluation in a process of its own: how it ends, and with whom."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil

from workbench.runs.checkpoints.background import BackgroundEvaluation
from workbench.runs.open import Run

PATIENCE = 120  # seconds until something must have happened


def wait(holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.05)


def test_it_says_who_is_examined_and_keeps_what_it_found_out(copy: Run) -> None:
    evaluation = BackgroundEvaluation(copy, [1, 3], problems=2, tries=(1,), base=False)
    assert (evaluation.state, evaluation.step) == ("running", None)
    wait(lambda: evaluation.state != "running")
    assert (evaluation.state, evaluation.step, evaluation.text) == ("done", 3, "")
    assert evaluation.seconds == evaluation.seconds > 0  # its clock has stopped
    assert len(list(copy.directory.evaluations.glob("eval-step-*.json"))) == 2


def test_a_process_that_dies_is_told_with_its_last_words(copy: Run) -> None:
    evaluation = BackgroundEvaluation(copy, [1], problems=4000, tries=[64])
    wait(lambda: evaluation.step is not None)
    evaluation.process.send_signal(signal.SIGSEGV)
    wait(lambda: evaluation.state != "running")
    assert evaluation.state == "failed"
    assert "its process died (exit code -11)" in evaluation.text


def test_an_evaluation_ends_with_who_asked_for_it(copy: Run) -> None:
    code = (
        "import sys, time; from workbench.runs.open import open_run\n"
        "from workbench.runs.checkpoints.background import BackgroundEvaluation\n"
        "evaluation = BackgroundEvaluation(open_run(sys.argv[1]), [1], problems=4000, tries=[64])\n"
        "while evaluation.step is None: time.sleep(.05)\n"
        "print(evaluation.process.pid, flush=True); time.sleep(600)"
    )
    asker = subprocess.Popen([sys.executable, "-c", code, str(copy.path)], stdout=subprocess.PIPE)
    with asker.stdout as told:
        examiner = psutil.Process(int(told.readline()))
    assert examiner.nice() > psutil.Process().nice()  # it stands back behind the views
    os.kill(asker.pid, signal.SIGKILL)
    asker.wait()
    wait(lambda: not examiner.is_running() or examiner.status() == psutil.STATUS_ZOMBIE)
