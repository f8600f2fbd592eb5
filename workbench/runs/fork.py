"""A new run that goes on from a checkpoint of another, with other settings and with its history.

    fork(open_run("runs/demo"), 20, training={"learning_rate": 1e-4}, method={"method": "gspo"})

Without a change it goes on bit for bit as its parent did. The parent is only read, and may be running.
"""

import dataclasses
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.config import ConfigError, RunConfig
from workbench.runs.checkpoint import Checkpoint, keep, write_last
from workbench.runs.directory import RunDirectory, check_name, new_directory, read_json, write_atomic, write_json
from workbench.runs.inherit import Inheritance, inherit
from workbench.runs.kept import read_from, use_checkpoint
from workbench.runs.launch import LOCAL, Launcher, prepare, start
from workbench.runs.lines import encode
from workbench.runs.open import Run, open_run
from workbench.runs.sources import config_of, source_problems
from workbench.training import checkpoint

COMPUTES = ("device", "attention", "gradient_checkpointing", "linear")  # of a model: how, not what; may change
BEFORE = 0  # the attempt under which a fork keeps what its parent wrote; its own begin at 1


def fork(
    run: Run | str | Path, step: int | None = None, name: str | None = None, launcher: Launcher = LOCAL, **changes: Any
) -> Run:
    """Starts a run beside its parent, from the checkpoint of a step (None: the last one), and returns at once.

    `changes` are tables of the config: `training={"steps": 80}` changes that field alone. Curves and events up to the
    step are copied, rollouts stay with the parent. What a changed piece remembers starts anew; the event `forked`
    says what. Raises one ValueError that names every mistake before anything is written.
    """
    parent = run if isinstance(run, Run) else open_run(run)
    before = config_of(parent.directory.check())
    found, saved = use_checkpoint(parent.directory, step, lambda found: (found, read_from(found, checkpoint.read)))
    name = check_name(name or f"{parent.name}-from-{found.step}")
    after = checked(before, before.replace(**changes, name=name), found.step)
    inherited = inherit(*saved, before, after)
    directory = new_directory(parent.path.parent, name)
    try:
        prepare(after, directory, after.to_toml())
        write_lineage(parent, directory, found)
        write_history(parent, directory, found, forked(parent, found, (before, after), inherited))
        write_state(directory, found, inherited)
    except BaseException:  # half a run is none
        shutil.rmtree(directory.path)
        raise
    start(directory, launcher)
    return Run(directory, launcher)


def checked(before: RunConfig, after: RunConfig, step: int) -> RunConfig:
    """The config of a fork, if it can go on from its parent's step and start at all."""
    from workbench.runs.build import problems  # loads transformers: only when the config is right in itself

    found = []
    old, new = (dataclasses.asdict(config.model) for config in (before, after))
    if any(old[name] != new[name] for name in old if name not in COMPUTES):
        found.append("model: a fork goes on with the weights of its parent; launch a new run for another model")
    if after.training.steps <= step:
        found.append(f"training.steps = {after.training.steps}: the fork begins after step {step}; set more")
    found = found or problems(after) + source_problems(after)
    if found:
        raise ConfigError(found)
    return after


def write_lineage(parent: Run, directory: RunDirectory, found: Checkpoint) -> None:
    """Names the parent in env.json, with the folder that its relative paths start from."""
    own, inherited = read_json(directory.environment), read_json(parent.directory.environment) or {}
    lineage = {"path": str(parent.path.resolve()), "name": parent.name, "step": found.step, "attempt": found.attempt}
    folder = inherited.get("folder", own["folder"])
    write_json(directory.environment, {**own, "folder": folder, "parent": lineage})


def write_history(parent: Run, directory: RunDirectory, found: Checkpoint, event: Mapping[str, Any]) -> None:
    """The metrics and events up to the step, as of an attempt before the first, and the event of the fork."""
    lines = {line["step"]: line for line in [*parent.lines(), found.line] if line["step"] <= found.step}
    events = [line for line in parent.event_lines() if happened(line, found.step)]
    for path, history in ((directory.metrics, lines.values()), (directory.events, [*events, event])):
        write_atomic(path, b"".join(encode({**line, "attempt": BEFORE}) for line in history))


def happened(event: Mapping[str, Any], step: int) -> bool:
    """Whether an event belongs to what led to a checkpoint: of its own step only the notes were made before it."""
    when = event.get("step")
    return isinstance(when, int) and (when < step or (when == step and event.get("kind") == "note"))


def forked(
    parent: Run, found: Checkpoint, configs: tuple[RunConfig, RunConfig], inherited: Inheritance
) -> dict[str, Any]:
    """The event of a fork: where from, what changed, what began anew."""
    old, new = (dict(fields(config.to_dict())) for config in configs)
    changed = [field for field in (old | new) if old.get(field) != new.get(field) and field != "name"]
    told = [f"{field}: {old.get(field)} -> {new.get(field)}" for field in changed]
    text = "; ".join([f"from {parent.name} after step {found.step}", *told, *inherited.anew])
    kept = {"parent": str(parent.path.resolve()), "live": inherited.state["live"]}
    changes = {field: {"old": old.get(field), "new": new.get(field)} for field in changed}
    return {"time": time.time(), "step": found.step, "kind": "forked", "text": text, **kept, "changes": changes}


def fields(table: Mapping[str, Any], place: str = "") -> list[tuple[str, Any]]:
    """Every field of nested tables with its place.

    >>> fields({"seed": 0, "training": {"steps": 5}})
    [('seed', 0), ('training.steps', 5)]
    """
    found: list[tuple[str, Any]] = []
    for name, value in table.items():
        found += fields(value, f"{place}{name}.") if isinstance(value, Mapping) else [(place + name, value)]
    return found


def write_state(directory: RunDirectory, found: Checkpoint, inherited: Inheritance) -> None:
    """The checkpoint that the trainer of the fork finds, kept under its step as well."""
    content = {"step": found.step, "attempt": BEFORE, "line": {**found.line, "attempt": BEFORE}}
    last = write_last(
        directory,
        lambda folder: checkpoint.write(folder, inherited.weights, inherited.state),
        lambda: content,
        found.size,
    )
    keep(directory, last)
