"""A comparison of runs as a table and as plain data; each says of how many runs it is."""

from typing import Any

from workbench.analysis.statistics import Interval
from workbench.runs.compare import Arm, Comparison

TITLES = ("runs", "interquartile mean (95 %)", "worst", "best", "difference by seed", "P(better)", "tokens", "seconds")


def rows(found: Comparison) -> list[list[str]]:
    """A row of texts per arm, best first."""
    return [[arm.name, *cells(found, arm)] for arm in found.arms]


def cells(found: Comparison, arm: Arm) -> list[str]:
    """What the table shows of an arm besides its name."""
    against = ["", ""] if arm.name == found.against else [difference(found, arm), span(found.improvement(arm))]
    extremes = [f"{arm.scores.min():.3f}", f"{arm.scores.max():.3f}"]
    spent = [f"{arm.spent('tokens'):,.0f}", f"{arm.spent('seconds'):,.1f}"]
    return [str(arm.runs), span(arm.mean), *extremes, *against, *spent]


def difference(found: Comparison, arm: Arm) -> str:
    """The difference to the arm compared against over their common seeds."""
    by_seed = found.difference(arm)
    return "no seed in common" if by_seed is None else f"{span(by_seed)}, n = {by_seed.runs}"


def span(interval: Interval) -> str:
    """A number with its interval, in few characters."""
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def as_markdown(found: Comparison) -> str:
    """The comparison as a Markdown table, with what is to be said of it below."""
    said = f"{found.metric} by {found.by}, on {', '.join(found.tasks)}; compared with {found.against}"
    lines = [[found.by, *TITLES], ["---"] * (1 + len(TITLES)), *rows(found)]
    notes = [f"- {text}" for text in (*found.warnings, *(f"left out: {text}" for text in found.left_out))]
    table = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([said, "", *table, *([""] if notes else []), *notes]) + "\n"


def document(found: Comparison) -> dict[str, Any]:
    """The comparison as plain data."""
    told = {name: getattr(found, name) for name in ("by", "metric", "tasks", "against", "warnings", "left_out")}
    return {**told, "arms": [arm_document(found, arm) for arm in found.arms]}


def arm_document(found: Comparison, arm: Arm) -> dict[str, Any]:
    """An arm as plain data."""
    by_seed = found.difference(arm)
    return {
        "name": arm.name,
        "runs": arm.runs,
        "seeds": list(arm.seeds),
        "scores": arm.scores.tolist(),
        "mean": vars(arm.mean),
        "difference": None if by_seed is None else vars(by_seed),
        "improvement": vars(found.improvement(arm)),
        "tokens": arm.spent("tokens"),
        "seconds": arm.spent("seconds"),
        "paths": [play.path for play in arm.plays],
    }
