"""`launch_experiment(config, axes, on=…)`: starts a sweep, or takes up one that was started.

The folder is the sweep's name among the runs. It comes into being whole, and it grows: a config with more seeds or
values adds plays. A play whose settings changed is refused, since its results would be of two configs.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.runs.directory.paths import FORMAT, RunDirectory, check_name, plain, write_json
from workbench.runs.directory.settings import flat
from workbench.runs.prepare import prepare
from workbench.runs.process.start import LOCAL, RUNS
from workbench.runs.sweep.axes import Axes
from workbench.runs.sweep.opened import Sweep
from workbench.runs.sweep.place import find_place
from workbench.runs.sweep.plan import Plan, Play, check_arms, read_plan

if TYPE_CHECKING:
    from workbench.config import RunConfig

SHOWN = 3  # plays or fields that a message names


def launch_experiment(
    config: "RunConfig | Mapping[str, Any] | str | Path",
    axes: Axes | Mapping[str, Any] | None = None,
    on: str | Mapping[str, Any] = "",
    runs: str | Path = RUNS,
) -> Sweep:
    """Starts the sweep of a config in the background, or continues it; returns at once.

    `axes` stands in place of the config's table `[sweep]`, `on` in place of `sweep.on`: the name of a place, or a table
    with the place's own options. Plays that have finished stay as they are; others continue from their last checkpoint.

    Raises:
        ConfigError: names every mistake of config, axes and arms, before anything is started.
        ValueError: if the folder holds something else, or plays of other settings.
    """
    plan = read_plan(config, axes)
    place = place_table(plan, on)
    find_place(place)
    path = Path(runs) / check_name(plan.config.name)
    if (path / "sweep.json").is_file():
        grow(Sweep(path), plan, place)
    elif path.exists():
        raise ValueError(f"{path} is no sweep: give the sweep another name, as in name = {path.name + '-sweep'!r}")
    else:
        check_arms(plan)
        create(path, plan, place)
    sweep = Sweep(path)
    if not sweep.queue_alive:
        sweep.resume()
    elif (path / "stop.json").exists():
        raise ValueError(f"{path} is being stopped; start it again when its plays have ended their step")
    return sweep


def place_table(plan: Plan, on: str | Mapping[str, Any]) -> dict[str, Any]:
    """The place as plain data; jobs and threads are the config's where it does not say."""
    own = {"on": on or plan.axes.on} if isinstance(on, str) else dict(on)
    return dict(plain({"jobs": plan.axes.jobs, "threads": plan.config.training.threads, **own}))


def create(path: Path, plan: Plan, place: Mapping[str, Any]) -> None:
    """A folder with a prepared run for every play; it appears whole, or not at all."""
    draft = path.with_name(f".{path.name}.making")
    shutil.rmtree(draft, ignore_errors=True)  # of a launch that was killed
    try:
        draft.mkdir(parents=True)
        for play in plan.plays:
            prepare(play.config, RunDirectory(draft / check_name(play.name)).create(), play.config.to_toml())
        write_documents(draft, plan, place)
        draft.rename(path)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def write_documents(path: Path, plan: Plan, place: Mapping[str, Any]) -> None:
    """What says which runs there are, and what the queue needs."""
    plays = {play.name: {"arm": play.arm, "seed": play.seed, "digest": play.digest} for play in plan.plays}
    seeds = [play.seed for play in plan.plays]
    program = list(place.get("program") or LOCAL.program)
    content = {"format": FORMAT, "name": plan.config.name, "jobs": place.get("jobs") or 1, "seeds": seeds}
    write_json(path / "experiment.json", {**content, "runs": list(plays), "program": program})
    axes = plan.axes.model_dump(mode="json", exclude_none=True)
    write_json(path / "sweep.json", {"plays": plays, "axes": axes, "place": dict(place)})


def grow(sweep: Sweep, plan: Plan, place: Mapping[str, Any]) -> None:
    """Takes over what the config says now. ValueError where its plays are others, or a queue works by the old one."""
    axes = plan.axes.model_dump(mode="json", exclude_none=True)
    new = [play for play in plan.plays if play.name not in sweep.plays]
    refuse_others(sweep, plan)
    if axes == sweep.axes and dict(place) == sweep.place and not new:
        return
    if sweep.queue_alive:
        raise ValueError(
            f"{sweep.path} is at work by the axes it was started with, and the config says others now: stop it first "
            "(workbench sweep CONFIG.toml --stop), then start it again; finished plays stay"
        )
    decided = sweep.progress.rungs
    if decided and (new or axes.get("halving") != sweep.axes.get("halving")):
        raise ValueError(
            f"{sweep.path} has given up arms at step {decided[-1]['step']}: new arms, seeds or halving cannot be "
            "compared with these; give the sweep another name"
        )
    check_arms(Plan(plan.config, plan.axes, tuple(new)))
    for play in new:
        add(sweep.path, play)
    write_documents(sweep.path, plan, place)


def add(path: Path, play: Play) -> None:
    """A prepared run for one more play; its folder appears whole."""
    draft, folder = path / f".{play.name}.making", path / check_name(play.name)
    for left in (draft, folder):  # of a launch that was killed: no document names it
        shutil.rmtree(left, ignore_errors=True)
    try:
        prepare(play.config, RunDirectory(draft).create(), play.config.to_toml())
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def refuse_others(sweep: Sweep, plan: Plan) -> None:
    """ValueError where the folder has plays of other settings, or plays that the config has no more."""
    remedy = f"{sweep.path} keeps its plays: put back the config, or give the sweep another name"
    now = {play.name: play for play in plan.plays}
    others = [name for name, play in sweep.plays.items() if name in now and now[name].digest != play["digest"]]
    changed = {name: fields for name in others if (fields := differences(sweep, now[name]))}
    if changed:
        fields = next(iter(changed.values()))
        raise ValueError(f"{listed(changed)} was started with other settings ({listed(fields)}); {remedy}")
    gone = [name for name in sweep.plays if name not in now]
    if gone:
        raise ValueError(f"the config has no play {listed(gone)} any more; {remedy}")


def differences(sweep: Sweep, play: Play) -> list[str]:
    """In which fields a play that was prepared differs from what the config says now.

    A field that an earlier version did not have differs only where it is not at its default.
    """
    config = play.config
    plain_one = type(config)(task=config.task, rewards=config.rewards, method=config.method)
    before, now = dict(flat(sweep.run(play.name).resolved)), dict(flat(config.resolved()))
    default = dict(flat(plain_one.resolved()))
    names = [name for name in {**before, **now} if before.get(name, default.get(name)) != now.get(name)]
    return [f"{name} was {before.get(name)!r}, is {now.get(name)!r}" for name in names]


def listed(names: Iterable[str]) -> str:
    """The first few of many."""
    found = list(names)
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return ", ".join(found[:SHOWN]) + more
