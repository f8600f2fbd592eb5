"""One play of a study: an arm with a seed is trained to its budget, in this process, and probed.

The run is an ordinary run directory. A play that was killed is resumed from its last checkpoint, bit for bit.
"""

import gc
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.analysis.evaluate import Tally
from workbench.analysis.probes import by_step, ends, entropy_by_role, pass_curve, powers
from workbench.analysis.results import Result
from workbench.runs.checkpoints.evaluation import EvaluationSettings, evaluate
from workbench.runs.checkpoints.snapshot import forget
from workbench.runs.checkpoints.weights import WeightChanges, weight_changes
from workbench.runs.curriculum import curriculum
from workbench.runs.directory.lock import Identity
from workbench.runs.directory.paths import RunDirectory, new_directory
from workbench.runs.directory.settings import check_config
from workbench.runs.launch import launch, read_config
from workbench.runs.open import Run
from workbench.runs.prepare import prepare
from workbench.runs.process.start import start
from workbench.runs.process.worker import work
from workbench.study.plan import BASE, Plan

DIGITS = 5
SERIES = (
    *("accuracy", "correct", "reward", "length", "nll", "correct.try", "length.try", "stock"),
    *("valid.propose", "useful.propose", "distinct_skeletons.propose", "commonest_skeleton.propose"),
)


class StoppedError(ValueError):
    """A play was stopped before its end; it can be resumed."""


@dataclass(frozen=True)
class Here:
    """Starts a trainer in this process, and returns when it has ended."""

    def start(self, directory: RunDirectory, attempt: int) -> Identity | None:
        """Runs the attempt to its end; how it ended stands in the run."""
        work(directory, attempt)
        return None


def play(plan: Plan, arm: str, seed: int, runs: Path) -> dict[str, Any]:
    """Trains and probes; the play's line. One that fails has its reason under `failed`. StoppedError if interrupted."""
    line = {"study": plan.name, "arm": arm, "seed": seed, "digest": plan.digest(arm), "budget": plan.tokens}
    busy = time.process_time()
    run = base_run(plan, seed, runs) if arm == BASE else trained(plan, arm, seed, runs)
    if run.status.state == "failed":
        return {**line, "failed": run.status.text}
    lines = run.lines()
    whole = {line.get("attempt") for line in lines} <= {1}  # of a resumed play the processor's time is not known
    line["training"] = {
        "seconds": sum(float(each.get("seconds") or 0.0) for each in lines),
        "cpu_seconds": time.process_time() - busy if whole else None,
    }
    line |= spent(lines) if arm != BASE else {"steps": 0, "tokens": 0.0, "given_tokens": 0.0}
    line |= series(lines)
    line |= measured(run, arm, plan)
    gc.collect()  # a trainer and its engine refer to each other
    return dict(rounded(line))


def folder_of(plan: Plan, arm: str, runs: Path) -> Path:
    """Where the runs of an arm lie: plays of other settings lie elsewhere."""
    return runs / f"{plan.name}-{plan.digest(arm)}"


def trained(plan: Plan, arm: str, seed: int, runs: Path) -> Run:
    """The ended run of a play, started or resumed as needed. StoppedError if it was stopped before its end."""
    config, folder = plan.config(arm, seed), folder_of(plan, arm, runs)
    directory = RunDirectory(folder / config.name)
    if directory.config.exists():
        run = Run(directory.check(), Here())
        if run.status.state != "finished":
            check_config(directory)
            start(directory, Here())
    else:
        run = launch(config, folder, launcher=Here())
    if run.status.state not in ("finished", "failed"):
        raise StoppedError(f"{run.path} was stopped ({run.status}); the same command continues it")
    return run


def base_run(plan: Plan, seed: int, runs: Path) -> Run:
    """A run directory that was never started: its step 0 is the model before training."""
    config, folder = plan.config(BASE, seed), folder_of(plan, BASE, runs)
    if not RunDirectory(folder / config.name).config.exists():
        asked, text = read_config(config)
        prepare(asked, new_directory(folder, config.name), text)
    return Run(RunDirectory(folder / config.name).check(), Here())


# -------------------------------------------------------------------------------------------- the probes


def spent(lines: list[dict[str, Any]]) -> dict[str, float]:
    """The steps of a run, and its tokens: sampled and given."""
    steps = [line for line in lines if line["step"] > 0]
    sums = {name: sum(float(line.get(name) or 0.0) for line in steps) for name in ("tokens", "given_tokens")}
    return {"steps": len(steps), **sums}


def series(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """What is recorded at every step: entropy by role, and the metrics of `SERIES` with those of single kinds."""
    found: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, value in line.items():
            if name in SERIES and isinstance(value, int | float):
                found.setdefault(name, []).append((line["step"], float(value)))
    entropy = entropy_by_role(lines)
    return {"entropy": entropy, "series": found}


def measured(run: Run, arm: str, plan: Plan) -> dict[str, Any]:
    """pass@k, weights and curriculum of the model after the last step."""
    probes = plan.probes
    settings = EvaluationSettings(probes.problems, tuple(powers(probes.completions)))
    (result,) = evaluate(run, [0 if arm == BASE else None], settings, base=False, device=None)
    found = evaluated(result)
    forget()
    if arm == BASE:
        return found
    found["weights"] = weights(weight_changes(run, ranks=probes.ranks))
    rows = curriculum(run)
    if rows:
        found["curriculum"] = by_step(rows, ("rate", "length", "lines"))
    return found


def evaluated(result: Result) -> dict[str, Any]:
    """What is kept of an evaluation: every problem's tally, and the means."""
    return {
        "tallies": [[tally.correct, tally.graded] for tally in result.tallies],
        "pass_1": result.passes[1].value,
        "length": result.length,
        "unscored": result.unscored,
        "answer_entropy": result.entropy,
    }


def weights(found: WeightChanges) -> dict[str, Any]:
    """What is kept of the weights: the total, and a short row for every tensor."""
    rows = []
    for each in found.changes:
        row, rank = each.row(), None if each.rank is None else each.rank / (each.full or 1)
        start = each.start_norm or float("nan")
        rows.append([row["layer"], row["kind"], row["exact"], row["bfloat16"], each.norm / start, rank])
    columns = ["layer", "kind", "exact", "bfloat16", "relative_norm", "rank"]
    return {**found.document()["total"], "columns": columns, "tensors": rows}


def tallies_of(line: Mapping[str, Any]) -> list[Tally]:
    """The tallies of a play."""
    return [Tally(*pair) for pair in line["tallies"]]


def curve_of(line: Mapping[str, Any]) -> list[dict[str, float]]:
    """The pass@k curve of a play."""
    return pass_curve(tallies_of(line))


def last_of(line: Mapping[str, Any], role: str) -> float:
    """The entropy of a role at the end of a play."""
    return ends([value for _, value in line["entropy"].get(role, ())])[1]


def rounded(value: Any) -> Any:
    """Plain data with numbers of five digits after the point; nan as None."""
    if isinstance(value, Mapping):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, DIGITS) if value == value else None
    return value
