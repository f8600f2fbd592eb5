"""A static snapshot of the playground, without scripts: what a saved notebook shows where no kernel runs."""

from typing import Any

import numpy as np

from widgets.lens.weights import Weights
from widgets.lens.weights import table as numbers
from widgets.recorded.vocabulary import spelled
from widgets.tokens.snapshot import MOST_TOKENS, token
from widgets.wire.payload import unpack
from workbench.visible import escaped

MOST_ROLLOUTS = 4
CELL = "text-align:left;vertical-align:top;font-family:monospace;white-space:pre-wrap;max-width:34em"


def snapshot(playground: Any) -> str:
    """The methods' numbers, and the first rollouts coloured by each method's gradient weights on a common scale."""
    if playground.step is None:
        return "<p>No rollouts recorded yet.</p>"
    where = (playground.step, playground.group)
    try:
        header, columns = unpack(playground.data.group(*where))
        found = [playground.replays.weights(*where, entry, playground.rewards) for entry in playground.methods]
        known = playground.replays.of(*where).known
    except (OSError, ValueError) as error:  # the run was taken away, or a file of it is broken
        return f"<p>{escaped(str(error))}</p>"
    head = "".join(f"<th>{escaped(named(each))}</th>" for each in found)
    lines = numbers(found, known)
    rows = [figures("cosine to method 1", lines, "cosine"), figures("share of non-zero weights", lines, "nonzero"),
            figures("Σ up", lines, "up"), figures("Σ down", lines, "down")]  # fmt: skip
    rows += [rollout_row(header, columns, rollout, found, playground.rewards)
             for rollout in header["rollouts"][:MOST_ROLLOUTS]]  # fmt: skip
    place = f"{escaped(playground.run.title)}, step {where[0]}, problem {where[1]}"
    legend = "Gradient weight of every token. Orange, solid: up-weighted; purple, dashed: down-weighted."
    return (
        f'<div style="font-family:sans-serif"><p>{place}. {legend}</p>'
        f"<table><tr><th></th>{head}</tr>{''.join(rows)}</table></div>"
    )


def named(method: Weights) -> str:
    """A method with its changes."""
    return f"{method.title} ({method.edited})" if method.edited else method.title


def figures(label: str, lines: list[dict[str, Any]], name: str) -> str:
    """One number of every method."""
    cells = "".join(f"<td>{'–' if line.get(name) is None else format(line[name], '.3g')}</td>" for line in lines)
    return f"<tr><th>{label}</th>{cells}</tr>"


def rollout_row(
    header: dict[str, Any],
    columns: dict[str, np.ndarray],
    rollout: dict[str, Any],
    found: list[Weights],
    rewards: dict[int, float],
) -> str:
    """One rollout under every method."""
    largest = [float(np.nanmax(np.abs(each.weights), initial=0.0)) for each in found if each.weights is not None]
    limit = max(largest, default=0.0) or 1.0
    span = slice(rollout["start"], rollout["start"] + min(rollout["length"], MOST_TOKENS))
    texts = spelled([header["vocabulary"][str(token)] for token in columns["tokens"][span]])
    cells = "".join(f'<td style="{CELL}">{text(each, texts, span, limit)}</td>' for each in found)
    return f"<tr><th>rollout {rollout['rollout']}<br>{reward(rollout, rewards)}</th>{cells}</tr>"


def reward(rollout: dict[str, Any], rewards: dict[int, float]) -> str:
    """The reward as recorded, or as it is set."""
    if rollout["rollout"] in rewards:
        return f"reward set to {rewards[rollout['rollout']]:.2f}"
    return "unscored" if rollout["reward"] is None else f"reward {rollout['reward']:.2f}"


def text(method: Weights, texts: list[str], span: slice, limit: float) -> str:
    """The coloured tokens, or the error."""
    if method.weights is None:
        return escaped(method.error)
    return "".join(token(each, value / limit) for each, value in zip(texts, method.weights[span], strict=True))
