"""Starting runs. A config is checked as a whole before anything is started; the trainer is a process of its own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from workbench.runs.control import Control
from workbench.runs.directory import RunDirectory, new_directory, read_json, write_atomic, write_json
from workbench.runs.sources import source_problems, write_sources
from workbench.runs.status import Heartbeat, holder, read_status

if TYPE_CHECKING:
    from workbench.config import RunConfig

RUNS = Path("runs")  # where runs are made and looked for, unless another folder is given


@runtime_checkable
class Launcher(Protocol):
    """Who starts trainer processes: here, or on another machine that sees the directory."""

    def start(self, directory: RunDirectory, attempt: int) -> None:
        """Starts a trainer on a directory and returns at once; output goes to the attempt's log."""


@dataclass(frozen=True)
class Local:
    """A process on this machine, in a session of its own: it outlives the notebook, shell or test that started it."""

    program: tuple[str, ...] = ("-P", "-m", "workbench.runs.worker")  # -P: files lying about are no modules

    def start(self, directory: RunDirectory, attempt: int) -> None:
        """Starts the trainer; it makes itself known when it has the lock."""
        folder = (read_json(directory.environment) or {}).get("folder")
        command = [sys.executable, *self.program, str(directory.path.resolve()), "--attempt", str(attempt)]
        detach(command, directory.log(attempt), folder)


LOCAL = Local()


#: OpenMP's threads wait asleep: spinning ones stop each other where cores are shared, and a step takes tens of times
#: as long; on a quiet machine sleeping costs about a tenth.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}


def detach(command: Sequence[str], log: Path, folder: str | None = None) -> "subprocess.Popen[bytes]":
    """Starts a process that nothing of ours takes down with it; a thread notices its end, so it leaves no zombie."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder if folder and Path(folder).is_dir() else None,
            env={**PATIENT, **os.environ, "PYTHONUNBUFFERED": "1"},
        )
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def launch(
    config: "RunConfig | Mapping[str, Any] | str | Path",
    runs: str | Path = RUNS,
    seeds: int | Sequence[int] | None = None,
    jobs: int = 1,
    launcher: Launcher = LOCAL,
) -> Any:
    """Starts a run, or with `seeds` an experiment of several, in the background; returns at once.

    `config` may be a mapping of its tables, or the path of a TOML file. `seeds` is how many, counted from the config's
    own, or which ones; `jobs` of them run at a time. Raises one ValueError that names every mistake before anything is
    started.
    """
    asked, text = read_config(config)
    if seeds is not None:
        from workbench.runs.experiment import launch_seeds

        if not isinstance(launcher, Local):
            raise ValueError(f"seeds = {seeds!r}: the queue of an experiment starts runs on this machine only")
        return launch_seeds(asked, Path(runs), seeds, jobs, launcher)
    from workbench.runs.open import Run

    directory = prepare(asked, new_directory(runs, asked.name), text)
    start(directory, launcher)
    return Run(directory, launcher)


def read_config(config: "RunConfig | Mapping[str, Any] | str | Path") -> tuple["RunConfig", str]:
    """A config without mistakes that can be forecast here, with its text: a file's own, comments and all."""
    from workbench.config import ConfigError

    found = as_config(config)
    from workbench.planning.forecast import forecast
    from workbench.runs.build import problems  # loads transformers: only when the config is right in itself

    wrong = problems(found) + source_problems(found)
    if wrong:
        raise ConfigError(wrong)
    forecast(found)  # refuses a device that is not here and an adapter that fits no layer, before there is a folder
    return found, Path(config).read_text(encoding="utf-8") if isinstance(config, str | Path) else found.to_toml()


def as_config(config: "RunConfig | Mapping[str, Any] | str | Path") -> "RunConfig":
    """A config from whatever may stand for one; ValueError where it is wrong in itself."""
    from workbench.config import RunConfig

    if isinstance(config, RunConfig):
        return config
    if isinstance(config, Mapping):
        return RunConfig(**config)
    if isinstance(config, str | Path):
        return RunConfig.load(config)
    raise ValueError(f"{config!r} is no config: give a RunConfig, a dictionary of its tables, or a TOML file's path")


def warned(config: "RunConfig | Mapping[str, Any] | str | Path") -> list[str]:
    """What a config without mistakes will hardly do as meant."""
    from workbench.runs.build import warnings

    return warnings(as_config(config))


def prepare(config: "RunConfig", directory: RunDirectory, text: str) -> RunDirectory:
    """Writes what a trainer finds in a fresh run directory."""
    from workbench.planning.forecast import forecast
    from workbench.runs.environment import environment

    write_atomic(directory.config, text, sync=True)
    write_json(directory.resolved, config.resolved())
    write_json(directory.environment, environment(seed=config.seed, sources=write_sources(config, directory)))
    write_json(directory.path / "forecast.json", forecast(config).to_dict())
    Heartbeat(directory, 0, config.training.steps, state="queued").beat()
    return directory


def start(directory: RunDirectory, launcher: Launcher = LOCAL) -> None:
    """Starts a trainer on a directory that has none; ValueError while one lives."""
    before = read_status(directory)
    wait_for_end(directory)
    Control(directory).expire()
    attempt = directory.attempts() + 1
    directory.log(attempt).touch()
    Heartbeat(directory, attempt, before.total, "starting", "start", before.step, before.tokens).beat()
    launcher.start(directory, attempt)


def wait_for_end(directory: RunDirectory, seconds: float = 10.0) -> None:
    """Gives a trainer that has stopped a moment to leave; ValueError if it stays."""
    identity = holder(directory)
    end = time.monotonic() + seconds
    while identity is not None and identity.alive():
        ended = read_status(directory).ended
        if not ended or time.monotonic() > end:
            raise ValueError(f"{directory.path} has a trainer already: process {identity.pid}; stop that one first")
        time.sleep(0.05)
