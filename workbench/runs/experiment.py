"""Several runs as one: a folder with a run per seed, and a queue process that keeps `jobs` of them running.

`python -m workbench.runs.experiment FOLDER` is that process. Like a trainer it is on its own, and can be killed:
the runs that train continue, and `resume` starts a queue again that takes up what is left.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.runs.directory.control import Seconds
from workbench.runs.directory.documents import EXPERIMENT, expect_document
from workbench.runs.directory.lock import Identity, Lock, LockedError
from workbench.runs.directory.paths import FORMAT, RunDirectory, check_name, read_json, write_json
from workbench.runs.directory.status import ENDED
from workbench.runs.open import Run
from workbench.runs.prepare import prepare
from workbench.runs.process.start import LOCAL, Local, detach, start

if TYPE_CHECKING:
    import pandas

    from workbench.config import RunConfig

POLL = 0.2  # seconds between two looks at the runs


class Experiment:
    """A folder of runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        content = expect_document(path / "experiment.json", EXPERIMENT)
        if not content:
            raise ValueError(f"{path} is no experiment: it has no experiment.json; give the folder of one")
        self.jobs: int = content.get("jobs", 1)
        self.names: list[str] = content["runs"]

    def __repr__(self) -> str:
        return f"<experiment {self.path.name}: {self.counts()}>"

    @property
    def runs(self) -> list[Run]:
        """Every run, started or not."""
        return [Run(RunDirectory(self.path / check_name(name)).check()) for name in self.names]

    def counts(self) -> dict[str, int]:
        """How many runs are in each state."""
        states = [run.status.state for run in self.runs]
        return {state: states.count(state) for state in dict.fromkeys(states)}

    @property
    def busy(self) -> bool:
        """Whether a queue process works, or a run trains."""
        queue = Identity.parse(read_json(self.path / "queue.json"))
        waits = ("queued", *ENDED)
        return bool(queue and queue.alive()) or any(run.status.state not in waits for run in self.runs)

    def metrics(self) -> "pandas.DataFrame":
        """The metrics of all runs, with the run's name in the column `run`."""
        import pandas

        return pandas.concat([run.metrics().assign(run=run.name) for run in self.runs], ignore_index=True)

    def wait(self, timeout: Seconds | None = None) -> dict[str, int]:
        """Waits until every run has ended; returns how many are in each state."""
        end = None if timeout is None else time.monotonic() + timeout
        while not all(run.status.ended for run in self.runs):
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"{self.path.name} did not end within {timeout:g} s: {self.counts()}")
            time.sleep(POLL)
        return self.counts()

    def stop(self) -> None:
        """Starts no further runs, and stops those that train after their current step."""
        write_json(self.path / "stop.json", {"time": time.time()})
        for run in self.runs:
            if not run.status.ended and run.status.state != "queued":
                run.stop()

    def resume(self) -> None:
        """Starts the queue again, which takes up every run that has not finished."""
        (self.path / "stop.json").unlink(missing_ok=True)
        start_queue(self.path)


def launch_seeds(
    config: "RunConfig", runs: Path, seeds: int | Sequence[int], jobs: int, launcher: Local = LOCAL
) -> Experiment:
    """An experiment of one config under several seeds, with its queue started."""
    chosen = [config.seed + number for number in range(seeds)] if isinstance(seeds, int) else list(seeds)
    if not chosen or len(set(chosen)) < len(chosen) or jobs < 1:
        raise ValueError(f"seeds = {seeds!r}, jobs = {jobs}: give one seed or more, each once, and jobs of 1 or more")
    singles = {f"seed-{seed}": config.replace(seed=seed, name=f"seed-{seed}") for seed in chosen}
    return launch_configs(singles, runs, config.name, jobs, launcher)


def launch_configs(
    configs: Mapping[str, "RunConfig"], runs: Path, name: str, jobs: int, launcher: Local = LOCAL
) -> Experiment:
    """An experiment of several configs, by the names of their runs, with its queue started."""
    path = new_folder(runs, name)
    for own, config in configs.items():
        prepare(config, RunDirectory(path / check_name(own)).create(), config.to_toml())
    seeds = [config.seed for config in configs.values()]
    content = {"format": FORMAT, "name": path.name, "jobs": jobs, "seeds": seeds, "runs": list(configs)}
    write_json(path / "experiment.json", {**content, "program": launcher.program})
    start_queue(path)
    return Experiment(path)


def new_folder(runs: Path, name: str) -> Path:
    """A fresh folder called `name`, or `name-2` and so on."""
    check_name(name)
    number = 1
    while True:
        path = runs / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        else:
            return path


def start_queue(path: Path) -> None:
    """Starts the queue process of an experiment, or of a sweep."""
    module = "workbench.runs.sweep.queue" if (path / "sweep.json").exists() else "workbench.runs.experiment"
    command = [sys.executable, "-P", "-m", module, str(path.resolve())]
    process = detach(command, path / "queue.log")
    write_json(path / "queue.json", asdict(Identity.of(process.pid)))


def work_off(path: Path) -> None:
    """Keeps `jobs` runs going until all have ended; a run is started once in the life of a queue."""
    content = expect_document(path / "experiment.json", EXPERIMENT)
    launcher = Local(tuple(content.get("program", LOCAL.program)))
    experiment = Experiment(path)
    waiting = [run for run in experiment.runs if run.status.state in ("queued", "dead", "stopped", "failed")]
    under_way = [run for run in experiment.runs if run.status.state not in ("queued", *ENDED)]
    while under_way or waiting:
        under_way = [run for run in under_way if not run.status.ended]
        while waiting and len(under_way) < experiment.jobs and not (path / "stop.json").exists():
            start(waiting[0].directory, launcher)
            under_way.append(waiting.pop(0))
        if not under_way and (path / "stop.json").exists():
            return
        time.sleep(POLL)


def main() -> int:
    """The queue process; a second one on the same folder leaves at once."""
    path = Path(sys.argv[1])
    try:
        with Lock(path / "lock"):
            work_off(path)
    except LockedError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
