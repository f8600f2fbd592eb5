"""A new run that goes on from a checkpoint of another, with other settings and with its history.

    fork(open_run("runs/demo"), 20, training={"learning_rate": 1e-4}, method={"method": "gspo"})

Without a change it goes on bit for bit as its parent did. The parent is only read, and may be running.
"""

import dataclasses
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from workbench.config import ConfigError, RunConfig
from workbench.method import slot_kinds
from workbench.runs.checkpoints.available import BASE, read_from, use_checkpoint
from workbench.runs.checkpoints.inherit import Inheritance, inherit
from workbench.runs.directory.checkpoint import Checkpoint, keep, write_last
from workbench.runs.directory.documents import ENVIRONMENT, expect_document, write_document
from workbench.runs.directory.lines import seal
from workbench.runs.directory.paths import RunDirectory, check_name, new_directory, write_atomic
from workbench.runs.directory.sources import config_of, source_errors
from workbench.runs.open import Run, open_run
from workbench.runs.prepare import prepare
from workbench.runs.process.recorder import read_journals
from workbench.runs.process.start import LOCAL, Launcher, start
from workbench.training import checkpoint

COMPUTES = ("device", "attention", "gradient_checkpointing", "linear")  # of a model: how, not what; may change
BEFORE = 0  # the attempt under which a fork keeps what its parent wrote; its own begin at 1


def fork(
    run: Run | str | Path, step: int | None = None, name: str | None = None, launcher: Launcher = LOCAL, **changes: Any
) -> Run:
    """Starts a run beside its parent, from the checkpoint of a step (None: the last one), and returns at once.

    `changes` are tables of the config: `training={"steps": 80}` changes that field alone. Curves and events up to the
    step are copied, rollouts stay with the parent. What a changed piece remembers starts anew; the event `forked`
    says what. From step 0, the model before training, all of it starts anew. Raises one ValueError that names every
    mistake before anything is written.
    """
    parent = run if isinstance(run, Run) else open_run(run)

    def take(found: Checkpoint) -> tuple[Checkpoint, tuple[RunConfig, RunConfig], Inheritance]:
        configs = planned(parent, found.step, name, changes)  # mistakes are told before any weights are read
        return found, configs, taken_over(found, *configs)

    found, (before, after), inherited = use_checkpoint(parent.directory.check(), step, take)
    directory = new_directory(parent.path.parent, after.name)
    try:
        prepare(after, directory, after.to_toml())
        write_lineage(parent, directory, found)
        write_history(parent, directory, found, forked(parent, found, (before, after), inherited))
        write_journals(parent, directory, found.step, (before, after))
        if found.step > BASE:  # before the first step there is no state: the trainer begins with its own
            write_state(directory, found, inherited)
    except BaseException:  # half a run is none
        shutil.rmtree(directory.path)
        raise
    start(directory, launcher)
    return Run(directory, launcher)


def taken_over(found: Checkpoint, before: RunConfig, after: RunConfig) -> Inheritance:
    """What a fork begins with: nothing of its parent's where it begins before the first step."""
    if found.step == BASE:
        return Inheritance({}, {"live": {}})
    return inherit(*read_from(found, checkpoint.read), before, after)


def planned(parent: Run, step: int, name: str | None, changes: Mapping[str, Any]) -> tuple[RunConfig, RunConfig]:
    """The configs of a run and of its fork after a step; ValueError where that could not start."""
    before = config_of(parent.directory.check())
    name = check_name(name or f"{parent.name}-from-{step}")
    return before, checked(before, before.replace(**changes, name=name), step)


def checked(before: RunConfig, after: RunConfig, step: int) -> RunConfig:
    """The config of a fork, if it can go on from its parent's step and start at all."""
    from workbench.runs.process.build import errors  # loads transformers: only when the config is right in itself

    found = []
    old, new = (dataclasses.asdict(config.model) for config in (before, after))
    if any(old[name] != new[name] for name in old if name not in COMPUTES):
        found.append("model: a fork goes on with the weights of its parent; launch a new run for another model")
    if after.training.steps <= step:
        found.append(f"training.steps = {after.training.steps}: the fork begins after step {step}; set more")
    found = found or errors(after) + source_errors(after)
    if found:
        raise ConfigError(found)
    return after


