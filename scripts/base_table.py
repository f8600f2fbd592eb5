"""The base rates of docs/tasks.md, from the newest line that `benchmarks.base_rates` kept."""

import json
from pathlib import Path
from typing import Any

from scripts.sources import ROOT

RESULTS = ROOT / "benchmarks" / "results" / "base_rates.jsonl"
HEADER = ("task", "fields", "model", "pass@1", "95 %", "truncated", "problems")


def base_table(results: Path = RESULTS) -> str:
    """The table as Markdown; a note where nothing was measured."""
    if not results.exists():
        return "Not measured yet: `python -m benchmarks.base_rates --save`."
    newest: dict[str, Any] = json.loads(results.read_text(encoding="utf-8").strip().splitlines()[-1])
    more = f"pass@{newest['k']}"
    names = (*HEADER[:5], more, *HEADER[5:])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    for row in newest["rows"]:
        one, low, high = row["pass@1"]
        if one == 0:  # every bootstrap of zeros is zero: what so many problems without a success exclude
            high = 1 - 0.05 ** (1 / row["problems"])
        cells = (
            f"`{row['task']}`",
            f"`{row['fields']}`" if row["fields"] else "",
            row["model"],
            f"{one:.1%}",
            f"{low:.1%} to {high:.1%}",
            f"{row[more]:.1%}",
            f"{row['truncated']:.0%}",
            str(row["problems"]),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
