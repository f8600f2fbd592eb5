"""What looking at many runs costs: `workbench ls` over 10,000 runs, and SQL over a run of 5,000 steps; one JSON line.

The runs are made here by the writers that a trainer uses, then copied. Seconds are of processor time and of the wall,
each of a process of its own, start-up included; memory is the largest resident set.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy

from benchmarks.common import options, publish
from workbench.runs.directory.lines import LineWriter
from workbench.runs.directory.paths import RunDirectory
from workbench.runs.directory.record import write_rollouts
from workbench.runs.directory.status import Heartbeat

DIFFERENT = 20  # steps that are written; the others are copies
QUERIES = {
    "metrics": "select max(step), avg(reward) from metrics",
    "rollouts": "select step, avg(reward), avg(len(token_ids)) from rollouts group by step order by step",
}
LS = "import sys; from workbench import cli; sys.argv = ['workbench', 'ls', '--runs', sys.argv[1]]; cli.main()"
QUERY = "import sys; from workbench.runs.open import open_run; print(len(open_run(sys.argv[1]).query(sys.argv[2])))"


def make_run(path: Path, steps: int, metrics: int) -> RunDirectory:
    """A finished run of so many steps, without rollouts."""
    directory = RunDirectory(path).create()
    lines, dice = LineWriter(directory.metrics), numpy.random.default_rng(0)
    for step in range(1, steps + 1):
        values = {f"metric_{number}": float(dice.random()) for number in range(metrics)}
        lines.write({"attempt": 1, "step": step, "time": 1e9 + step, **values, "reward": 0.5, "accuracy": 0.5})
    lines.close()
    LineWriter(directory.events).close()
    Heartbeat(directory, 1, steps, "finished", "end", steps).beat()
    directory.lock.touch()
    return directory


def copy_run(directory: RunDirectory, path: Path) -> None:
    """The files of a run that a list reads, in another folder."""
    path.mkdir()
    for file in (directory.format, directory.status, directory.lock, directory.metrics, directory.events):
        shutil.copyfile(file, path / file.name)


def add_rollouts(directory: RunDirectory, steps: int) -> None:
    """32 rollouts of 20 to 60 tokens for every step."""
    dice = numpy.random.default_rng(0)
    lengths = dice.integers(20, 60, 32)
    offsets = numpy.concatenate([[0], numpy.cumsum(lengths)]).astype(numpy.int32)
    names = ("logprob", "old_logprob", "engine_logprob", "entropy", "advantage", "lens")
    for step in range(1, min(steps, DIFFERENT) + 1):
        signals = {name: dice.random(offsets[-1], dtype=numpy.float32) for name in names}
        columns = {"offsets": offsets, "step": [step] * 32, "rollout": list(range(32)), "text": ["x" * 100] * 32,
                   "token_ids": [list(range(length)) for length in lengths], "reward": [0.5] * 32}  # fmt: skip
        write_rollouts(directory.rollout_file(step), {**columns, **signals})
    for step in range(DIFFERENT + 1, steps + 1):
        shutil.copy(directory.rollout_file(step % DIFFERENT + 1), directory.rollout_file(step))


def measured(code: str, *arguments: str) -> dict[str, float]:
    """Seconds and memory of a process that runs some Python."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_seconds": round(spent, 2), "wall_seconds": round(wall, 2), "peak_mb": after.ru_maxrss // 1024}


def main() -> None:
    """Makes the runs, measures, prints."""
    parser = options(__doc__ or "")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=5_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="run-index-") as folder:
        runs = Path(folder) / "runs"
        first = make_run(runs / "run-00000", steps=10, metrics=30)
        for number in range(1, given.runs):
            copy_run(first, runs / f"run-{number:05d}")
        listed = measured(LS, str(runs))
        long = make_run(Path(folder) / "long", given.steps, metrics=30)
        add_rollouts(long, given.steps)
        found = {name: measured(QUERY, str(long.path), sql) for name, sql in QUERIES.items()}
    publish("run_index", {"runs": given.runs, "steps": given.steps, "ls": listed, **found}, save=given.save)


if __name__ == "__main__":
    main()