def write_lineage(parent: Run, directory: RunDirectory, found: Checkpoint) -> None:
    """Names the parent in env.json, with the folder that its relative paths start from."""
    own, inherited = (expect_document(one.environment, ENVIRONMENT) for one in (directory, parent.directory))
    lineage = {"path": str(parent.path.resolve()), "name": parent.name, "step": found.step, "attempt": found.attempt}
    folder = inherited.get("folder", own["folder"])
    write_document(directory.environment, {**own, "folder": folder, "parent": lineage})


def write_history(parent: Run, directory: RunDirectory, found: Checkpoint, event: Mapping[str, Any]) -> None:
    """The metrics and events up to the step, as of an attempt before the first, and the event of the fork."""
    lines = {line["step"]: line for line in [*parent.lines(), found.line] if line and line["step"] <= found.step}
    events = [line for line in parent.event_lines() if happened(line, found.step)]
    for path, history in ((directory.metrics, lines.values()), (directory.events, [*events, event])):
        write_atomic(path, b"".join(seal({**line, "attempt": BEFORE}) for line in history))


def write_journals(parent: Run, directory: RunDirectory, step: int, configs: tuple[RunConfig, RunConfig]) -> None:
    """Ledger and stock as of the step, unless they are of another task; a survey is of step 0."""
    before, after = configs
    if before.task != after.task:
        return
    for name, lines in read_journals(parent.directory, step).items():
        if lines:
            write_atomic(directory.path / f"{name}.jsonl", b"".join(seal(line) for line in lines))


def happened(event: Mapping[str, Any], step: int) -> bool:
    """Whether an event belongs to what led to a checkpoint: of its own step only the notes were made before it."""
    when = event.get("step")
    return isinstance(when, int) and (when < step or (when == step and event.get("kind") in ("note", "alarm")))


def forked(
    parent: Run, found: Checkpoint, configs: tuple[RunConfig, RunConfig], inherited: Inheritance
) -> dict[str, Any]:
    """The event of a fork: where from, what changed, what began anew."""
    old, new = (dict(fields(config.to_dict())) for config in configs)
    changed = [field for field in (old | new) if old.get(field) != new.get(field) and field != "name"]
    told = [f"{field}: {old.get(field)} -> {new.get(field)}" for field in changed]
    text = "; ".join([f"from {parent.title} after step {found.step}", *told, *inherited.anew])
    kept = {"parent": str(parent.path.resolve()), "live": inherited.state["live"]}
    changes = {field: {"old": old.get(field), "new": new.get(field)} for field in changed}
    return {"time": time.time(), "step": found.step, "kind": "forked", "text": text, **kept, "changes": changes}


def changeable(config: RunConfig) -> dict[str, Any]:
    """Every field with a value that a fork may change, by its place; of the method the fields of its pieces as well."""
    table, slots = config.to_dict(), config.resolved()["method"]
    own = {"method": table["method"]["method"], **{name: slots[name] for name in slot_kinds() if name in slots}}
    model = {name: value for name, value in table["model"].items() if name in COMPUTES}
    found = dict(fields({**table, "method": own, "model": model}))
    del found["name"]
    return found


def parsed(changes: Iterable[str]) -> dict[str, Any]:
    """Tables of a config from `FIELD=VALUE`; a value is TOML, or else a text.

    >>> parsed(["training.steps=80", "method.method=gspo", "seed=1"])
    {'training': {'steps': 80}, 'method': {'method': 'gspo'}, 'seed': 1}
    """
    tables: dict[str, Any] = {}
    for change in changes:
        place, equals, text = change.partition("=")
        *outer, field = place.strip().split(".")
        if not equals or not field or not all(outer):
            raise ValueError(f"{change!r}: write FIELD=VALUE, as in training.learning_rate=1e-4")
        table = tables
        for name in outer:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise ValueError(f"{change!r}: {name} was given a value already; give its fields or the whole")
        table[field] = value_of(text)
    return tables


def value_of(text: str) -> Any:
    """A value as TOML writes it; a bare word is a text."""
    try:
        return tomlkit.parse(f"value = {text}").unwrap()["value"]
    except TOMLKitError:
        return text.strip()


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
