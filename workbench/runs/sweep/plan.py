"""A sweep that is checked as a whole: every play with its config, in the order in which they are started."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.config import ConfigError, RunConfig, read_toml
from workbench.runs.sweep.axes import Arm, Axes

DIGEST = 16  # letters


@dataclass(frozen=True)
class Play:
    """One run of a sweep: an arm with a seed."""

    name: str
    arm: str  # as it is told
    seed: int
    config: RunConfig

    @property
    def digest(self) -> str:
        """Tells plays of other settings apart."""
        text = json.dumps(self.config.resolved(), sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGEST]


@dataclass(frozen=True)
class Plan:
    """A config, its axes, and the plays that follow: every arm of the first seed, then of the next."""

    config: RunConfig
    axes: Axes
    plays: tuple[Play, ...]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms, as they are told."""
        return tuple(dict.fromkeys(play.arm for play in self.plays))

    def of(self, arm: str) -> tuple[Play, ...]:
        """The plays of an arm."""
        return tuple(play for play in self.plays if play.arm == arm)


def read_plan(config: RunConfig | Mapping[str, Any] | str | Path, axes: Axes | Mapping[str, Any] | None = None) -> Plan:
    """The plays of a config; `axes`, if given, stand in place of its table `[sweep]`.

    Raises:
        ConfigError: that names every error of the config, the axes and the arms, and the arms that have it.
    """
    tables: dict[str, Any]
    if isinstance(config, RunConfig):
        base, own = config, None
    else:
        tables = dict(config) if isinstance(config, Mapping) else read_file(Path(config))
        own = tables.pop("sweep", None)
        base = RunConfig(**tables)
    found = axes if axes is not None else own
    if not isinstance(found, Axes | Mapping):
        raise ConfigError(["sweep: no axes; give a table [sweep] with grid, paired, arms or seeds, as in seeds = 3"])
    varied = found if isinstance(found, Axes) else Axes(**found)
    wrong = halving_errors(base, varied)
    if wrong:
        raise ConfigError(wrong)
    return Plan(base, varied, tuple(plays_of(base, varied)))


def read_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. ConfigError if it cannot be read or is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path} cannot be read ({error}); give the path of a TOML file"]) from None
    return read_toml(text, f"{path}: ")


def plays_of(base: RunConfig, axes: Axes) -> list[Play]:
    """Every play. ConfigError where arms are invalid: each error once, with the first arm and how many have it."""
    configs: list[tuple[Arm, str, RunConfig]] = []
    errors: dict[str, list[str]] = {}
    names: dict[str, int] = {}
    for arm in axes.choices():
        names[arm.name] = names.get(arm.name, 0) + 1
        name = arm.name if names[arm.name] == 1 else f"{arm.name}-{names[arm.name]}"
        try:
            configs.append((arm, name, base.replace(**arm.changes)))
        except (ValueError, TypeError) as error:
            for text in error.errors if isinstance(error, ConfigError) else [str(error)]:
                errors.setdefault(text, []).append(arm.label)
    if errors:
        raise ConfigError([in_arms(text, arms) for text, arms in errors.items()])
    return [
        Play(f"{name}-seed-{seed}", arm.label, seed, config.replace(seed=seed, name=f"{name}-seed-{seed}"))
        for seed in axes.seeds_from(base.seed)
        for arm, name, config in configs
    ]


def in_arms(text: str, arms: list[str]) -> str:
    """An error, and which arms have it."""
    return f"arm {arms[0]}: {text}" + (f" ({len(arms)} arms)" if len(arms) > 1 else "")


def halving_errors(base: RunConfig, axes: Axes) -> list[str]:
    """Halving that could never decide."""
    halving, found = axes.halving, []
    if halving is None:
        return []
    steps = base.training.steps
    late = [step for step in halving.at if step >= steps]
    if late:
        found.append(f"sweep.halving.at = {late[0]}: give steps before the last, training.steps = {steps}")
    if halving.metric == "accuracy" and not base.evaluation.problems:
        found.append(
            "sweep.halving.metric = 'accuracy': there is no evaluation; set evaluation.problems above 0, or name a "
            "metric of the steps, as reward"
        )
    return found


def check_arms(plan: Plan) -> None:
    """Refuses arms that cannot start here, as `launch` refuses a run. ConfigError that names every arm and error."""
    from workbench.planning.forecast import forecast
    from workbench.runs.directory.sources import source_errors
    from workbench.runs.process.build import errors

    found: dict[str, list[str]] = {}
    for arm in plan.arms:
        config = plan.of(arm)[0].config
        texts = errors(config) + source_errors(config)
        try:
            if not texts:
                forecast(config)
        except ValueError as error:
            texts = [str(error)]
        for text in texts:
            found.setdefault(text, []).append(arm)
    if found:
        raise ConfigError([in_arms(text, arms) for text, arms in found.items()])
