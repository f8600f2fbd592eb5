"""A static snapshot of a run, without scripts: what a saved notebook shows where no kernel runs."""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from widgets.recorded.data import RunData
from widgets.recorded.groups import first_choice
from widgets.recorded.vocabulary import spelled
from widgets.wire.payload import unpack
from workbench.descriptions import describe
from workbench.visible import escaped

MOST_ROLLOUTS = 6
MOST_TOKENS = 160  # of a rollout
LONGEST = 200  # characters of a token
UP, DOWN, AMOUNT = (230, 97, 1), (94, 60, 153), (0, 114, 178)  # as in the pages
DEFAULT = "advantage"  # unless another signal was shown last
SIGNED = (DEFAULT, "lens")
LEGEND = "orange: up-weighted, purple: down-weighted"
Seen = Mapping[str, Any]


def snapshot(data: RunData, seen: Seen = MappingProxyType({})) -> str:
    """One line of numbers, and rollouts coloured by a signal; plain HTML with inline styles.

    `seen`: the `step`, `group` and `signal` shown last; without them the newest step, its first group with
    reward variance, the advantage.
    """
    return f'<div style="font-family:sans-serif"><p>{escaped(summary(data))}</p>{rollouts_part(data, seen)}</div>'


def rollouts_part(data: RunData, seen: Seen) -> str:
    """The rollouts, or the reason why there are none."""
    steps = data.steps()
    if not steps:
        return "<p>No rollouts recorded yet.</p>"
    try:
        return rollouts(data, seen.get("step") or steps[-1], seen)
    except ValueError as error:  # a broken step must not keep the widget beside the snapshot from being shown
        return f"<p>{escaped(str(error))}</p>"


def summary(data: RunData) -> str:
    """Name, state, steps and accuracies of a run."""
    lines = data.run.lines()
    accuracy = [line["accuracy"] for line in lines if line.get("accuracy") is not None]
    text = f"{data.run.title}: {data.run.status}"
    return text + (f" · held-out accuracy {100 * accuracy[0]:.0f} % → {100 * accuracy[-1]:.0f} %" if accuracy else "")


def rollouts(data: RunData, step: int, seen: Seen) -> str:
    """One group, at most six of its rollouts: the best and the worst."""
    groups = data.board(step)["groups"]
    entry = next((each for each in groups if each["group"] == seen.get("group")), None) or first_choice(groups)
    header, columns = unpack(data.group(step, entry["group"]))
    legend, values = shades(columns, str(seen.get("signal", DEFAULT)))
    parts = values / (float(np.nanmax(np.abs(values), initial=0.0)) or 1.0)
    chosen = best_and_worst(header["rollouts"])
    signed = str(seen.get("signal", DEFAULT)) in SIGNED or bool((values < 0).any())
    rows = "".join(row(header, columns["tokens"], parts, rollout, signed) for rollout in chosen)
    question, all_of = written(entry["question"]), len(header["rollouts"])
    some = f"; the best and the worst {len(chosen)} of {all_of} rollouts" if len(chosen) < all_of else ""
    return f"<p>Step {step}, <i>{question}</i> ({escaped(legend)}{some})</p><table>{rows}</table>"


def best_and_worst(rollouts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most `MOST_ROLLOUTS`: half of them those with the highest rewards, half with the lowest, in sampling order."""
    if len(rollouts) <= MOST_ROLLOUTS:
        return rollouts
    falling = sorted(rollouts, key=lambda each: -(each["reward"] if each["reward"] is not None else -math.inf))
    half = MOST_ROLLOUTS // 2
    return sorted([*falling[:half], *falling[-half:]], key=lambda each: each["rollout"])


def shades(columns: dict[str, np.ndarray], signal: str) -> tuple[str, np.ndarray]:
    """What the colours mean, and what is coloured, [token]; the advantage where a signal was not recorded."""
    if signal not in columns:
        known = columns.get(DEFAULT, np.full(columns["tokens"].size, math.nan))
        return ("" if signal == DEFAULT else f"{signal} was not recorded; advantage, ") + LEGEND, known
    values = columns[signal]
    if signal in SIGNED:
        return f"{describe(signal).label}, {LEGEND}", values
    name = describe(signal).label
    if signal == "ratio":
        return f"{name}, orange: above 1, purple: below", np.log(values)
    if signal.endswith("logprob"):
        return f"{name}, darker: less likely", -values
    return (f"{name}, orange: above zero, purple: below" if np.nanmin(values) < 0 else name), values


def row(header: dict[str, Any], ids: np.ndarray, parts: np.ndarray, rollout: dict[str, Any], signed: bool) -> str:
    """One rollout as a row of a table; `parts` are the strengths of the colours, [token], `signed` or amounts."""
    span = slice(rollout["start"], rollout["start"] + min(rollout["length"], MOST_TOKENS))
    texts = spelled([header["vocabulary"][str(token)] for token in ids[span]])
    tokens = "".join(token(text, part, signed) for text, part in zip(texts, parts[span], strict=True))
    grade = rollout.get("correct")
    mark = "?" if grade is None else "✓" if grade > 0.5 else "✗"
    reward = "unscored" if rollout["reward"] is None else f"{mark} {rollout['reward']:.2f}"
    cut = "…" if rollout["length"] > MOST_TOKENS else ""
    style = "text-align:left;font-family:monospace;white-space:pre-wrap"
    return f'<tr><td>{reward}</td><td style="{style}">{tokens}{cut}</td></tr>'


def written(text: str) -> str:
    """A text for HTML; control and direction characters are shown, not obeyed.

    >>> written("<b>\\x07 \\u202e")
    '&lt;b&gt;␇ ⟨U+202E⟩'
    """
    return escaped(text)


def token(text: str, part: float, signed: bool = True) -> str:
    """A token on its colour; `part` between -1 and 1, or an amount between 0 and 1."""
    shown = written(text[:LONGEST] + "…" * (len(text) > LONGEST)).replace("\n", "⏎\n")
    if not math.isfinite(part) or abs(part) < 0.02:
        return f"<span>{shown}</span>"
    red, green, blue = AMOUNT if not signed else UP if part > 0 else DOWN
    opacity = round(min(1.0, abs(part)) * 0.5, 2)
    line = "" if not signed else ";border-bottom:2px solid" if part > 0 else ";border-bottom:2px dashed"
    return f'<span style="background:rgba({red},{green},{blue},{opacity}){line}">{shown}</span>'
