"""Pushes of several methods on the same recorded rollouts, with rewards as they were or as somebody wants them."""

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

REMEMBERED = 32  # pushes that are kept: who drags one slider changes one method
SAME = 1e-4  # log-ratios below this are those of a policy that has not moved
Entry = Mapping[str, Any]
Rewards = Mapping[int, float]


@dataclass(frozen=True)
class Pushes:
    """What a method tells every token that is shown, or why it cannot."""

    title: str
    edited: str = ""  # what is not as in the registry
    problem: str = ""
    push: np.ndarray | None = None  # [token]; nan where the update read nothing
    advantage: np.ndarray | None = None  # [token]


class Replays:
    """Answers for one run; keeps the step that was asked for last, and the newest pushes."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.step: tuple[Any, Replay] | None = None
        self.kept: deque[tuple[Any, Method, Pushes]] = deque(maxlen=REMEMBERED)

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

    def pushes(self, step: int, group: int, entry: Entry, rewards: Rewards) -> Pushes:
        """What the method of an entry tells the tokens of a group; a mistake in the method is part of the answer.

        ValueError for a step, group or rollout that was not recorded.
        """
        replay = self.of(step, group).with_rewards(rewards)
        title = str(entry.get("method", ""))
        try:
            method = method_of(entry)
        except ValueError as error:
            return Pushes(title, problem=str(error))
        key = (step, self.stamp(step), group, tuple(sorted(rewards.items())))
        for known, asked, found in self.kept:
            if known == key and asked == method:
                return found
        found = ask(method, replay)
        self.kept.append((key, method, found))
        return found


def ask(method: Method, replay: Replay) -> Pushes:
    """What a method tells the tokens that are shown; what goes wrong, in words."""
    title, changes = method.title, edited(method)
    try:
        push, advantage = replay.push(method), replay.advantage(method)
    except Exception as error:  # a method from a cell may fail in any way; the others are shown nevertheless
        return Pushes(title, changes, words(error))
    known = replay.known
    broken = int((~np.isfinite(push[known])).sum())
    if broken:
        return Pushes(title, changes, f"its push is nan or infinite on {broken} of {int(known.sum())} tokens. {GUARD}")
    return Pushes(title, changes, "", push, np.where(known, advantage, np.nan).astype(np.float32))


GUARD = (
    "Something divides by zero, or exponentiates too much: add a small number to what divides (as `eps` of group_z "
    "does), bound what is exponentiated, or take the rewards back"
)


def words(error: Exception) -> str:
    """An error for people; a ValueError of ours says enough by itself."""
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}. Correct the method"


def table(found: Sequence[Pushes], known: np.ndarray) -> list[dict[str, Any]]:
    """A line a method, over the `known` tokens: likeness to the first, share of tokens pushed, sums up and down."""
    return [{"title": each.title, "edited": each.edited, "problem": each.problem or None,
             **(sums(each.push[known], found[0], known) if each.push is not None else {})}
            for each in found]  # fmt: skip


def sums(push: np.ndarray, first: Pushes, known: np.ndarray) -> dict[str, Any]:
    """The numbers of a line."""
    alike = None if first.push is None else cosine(push.astype(np.float64), first.push[known].astype(np.float64))
    pushed = float((push != 0).mean()) if push.size else None
    up, down = (float(push[chosen].sum(dtype=np.float64)) for chosen in (push > 0, push < 0))
    return {"cosine": number(alike), "pushed": pushed, "up": up, "down": down}


def unmoved(replay: Replay) -> bool:
    """Whether the policy that is read is the one that sampled: every ratio is 1, so that no clip acts."""
    batch = replay.batch
    apart = (batch.logprob - batch.old_logprob)[batch.mask].abs()
    return bool((apart < SAME).all())


def readable(replay: Replay) -> list[int]:
    """Rollouts that are shown and that the update read, by their number in the step: their rewards can be changed."""
    return [int(rollout) for rollout in replay.rollouts[replay.shown[replay.read]]]
