"""Processor time of a step of Absolute Zero against a GRPO step that generates as many tokens, in turns.

Both train the embedded model for programs in one process, one thread. GRPO's problems are so many that its step has as
many tokens as the self-play step before it, the tries and the proposals of that counted. `ratio_trained` is the same
for as many trained tokens: the tries of a proposal are generated, and not trained on.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.common import options, publish
from workbench.config import RunConfig
from workbench.runs.process.build import build
from workbench.training.step import Step

CONFIGS = Path(__file__).parents[1] / "configs"
MOST = 3.0
ROLLOUTS = 8  # of a GRPO problem


@dataclass
class Side:
    """A trainer and what its steps took."""

    steps: Iterator[Step]
    processor: list[float] = field(default_factory=list)
    tokens: list[float] = field(default_factory=list)
    trained: list[float] = field(default_factory=list)

    def step(self, counted: bool) -> float:
        """Takes a step; the tokens that it generated."""
        began = time.process_time()
        step = next(self.steps)
        spent = time.process_time() - began
        tokens = step.metrics["tokens"]
        if counted and step.columns is not None:
            self.processor.append(spent)
            self.tokens.append(tokens)
            self.trained.append(float(step.columns["trained"].sum()))
        return tokens


def side(name: str, steps: int, problems: int = 0) -> Side:
    """A run's trainer; `problems` for GRPO."""
    changes = {"rollouts": {"problems": problems, "rollouts": ROLLOUTS}} if problems else {}
    config = RunConfig.load(CONFIGS / f"{name}.toml").replace(
        training={"steps": steps, "threads": 1}, evaluation={"problems": 0, "probes": 0}, record={"after": 0}, **changes
    )
    return Side(iter(build(config)))


def main(arguments: list[str]) -> int:
    """Measures both in turns; fails where self-play costs more than three times as much."""
    parser = options(__doc__ or "")
    parser.add_argument("--steps", type=int, default=10, help="steps that are counted")
    given = parser.parse_args(arguments)
    play = side("azr-embedded", given.steps + 3)
    play.step(False)  # seeds the stock
    tokens = play.step(False)
    first = side("embedded-programs", 2, 8)
    problems = max(1, round(8 * tokens / first.step(False)))
    grpo = side("embedded-programs", given.steps + 2, problems)
    grpo.step(False)
    for _ in range(given.steps):
        play.step(True)
        grpo.step(True)
    per_token, per_trained = (
        [statistics.median(map(share, each.processor, whole)) for each, whole in pairs]
        for pairs in (((play, play.tokens), (grpo, grpo.tokens)), ((play, play.trained), (grpo, grpo.trained)))
    )
    found = publish(
        "azr_step_cost",
        {
            "ratio": round(per_token[0] / per_token[1], 2),
            "ratio_trained": round(per_trained[0] / per_trained[1], 2),
            "seconds": [round(statistics.median(each.processor), 3) for each in (play, grpo)],
            "tokens": [round(statistics.median(each.tokens)) for each in (play, grpo)],
            "trained": [round(statistics.median(each.trained)) for each in (play, grpo)],
            "steps": given.steps,
        },
        save=given.save,
    )
    return 0 if found["ratio"] <= MOST else 1


def share(part: float, whole: float) -> float:
    """A part of a whole."""
    return part / whole


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
