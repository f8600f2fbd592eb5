"""Launching runs. A config is checked as a whole before anything is started; the trainer is a process of its own."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.runs.directory.paths import new_directory
from workbench.runs.directory.sources import source_errors
from workbench.runs.experiment import launch_seeds
from workbench.runs.open import Run
from workbench.runs.prepare import prepare
from workbench.runs.process.start import LOCAL, RUNS, Launcher, Local, start

if TYPE_CHECKING:
    from workbench.config import RunConfig


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
        if not isinstance(launcher, Local):
            raise ValueError(f"seeds = {seeds!r}: the queue of an experiment starts runs on this machine only")
        return launch_seeds(asked, Path(runs), seeds, jobs, launcher)
    directory = new_directory(runs, asked.name)
    try:
        prepare(asked, directory, text)
    except BaseException:  # half a run is none
        shutil.rmtree(directory.path)
        raise
    start(directory, launcher)
    return Run(directory, launcher)


def read_config(config: "RunConfig | Mapping[str, Any] | str | Path") -> tuple["RunConfig", str]:
    """A config without mistakes that can be forecast here, with its text: a file's own, comments and all."""
    from workbench.config import ConfigError

    found = as_config(config)
    from workbench.planning.forecast import forecast
    from workbench.runs.process.build import errors  # loads transformers: only when the config is right in itself

    wrong = errors(found) + source_errors(found)
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
    from workbench.runs.process.build import warnings

    return warnings(as_config(config))
