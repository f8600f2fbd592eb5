"""A picture of a run without scripts: what a saved notebook shows where no kernel runs."""

import html
import math
from typing import Any

import numpy as np

from widgets.data import RunData, first_choice
from widgets.payload import unpack

MOST_ROLLOUTS = 6
MOST_TOKENS = 160  # of a rollout
UP, DOWN = (230, 97, 1), (94, 60, 153)


def picture(data: RunData) -> str:
    """One line of numbers, and the newest rollouts coloured by advantage; plain HTML with inline styles."""
    return f'<div style="font-family:sans-serif"><p>{html.escape(summary(data))}</p>{newest(data)}</div>'


def newest(data: RunData) -> str:
    """The newest rollouts, or in words why there are none to be seen."""
    steps = data.steps()
    if not steps:
        return "<p>No rollouts were recorded yet.</p>"
    try:
        return rollouts(data, steps[-1])
    except ValueError as error:  # a broken step must not keep the widget beside the picture from being shown
        return f"<p>{html.escape(str(error))}</p>"


def summary(data: RunData) -> str:
    """Name, verdict, steps and accuracies of a run."""
    lines = data.run.lines()
    accuracy = [line["accuracy"] for line in lines if line.get("accuracy") is not None]
    told = f"{data.path.name}: {data.run.status}"
    return told + (f" · held-out accuracy {accuracy[0]:.0%} → {accuracy[-1]:.0%}" if accuracy else "")


def rollouts(data: RunData, step: int) -> str:
    """The first group with a signal, at most six of its rollouts."""
    entry = first_choice(data.board(step)["groups"])
    header, columns = unpack(data.group(step, entry["group"]))
    rows = "".join(row(header, columns, rollout) for rollout in header["rollouts"][:MOST_ROLLOUTS])
    question = html.escape(entry["question"])
    legend = "orange: told to become likelier, purple: less likely"
    return f"<p>Step {step}, <i>{question}</i> ({legend})</p><table>{rows}</table>"


def row(header: dict[str, Any], columns: dict[str, np.ndarray], rollout: dict[str, Any]) -> str:
    """One rollout as a row of a table."""
    span = slice(rollout["start"], rollout["start"] + min(rollout["length"], MOST_TOKENS))
    values = columns.get("advantage", np.full(columns["tokens"].size, math.nan))
    limit = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    texts = [header["vocabulary"][str(token)][0] for token in columns["tokens"][span]]
    tokens = "".join(token(text, value / limit) for text, value in zip(texts, values[span], strict=True))
    reward = "not judged" if rollout["reward"] is None else f"{rollout['reward']:.2f}"
    cut = "…" if rollout["length"] > MOST_TOKENS else ""
    style = "text-align:left;font-family:monospace;white-space:pre-wrap"
    return f'<tr><td>{reward}</td><td style="{style}">{tokens}{cut}</td></tr>'


def token(text: str, part: float) -> str:
    """A token on its colour; `part` between -1 and 1."""
    shown = html.escape(text).replace("\n", "⏎\n")
    if not math.isfinite(part) or abs(part) < 0.02:
        return f"<span>{shown}</span>"
    red, green, blue = UP if part > 0 else DOWN
    opacity = round(min(1.0, abs(part)) * 0.5, 2)
    line = "solid" if part > 0 else "dashed"
    return f'<span style="background:rgba({red},{green},{blue},{opacity});border-bottom:2px {line}">{shown}</span>'
