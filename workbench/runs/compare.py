"""Runs compared by a field of their configs: arms, seeds, intervals, and in what else the arms differ.

As the Open RL Benchmark does (arXiv:2402.03046, section 3): runs are found by their configs, not by their paths. A run
is one seed of its arm; the arms' scores on each task stand in a matrix [run, task]; see `statistics`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.analysis.statistics import (
    Interval,
    Scores,
    bootstrap,
    interquartile_mean,
    paired_difference,
    probability_of_improvement,
    scores_of,
)
from workbench.runs.directory.settings import flat

if TYPE_CHECKING:
    from workbench.runs.open import Run

FEW = 3  # runs below which an interval says next to nothing
OWN = ("name", "seed", "task.task")  # fields in which the runs of one arm may differ
MOST = 6  # fields that are named of a difference


@dataclass(frozen=True)
class Play:
    """What is read of one run."""

    path: str
    settings: Mapping[str, Any]  # every field of the config, by its dotted name
    score: float
    step: int  # of the score
    tokens: float  # written until then
    seconds: float  # of steps until then


@dataclass(frozen=True)
class Arm:
    """The runs with one value of the field."""

    name: str
    plays: tuple[Play, ...]
    seeds: tuple[Any, ...]  # of the rows of `scores`
    scores: Scores
    mean: Interval  # the interquartile mean

    @property
    def runs(self) -> int:
        """Rows of the scores: seeds that have a run on every task."""
        return len(self.scores)

    def spent(self, what: str) -> float:
        """Tokens or seconds of a run, on average."""
        return float(sum(getattr(play, what) for play in self.plays) / len(self.plays))


@dataclass(frozen=True)
class Comparison:
    """Arms, best first, and what is to be said of how they can be compared."""

    by: str
    metric: str
    tasks: tuple[str, ...]
    arms: tuple[Arm, ...]
    against: str
    left_out: tuple[str, ...]  # runs without the metric, each with the reason
    warnings: tuple[str, ...]

    def arm(self, name: str) -> Arm:
        """An arm by its name; ValueError names those there are."""
        for arm in self.arms:
            if arm.name == name:
                return arm
        raise ValueError(f"no arm is called {name!r}; there are: {', '.join(arm.name for arm in self.arms)}")

    def improvement(self, arm: Arm) -> Interval:
        """How probable it is that a run of the arm beats one of the arm compared against."""
        return bootstrap(probability_of_improvement, arm.scores, self.arm(self.against).scores)

    def difference(self, arm: Arm) -> Interval | None:
        """The mean difference to the arm compared against over the seeds that both have; None without any."""
        other = self.arm(self.against)
        both = [seed for seed in arm.seeds if seed in other.seeds]
        if not both:
            return None
        rows = [[one.seeds.index(seed) for seed in both] for one in (arm, other)]
        return paired_difference(arm.scores[rows[0]], other.scores[rows[1]])


def compare(
    runs: Iterable["Run"],
    by: str = "method",
    metric: str = "accuracy",
    where: Mapping[str, Any] | None = None,
    against: str = "",
) -> Comparison:
    """Compares runs by a field of their configs, on the last recorded value of a metric.

    `where` keeps only runs whose fields have these values. `against`: the arm to compare with (default: `grpo` where
    there is one, else the last). ValueError where no run is left, or a field is in no config.
    """
    plays, left_out = [], []
    for run in runs:
        play = read(run, metric)
        if isinstance(play, str):
            left_out.append(play)
        elif all(same(value_of(play.settings, name), value) for name, value in (where or {}).items()):
            plays.append(play)
    if not plays:
        said = f" ({'; '.join(left_out[:MOST])})" if left_out else ""
        raise ValueError(f"no run to compare by {by}, {metric}, {dict(where or {})}{said}")
    tasks = tuple(sorted({label(play.settings, "task") for play in plays}))
    names = sorted({label(play.settings, by) for play in plays})
    arms, incomplete = [], []
    for name in names:
        arm, lost = arm_of(name, [play for play in plays if label(play.settings, by) == name], tasks)
        arms += [arm] if arm else []
        incomplete += lost
    if not arms:
        raise ValueError(f"no arm has a seed with a run on every task ({', '.join(tasks)}): {'; '.join(incomplete)}")
    arms.sort(key=lambda arm: -arm.mean.value)
    kept = [arm.name for arm in arms]
    reference = against or ("grpo" if "grpo" in kept else kept[-1])
    made = Comparison(by, metric, tasks, tuple(arms), reference, (*left_out, *incomplete), tuple(warnings(arms, by)))
    made.arm(reference)
    return made


def read(run: "Run", metric: str) -> Play | str:
    """What is read of a run, or why it is left out."""
    try:
        lines, settings = run.lines(), dict(flat(run.resolved))
    except (ValueError, OSError) as error:
        return f"{run.name}: {error}"
    values = [(line["step"], line[metric]) for line in lines if isinstance(line.get(metric), (int, float))]
    if not values or values[-1][1] != values[-1][1]:
        return f"{run.name}: {metric} was not recorded"
    if not settings:
        return f"{run.name}: it has no readable resolved.json"
    step, score = values[-1]
    spent = [line for line in lines if 0 < line["step"] <= step]
    tokens, seconds = (sum(float(line.get(name) or 0) for line in spent) for name in ("tokens", "seconds"))
    return Play(str(run.path), settings, float(score), step, tokens, seconds)


def value_of(settings: Mapping[str, Any], name: str) -> Any:
    """A field of a config by its dotted name; `method` and `task` stand for their keys. ValueError if there is none."""
    for known in (name, f"{name}.key", f"{name}.{name}", f"{name}.piece"):
        if known in settings:
            return settings[known]
    near = sorted(key for key in settings if key.split(".")[-1] == name.split(".")[-1])
    raise ValueError(f"no config has a field {name!r}" + (f"; did you mean {', '.join(near[:MOST])}?" if near else ""))


def label(settings: Mapping[str, Any], name: str) -> str:
    """The value of a field as a text."""
    return str(value_of(settings, name))


def same(found: Any, wanted: Any) -> bool:
    """Whether a field has a value, which may be given as a text."""
    return bool(found == wanted) or str(found) == str(wanted)


def arm_of(name: str, plays: Sequence[Play], tasks: Sequence[str]) -> tuple[Arm | None, list[str]]:
    """An arm of the seeds that have a run on every task, None without any; and what is not in it."""
    table: dict[Any, dict[str, Play]] = {}
    lost = []
    for play in plays:
        place = table.setdefault(play.settings.get("seed"), {})
        task = label(play.settings, "task")
        if task in place:
            lost.append(f"{play.path}: another run of {name} has its seed and task")
        place.setdefault(task, play)
    whole = {seed: row for seed, row in table.items() if len(row) == len(tasks)}
    lost += [f"{name}, seed {seed}: no run on {sorted(set(tasks) - set(row))[0]}" for seed, row in table.items()
             if seed not in whole]  # fmt: skip
    if not whole:
        return None, lost
    scores = scores_of([[row[task].score for task in tasks] for row in whole.values()])
    kept = tuple(row[task] for row in whole.values() for task in tasks)
    return Arm(name, kept, tuple(whole), scores, bootstrap(interquartile_mean, scores)), lost


def warnings(arms: Sequence[Arm], by: str) -> list[str]:
    """Why the arms may not be comparable: few runs, other settings that differ, unequal budgets."""
    found = [f"{arm.name}: {arm.runs} run(s); an interval needs {FEW} or more" for arm in arms if arm.runs < FEW]
    values: dict[str, set[str]] = {}
    for play in (play for arm in arms for play in arm.plays):
        for name, value in play.settings.items():
            if name not in OWN and name != by and not name.startswith((f"{by}.", "imported.")):
                values.setdefault(name, set()).add(str(value))
    apart = sorted(name for name, seen in values.items() if len(seen) > 1)
    if apart:
        more = f" and {len(apart) - MOST} more" if len(apart) > MOST else ""
        found.append(f"the runs differ in other fields as well: {', '.join(apart[:MOST])}{more}")
    tokens = [arm.spent("tokens") for arm in arms]
    if len(arms) > 1 and max(tokens) > 1.25 * max(min(tokens), 1):
        found.append(f"budgets differ: {min(tokens):,.0f} to {max(tokens):,.0f} tokens a run")
    return found
