"""The plays of a study on record: a file of lines, to which each play is added when it has ended."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.study.plan import Plan
from workbench.study.play import play

Line = dict[str, Any]
Told = Callable[[str], None]


class Plays:
    """The lines of a file. One that is torn, as by a kill while it was written, is left out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: list[Line] = []
        for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
            try:
                self.lines.append(json.loads(text))
            except json.JSONDecodeError:
                continue

    def found(self, plan: Plan, arm: str, seed: int) -> Line | None:
        """The newest line of a play with just these settings; None if it was not played."""
        wanted = {"study": plan.name, "arm": arm, "seed": seed, "digest": plan.digest(arm), "budget": plan.tokens}
        return next((line for line in reversed(self.lines) if wanted.items() <= line.items()), None)

    def of(self, plan: Plan) -> list[Line]:
        """Every play of a plan that is on record."""
        places = [(arm, seed) for arm in plan.names for seed in plan.seeds]
        return [line for place in places if (line := self.found(plan, *place)) is not None]

    def add(self, line: Line) -> None:
        """Keeps a play."""
        self.lines.append(line)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n") and self.path.stat().st_size > 0
        with self.path.open("a", encoding="utf-8") as file:
            file.write(("\n" if torn else "") + json.dumps(line, allow_nan=False) + "\n")


def play_all(
    plan: Plan,
    plays: Plays,
    runs: Path,
    *,
    arms: Sequence[str] = (),
    machine: Mapping[str, Any] | None = None,
    told: Told = lambda text: None,
) -> list[Line]:
    """Plays what is not on record, seed by seed, so that a study stopped early has every arm; all lines of the plan.

    `arms`: only these. `machine`: what is written to every new line. Errors of an arm's config are raised before the
    first play; a play that fails is on record with its reason, and the study continues.
    """
    chosen = tuple(arms) or plan.names
    for arm in chosen:
        plan.config(arm, plan.seeds[0])  # every mistake before the first play
    wanted = [place for place in order(plan, chosen) if plays.found(plan, *place) is None]
    for number, (arm, seed) in enumerate(wanted, start=1):
        line = {**play(plan, arm, seed, runs), **(machine or {})}
        plays.add(line)
        told(f"{number}/{len(wanted)} {arm} seed {seed}: {outcome(line)}")
    return plays.of(plan)


def order(plan: Plan, arms: Iterable[str]) -> list[tuple[str, int]]:
    """Every arm of the first seed, then of the next."""
    return [(arm, seed) for seed in plan.seeds for arm in plan.names if arm in set(arms)]


def outcome(line: Line) -> str:
    """What came of a play, in a few words."""
    if "failed" in line:
        return f"failed: {line['failed']}"
    tokens = line["tokens"] + line["given_tokens"]
    return f"pass@1 {line['pass_1']:.1%}, {line['steps']} steps, {tokens:,.0f} tokens"
