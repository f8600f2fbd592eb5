"""What can be said about a config before it is launched: mistakes, warnings, memory, disk, time, earlier runs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from widgets.setup.draft import Tables, all_errors
from workbench.config import RunConfig
from workbench.models.shipped import EMBEDDED, PROGRAMS, SHIPPED
from workbench.planning.advice import changes, fits
from workbench.planning.forecast import Forecast, forecast
from workbench.planning.measure import Timing
from workbench.runs.directory.paths import RunDirectory, read_json

MOST_RUNS = 200  # of a folder, the newest, that are looked at
ALIKE = ("model", "rollouts")  # tables that decide how long a step takes, with the method's
#: How often a shipped model is correct before training, by task and its fields: benchmarks/results/embedded_base.jsonl
#: and programs_base.jsonl.
SHIPPED_RATES: tuple[tuple[str, str, dict[str, object], float], ...] = (
    (EMBEDDED, "word_problems", {"level": 2}, 0.403),
    (EMBEDDED, "sums", {"level": 2}, 0.416),
    (PROGRAMS, "small_programs", {"asks": "all", "lines": 2, "wording": "short"}, 0.283),
)


@dataclass(frozen=True)
class Earlier:
    """What similar runs in the folder took and found."""

    seconds: float | None = None  # a step
    run: str = ""  # where that was measured
    accuracy: float | None = None  # of the model on this task before training
    source: str = ""  # where that was measured


@dataclass(frozen=True)
class Measured:
    """A draft's measured timing; `fault`: why there is none."""

    resolved: Mapping[str, Any]  # the config that was measured
    timing: Timing | None
    fault: str = ""


@dataclass(frozen=True)
class Review:
    """Everything that is known of a draft."""

    config: RunConfig | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    forecast: Forecast | None = None
    without: str = ""  # why there is no forecast
    remedy: tuple[str, RunConfig] | None = None  # the cheapest change after which it fits
    earlier: Earlier = field(default_factory=Earlier)


def review(tables: Tables, folder: Path) -> Review:
    """Looks at a draft from all sides; may take seconds. A mistake anywhere becomes a text of the answer."""
    config, errors = all_errors(tables)
    if config is None:
        return Review(None, tuple(errors), without="the config has errors")
    earlier = earlier_of(config, folder)
    if errors:  # returned at once: a forecast may take long, of a model that the Hub does not hold or of huge numbers
        return Review(config, tuple(errors), without="fix the errors first", earlier=earlier)
    try:
        found = forecast(config)
    except (ValueError, OSError) as error:  # a model that is not here, a device that is not there
        return Review(config, without=str(error), earlier=earlier)
    remedy = remedy_of(config, found) if found.fit != "fits" else None
    return Review(config, (), warnings_of(config), found, "", remedy, earlier)


def warnings_of(config: RunConfig) -> tuple[str, ...]:
    """What runs and will hardly do as meant."""
    from workbench.runs.process.build import warnings

    return tuple(warnings(config))


def remedy_of(config: RunConfig, found: Forecast) -> tuple[str, RunConfig] | None:
    """The cheapest single change after which a run fits, and the config with it."""
    steps = (step for ladder in changes(config, found.assumed) for step in ladder)
    return next((step for step in steps if fits(step[1], found.free, found.assumed)), None)


# ---------------------------------------------------------------------------------------- earlier runs


def run_folders(folder: Path) -> list[Path]:
    """The newest runs of a folder, those of experiments in it as well; newest first."""
    found: list[tuple[float, Path]] = []
    for path in [Path(entry) for entry in os.scandir(folder) if entry.is_dir()] if folder.is_dir() else []:
        runs = [path] if (path / "format.json").is_file() else path.glob("*/format.json")
        found += [(each.stat().st_mtime, each if each.is_dir() else each.parent) for each in runs]
    return [path for _, path in sorted(found, key=lambda item: (-item[0], item[1].name))[:MOST_RUNS]]


def earlier_of(config: RunConfig, folder: Path) -> Earlier:
    """Seconds of a step in the newest similar run of the folder, and the accuracy that a similar model began with."""
    wanted = config.resolved()
    seconds: tuple[float | None, str] = (None, "")
    accuracy: tuple[float | None, str] = (None, "")
    for path in run_folders(folder):
        found = read_json(path / "resolved.json") or {}
        same = found.get("model") == plain(wanted["model"]) and found.get("task") == plain(wanted["task"])
        if seconds[0] is None and alike(found, wanted):
            seconds = (read_status_typical(path), path.name)
        if accuracy[0] is None and same:
            accuracy = (first_accuracy(path), f"The run {path.name}")
    if accuracy[0] is None and config.model.name in SHIPPED:
        title = SHIPPED[config.model.name].title
        accuracy = (shipped_rate(config), f"{title[0].upper()}{title[1:]} on this task")
    return Earlier(*seconds, *accuracy)


def shipped_rate(config: RunConfig) -> float | None:
    """How often a shipped model is correct on the config's task before training, where that was measured."""
    fields = config.task.fields()
    for model, task, needed, rate in SHIPPED_RATES:
        if (model, task) == (config.model.name, config.task.name) and needed.items() <= fields.items():
            return rate
    return None


def alike(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a step of two resolved configs takes about as long."""
    same = all(plain(found.get(name)) == plain(wanted[name]) for name in ALIKE)
    keys = [(table.get("method") or {}).get("key") for table in (found, wanted)]
    updates = [[(table.get("training") or {}).get(name) for name in ("updates", "epochs", "threads", "micro_batch")]
               for table in (found, wanted)]  # fmt: skip
    return same and keys[0] == keys[1] and updates[0] == updates[1]


def plain(value: Any) -> Any:
    """As it comes back from a JSON file."""
    return json.loads(json.dumps(value))


def read_status_typical(path: Path) -> float | None:
    """Seconds of a typical step, as the run's trainer told them last."""
    typical = (read_json(RunDirectory(path).status) or {}).get("typical")
    return float(typical) if isinstance(typical, int | float) else None


def first_accuracy(path: Path) -> float | None:
    """The held-out accuracy before training."""
    try:
        with RunDirectory(path).metrics.open(encoding="utf-8") as file:
            line = json.loads(file.readline() or "{}")
    except (OSError, ValueError):  # being written, or damaged: it tells nothing
        return None
    return line.get("accuracy") if line.get("step") == 0 else None
