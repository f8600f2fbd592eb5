"""The page of the league, from the newest line that `make league` kept."""

import json
from pathlib import Path
from typing import Any

from scripts.sources import ROOT

LEAGUE = ROOT / "benchmarks" / "results" / "league.jsonl"


TEXT = """
Every method trains the embedded model on the same problems, at the one of three learning rates that did best on seeds
that do not count here. Everything else is each method's own default. So this ranks methods on one small task on which
working step by step pays; it is no evidence about large models. Accuracy is the interquartile mean over 1,024 held-out
problems, with a bootstrap interval over seeds. `make league` runs it again, and continues where it was stopped.

Equal rows are no mistake. A step makes one update here, so every ratio is 1, and methods that differ only in clipping
train alike; so do methods that need data which this task did not have when they played (hints, labelled parts, and
demonstrations: its problems carry a `solution` since). Some methods have other aims: `ssb` trains on given solutions
and found none.
"""


def league_page(note: str) -> str:
    """The whole page."""
    return "\n".join(["# The league", "", note, TEXT, league_table(), ""])


def league_table(path: Path = LEAGUE) -> str:
    """One row a method, the best first; a run that failed is said, not left out."""
    if not path.exists():
        return "Not run yet: `make league`."
    line = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
    rows = [
        f"{line['seeds']} seeds, {line['steps']} steps, on {line['hardware']['processor']}, "
        f"commit `{str(line['commit'])[:10]}`.",
        "",
        "| method | held-out accuracy (95 % interval) | pass@16 | entropy | tokens | CPU seconds | learning rate |",
        "|---|---|---|---|---|---|---|",
    ]
    entries = sorted(line["methods"].items(), key=lambda item: (-item[1]["accuracy"], item[0]))
    return "\n".join([*rows, *(league_row(key, entry) for key, entry in entries)])


def league_row(key: str, entry: dict[str, Any]) -> str:
    """A method's row.

    >>> league_row("grpo", {"accuracy": 0.9, "interval": [0.8, 1.0], "pass_k": 1.0, "entropy": None, "tokens": 2e3,
    ...     "cpu_seconds": 7.0, "learning_rate": 0.001, "plays": 5, "failed": ["ValueError: nan"]})
    '| `grpo` | 90.0 % (80.0 to 100.0); 1 of 5 failed | 100.0 % | not known | 2 k | 7 | 0.001 |'
    """
    low, high = entry["interval"]
    broken = f"; {len(entry['failed'])} of {entry['plays']} failed" if entry["failed"] else ""
    accuracy = f"{percent(entry['accuracy'])} ({100 * low:.1f} to {100 * high:.1f}){broken}"
    entropy = "not known" if entry["entropy"] is None else f"{entry['entropy']:.3f}"
    tokens = "not known" if entry["tokens"] is None else f"{entry['tokens'] / 1e3:.0f} k"
    seconds = "not known" if entry["cpu_seconds"] is None else f"{entry['cpu_seconds']:.0f}"
    cells = [f"`{key}`", accuracy, percent(entry["pass_k"]), entropy, tokens, seconds, f"{entry['learning_rate']:g}"]
    return f"| {' | '.join(cells)} |"


def percent(share: float | None) -> str:
    """A share for people."""
    return "not known" if share is None else f"{100 * share:.1f} %"
