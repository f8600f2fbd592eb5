"""Gradient weights of several methods on the same recorded rollouts, with recorded or changed rewards."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from widgets.lens.fields import edited, method_of
from widgets.lens.gallery import cosine
from widgets.wire.payload import number
from workbench.method import Method
from workbench.runs.replay import Replay

REMEMBERED = 32  # results that are kept: dragging a slider changes one method only
SAME = 1e-4  # log-ratios below this count as zero: the rollouts are on-policy
Entry = Mapping[str, Any]
Rewards = Mapping[int, float]


@dataclass(frozen=True)
class Weights:
    """The gradient weight of every shown token under a method, or an error."""

    title: str
    edited: str = ""  # what differs from the registry
    error: str = ""
    weights: np.ndarray | None = None  # [token]; nan where the update did not use the token
    advantage: np.ndarray | None = None  # [token]


class Replays:
    """Replays for one run; keeps the last step, and the newest results."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.step: tuple[Any, Replay] | None = None
        self.kept: deque[tuple[Any, Method, Weights]] = deque(maxlen=REMEMBERED)

    def of(self, step: int, group: int) -> Replay:
        """The rollouts of a group; the step is read from disk once, as long as its file stays the same."""
        stamp = (step, self.stamp(step))
        if self.step is None or self.step[0] != stamp:
            self.step = (stamp, Replay.of(self.run, step))
        return self.step[1].of_group(group)

    def stamp(self, step: int) -> int | None:
        """When a step's file was written; None where there is none."""
        file = self.run.file("rollouts", step)
        return file.stat().st_mtime_ns if file.is_file() else None

    def weights(self, step: int, group: int, entry: Entry, rewards: Rewards) -> Weights:
        """The gradient weights of an entry's method on the tokens of a group; a failing method gives an error.

        ValueError for a step, group or rollout that was not recorded.
        """
        replay = self.of(step, group).with_rewards(rewards)
        title = str(entry.get("method", ""))
        try:
            method = method_of(entry)
        except ValueError as error:
            return Weights(title, error=str(error))
        key = (step, self.stamp(step), group, tuple(sorted(rewards.items())))
        for known, asked, found in self.kept:
            if known == key and asked == method:
                return found
        found = weigh(method, replay)
        self.kept.append((key, method, found))
        return found


def weigh(method: Method, replay: Replay) -> Weights:
    """The gradient weights of a method on the shown tokens, or an error."""
    title, changes = method.title, edited(method)
    try:
        weights, advantage = replay.push(method), replay.advantage(method)
    except Exception as error:  # a method from a cell may fail in any way; the others are shown nevertheless
        return Weights(title, changes, error_text(error))
    known = replay.known
    broken = int((~np.isfinite(weights[known])).sum())
    if broken:
        return Weights(
            title, changes, f"its gradient is nan or infinite on {broken} of {int(known.sum())} tokens. {GUARD}"
        )
    return Weights(title, changes, "", weights, np.where(known, advantage, np.nan).astype(np.float32))


GUARD = (
    "A denominator is zero or an exponent too large: add a small constant to the denominator (as `eps` of group_z), "
    "bound the exponent, or reset the rewards"
)


def error_text(error: Exception) -> str:
    """The text of an error; a ValueError of ours needs no class name."""
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}. Correct the method"


def table(found: Sequence[Weights], known: np.ndarray) -> list[dict[str, Any]]:
    """A row per method over the `known` tokens: cosine to the first, share of non-zero weights, sums up and down."""
    return [{"title": each.title, "edited": each.edited, "error": each.error or None,
             **(sums(each.weights[known], found[0], known) if each.weights is not None else {})}
            for each in found]  # fmt: skip


def sums(weights: np.ndarray, first: Weights, known: np.ndarray) -> dict[str, Any]:
    """The numbers of a row."""
    alike = (
        None if first.weights is None else cosine(weights.astype(np.float64), first.weights[known].astype(np.float64))
    )
    nonzero = float((weights != 0).mean()) if weights.size else None
    up, down = (float(weights[chosen].sum(dtype=np.float64)) for chosen in (weights > 0, weights < 0))
    return {"cosine": number(alike), "nonzero": nonzero, "up": up, "down": down}


def on_policy(replay: Replay) -> bool:
    """Whether the rollouts are on-policy: every importance ratio is 1, so clipping has no effect; False without any."""
    batch = replay.batch
    apart = (batch.logprob - batch.old_logprob)[batch.mask].abs()
    return bool(apart.numel() and (apart < SAME).all())


def readable(replay: Replay) -> list[int]:
    """Shown rollouts that the update used, by their number in the step: their rewards can be changed."""
    return [int(rollout) for rollout in replay.rollouts[replay.shown[replay.read]]]
