"""pass@k of several models as a table: CSV, and Markdown."""

import csv
import io
from collections.abc import Sequence
from typing import Any

COLUMNS = ("exam", "run", "step", "k", "pass", "low", "high", "problems")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would take for a formula


def as_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as CSV with a header; a text that a spreadsheet would compute is led by an apostrophe."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows([{name: cell(row[name]) for name in COLUMNS} for row in rows])
    return out.getvalue()


def cell(value: Any) -> Any:
    """A value as it is written.

    >>> cell("=1+1"), cell("grpo"), cell(-0.5)
    ("'=1+1", 'grpo', -0.5)
    """
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_markdown(rows: Sequence[dict[str, Any]]) -> str:
    """A row a model, a column a k, each with its interval in percent."""
    tries = sorted({row["k"] for row in rows})
    models = list(dict.fromkeys((row["run"], row["step"]) for row in rows))
    known = {(row["run"], row["step"], row["k"]): row for row in rows}
    lines = ["| model | " + " | ".join(f"pass@{count}" for count in tries) + " |"]
    lines.append("|---" * (len(tries) + 1) + "|")
    for run, step in models:
        shown = [share(known.get((run, step, count))) for count in tries]
        lines.append(f"| {run.replace('|', '/')}, step {step} | " + " | ".join(shown) + " |")
    return "\n".join(lines) + "\n"


def share(row: dict[str, Any] | None) -> str:
    """A share with its interval.

    >>> share({"pass": 0.5, "low": 0.25, "high": 0.75}), share(None)
    ('50.0 % (25.0 to 75.0)', '')
    """
    if row is None:
        return ""
    return f"{100 * row['pass']:.1f} % ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
