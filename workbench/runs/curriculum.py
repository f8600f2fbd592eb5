"""The curriculum that a run made for itself: every stocked problem by the step it came from, and how hard it was."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.runs.directory.lines import read_lines
from workbench.runs.open import Run, open_run

if TYPE_CHECKING:
    import pandas

NAN = float("nan")
COLUMNS = ("group", "problem", "role", "correct", "token_ids")


def curriculum(run: Run | str | Path) -> list[dict[str, Any]]:
    """A row for every problem in the run's stock, the oldest first; empty for a run that makes none.

    `key`, `source`, `step` of its making, `prompt`, `answer`; `rate`: the share of correct tries then (r̄), as whoever
    made it wrote it into its data, else of the recorded rollouts of that step; `length`: mean tokens of those rollouts;
    `lines`: of its program, where its data say so; `visits` and `solved` since then. nan where a number is not known.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    made = opened.noted(read_lines(opened.directory.problems))
    latest = {line["key"]: line for line in made}  # a problem that got new data keeps the step it came from
    first = {line["key"]: line["step"] for line in reversed(made)}
    visits = visits_of(opened)
    recorded = set(opened.steps())
    rows, tried = [], dict[str, dict[str, float]]()
    for step in sorted(set(first.values())):
        if step in recorded:
            tried |= {key: found for key, found in tries_of(opened, step).items() if first.get(key) == step}
    for key, line in latest.items():
        seen, data = tried.get(key, {}), line.get("data", {})
        rows.append(
            {
                **{name: line.get(name, "") for name in ("key", "source", "prompt", "answer")},
                "step": first[key],
                "rate": number(data.get("rate"), seen.get("rate", NAN)),
                "length": seen.get("length", NAN),
                "lines": number(data.get("lines"), NAN),
                **visits.get(key, {"visits": 0, "solved": NAN}),
            }
        )
    return sorted(rows, key=lambda row: row["step"])


def number(value: object, missing: float) -> float:
    """A recorded number; `missing` where there is none."""
    return float(value) if isinstance(value, int | float) and value == value else missing


def tries_of(run: Run, step: int) -> dict[str, dict[str, float]]:
    """The share of correct rollouts of every problem of a recorded step, and their mean length."""
    table = run.rollouts(step, COLUMNS)
    return {str(key): summary(own) for key, own in table.groupby("problem", sort=False)}


def summary(table: "pandas.DataFrame") -> dict[str, float]:
    """Rate and length of some rollouts."""
    lengths: Sequence[int] = [len(tokens) for tokens in table["token_ids"]]
    return {"rate": float(table["correct"].mean()), "length": sum(lengths) / len(lengths)}


def visits_of(run: Run) -> dict[str, dict[str, float]]:
    """How often every problem was attempted, and the share of successes."""
    found: dict[str, list[float]] = {}
    for line in run.noted(read_lines(run.directory.ledger)):
        for key, _, attempts, successes, _ in line["visits"]:
            counts = found.setdefault(key, [0.0, 0.0])
            counts[0] += attempts
            counts[1] += successes
    return {key: rates(*counts) for key, counts in found.items()}


def rates(attempts: float, successes: float) -> dict[str, float]:
    """The entries of a row."""
    return {"visits": attempts, "solved": successes / attempts if attempts else NAN}
