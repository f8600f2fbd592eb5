"""Forks: a new run that continues from a checkpoint with other settings."""

from collections.abc import Sequence
from typing import Any, Protocol

from widgets.recorded.desk import Desk
from widgets.wire.answers import Request, answer
from widgets.wire.payload import pack


class Opener(Protocol):
    """Where a run can be opened in the place of the one that is shown."""

    def opens(self, path: str) -> None:
        """Opens the run in a folder."""


@answer("forkable", slow=True)
def forkable(desk: Desk, request: Request) -> bytes:
    """The fields that a fork of the run may change, with their values as TOML has them and what they are."""
    from workbench.runs.checkpoints.fork import changeable
    from workbench.runs.directory.sources import config_of

    config = config_of(desk.run.directory.check())
    values, helps = changeable(config), help_of(type(config))
    lines = [{"name": name, "value": as_toml(value), "help": helps.get(name, "")} for name, value in values.items()]
    return pack({"kind": "forkable", "fields": lines}, {})


def as_toml(value: Any) -> str:
    """A value on one line."""
    import tomlkit

    table = tomlkit.inline_table()
    table.update({"value": value})
    return table.as_string().removeprefix("{value = ").removesuffix("}")


def help_of(kind: Any) -> dict[str, str]:
    """What the fields of the plain sections are, by their place."""
    sections = {name: getattr(field.annotation, "model_fields", {}) for name, field in kind.model_fields.items()}
    return {
        f"{section}.{name}": field.description or ""
        for section, fields in sections.items()
        for name, field in fields.items()
    }


@answer("fork_check", slow=True)
def check(desk: Desk, request: Request) -> bytes:
    """What a fork with these `changes` (lines FIELD=VALUE) from `step` under `name` would be, or its errors.

    `beside` holds the error of each line, `errors` all others; nothing is written.
    """
    from workbench.runs.checkpoints.available import find_checkpoint
    from workbench.runs.checkpoints.fork import changeable, parsed, planned

    lines = [str(line) for line in request["changes"]]
    beside = [error_of(line) for line in lines]
    found: dict[str, Any] = {"kind": "fork_check", "beside": beside, "errors": [], "changes": [], "note": ""}
    if any(beside):
        return pack(found, {})
    try:
        checkpoint = find_checkpoint(desk.run.directory.check(), request["step"])
        before, after = planned(desk.run, checkpoint.step, request["name"] or None, parsed(lines))
    except ValueError as error:
        found["beside"], found["errors"] = placed(str(error).splitlines(), lines)
        return pack(found, {})
    old, new = changeable(before), changeable(after)
    changed = [field for field in old | new if old.get(field) != new.get(field)]
    changes = [f"{field}: {as_text(old.get(field))} → {as_text(new.get(field))}" for field in changed]
    taken = (desk.run.path.parent / after.name).exists()
    note = f"a run named {after.name} exists: a number is appended to the name of this one" if taken else ""
    return pack({**found, "name": after.name, "changes": changes, "note": note}, {})


def as_text(value: Any) -> str:
    """A value as it is shown; 'unset' where there is none."""
    return "unset" if value is None else as_toml(value)


def error_of(line: str) -> str:
    """The error of a single line; empty where there is none."""
    from workbench.runs.checkpoints.fork import parsed

    try:
        parsed([line])
    except ValueError as error:
        return str(error)
    return ""


def placed(problems: Sequence[str], lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Errors by the line whose field or table they name, and those of no line.

    >>> placed(["seed = 'x': no number", "training.steps = 3: set more"], ["seed=x"])
    (["seed = 'x': no number"], ['training.steps = 3: set more'])
    """
    fields = [line.partition("=")[0].strip() for line in lines]
    beside, rest = [""] * len(fields), []
    for problem in problems:
        place = problem.partition(":")[0].partition(" = ")[0]
        own = [number for number, field in enumerate(fields) if within(field, place) or within(place, field)]
        for number in own:
            beside[number] = "; ".join(filter(None, [beside[number], problem]))
        rest += [] if own else [problem]
    return beside, rest


def within(field: str, table: str) -> bool:
    """Whether a field stands at a place or below it."""
    return f"{field}.".startswith(f"{table}.")


@answer("fork", slow=True)
def start(desk: Desk, request: Request) -> bytes:
    """Starts the fork that `fork_check` described; answers when its trainer has been started."""
    from workbench.runs.checkpoints.fork import fork, parsed
    from workbench.runs.directory.paths import DiskFullError

    tables = parsed(str(line) for line in request["changes"])
    try:
        run = fork(desk.run, request["step"], request["name"] or None, **tables)
    except DiskFullError as error:
        raise ValueError(f"{error.strerror}; nothing was started") from error
    event = next(event for event in reversed(run.event_lines()) if event["kind"] == "forked")
    return pack({"kind": "fork", "name": run.name, "path": str(run.path), "text": event["text"]}, {})


@answer("open")
def open_instead(desk: Opener, request: Request) -> bytes:
    """Opens the run in `path` in the place of this one."""
    desk.opens(str(request["path"]))
    return pack({"kind": "open"}, {})
