"""SUPERNOVA's micro-mixing, from small runs to a mixture: for every target the best two sources. arXiv:2604.08477.

pilots = launch_sources(config, "runs")     # config.task is a mixture, config.exams are the targets
pilots.wait()
launch(mixed(config, pilots))
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.runs.experiment import Experiment, launch_configs
from workbench.runs.process.start import LOCAL, Local

if TYPE_CHECKING:
    from workbench.config import RunConfig
    from workbench.tasks.mixture import Mixture

MEASURE = "pass@1"


def mixture_of(config: "RunConfig") -> "Mixture":
    """The mixture that a config trains on. ValueError where it is none, or there are no targets."""
    from workbench.tasks.mixture import Mixture

    if not isinstance(config.task, Mixture):
        raise ValueError(f"task = {config.task.name!r}: micro-mixing chooses among the sources of a task `mixture`")
    if not config.exams:
        raise ValueError('exams = []: micro-mixing needs a target, as in [[exams]] exam = "held_out"')
    return config.task


def launch_sources(
    config: "RunConfig", runs: str | Path = "runs", jobs: int = 1, launcher: Local = LOCAL
) -> Experiment:
    """An experiment with a run for every source of the config's mixture, all else as it is; its queue is started.

    Every run is examined by the config's exams, the targets, before the first step and at the end.
    """
    from workbench.tasks.mixture import Mixture

    mixture = mixture_of(config)
    singles = {name: Mixture({name: task}, seed=mixture.seed) for name, task in mixture.tasks.items()}
    configs = {f"source-{name}": config.replace(task=task, name=f"source-{name}") for name, task in singles.items()}
    return launch_configs(configs, Path(runs), f"{config.name}-sources", jobs, launcher)


def scores(experiment: Experiment, measure: str = MEASURE) -> dict[str, dict[str, float]]:
    """What each source did for each target, `[target][source]`: the exam's measure after the last step.

    ValueError for a run that has not finished, or whose exams lack the measure.
    """
    found: dict[str, dict[str, float]] = {}
    for run in experiment.runs:
        source = run.name.removeprefix("source-")
        if run.status.state != "finished":
            raise ValueError(f"{run.name} is {run.status.state}: wait until every source's run has finished")
        line = run.metrics().iloc[-1].dropna()
        own = {
            name.removeprefix("exam.").removesuffix(f".{measure}"): float(value)
            for name, value in line.items()
            if isinstance(name, str) and name.startswith("exam.") and name.endswith(f".{measure}")
        }
        if not own:
            raise ValueError(f"{run.name} has no exam.….{measure} after its last step: choose another measure")
        for target, value in own.items():
            found.setdefault(target, {})[source] = value
    return found


def mixed(config: "RunConfig", experiment: Experiment, top: int = 2, measure: str = MEASURE) -> "RunConfig":
    """The config with the sources that are among the `top` of some target, equally weighted."""
    from workbench.tasks.mixture import Mixture, micro_mix

    mixture, table = mixture_of(config), scores(experiment, measure)
    check(table, mixture.tasks)
    chosen = micro_mix(table, top)
    return config.replace(task=Mixture({name: mixture.tasks[name] for name in chosen}, seed=mixture.seed))


def check(table: Mapping[str, Mapping[str, float]], tasks: Mapping[str, object]) -> None:
    """ValueError where the runs are not those of the mixture's sources."""
    for target, own in table.items():
        odd = sorted(own.keys() ^ tasks.keys())
        if odd:
            raise ValueError(f"target {target}: source {odd[0]!r} is not both in the mixture and in the experiment")
