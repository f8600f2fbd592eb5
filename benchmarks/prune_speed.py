"""Seconds of whole training steps with and without pruning, with long completions: the embedded model, grpo.

Every completion is generated up to `max_tokens`: stop tokens are ignored, and what follows one is not shown to the
reward. The two runs take their steps in turns, each first equally often, so that other load on the machine affects
both; medians over the steps in which rollouts were pruned are compared. `ratio`: unpruned over pruned.
`generate_share`: the time of generation with pruning over that without; `predicted_share`: the cost model's
keep + (1 - keep) · detect / mean length; `over_prediction`: the first over the second.
"""

import argparse
import itertools
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks import common
from workbench.config import RunConfig
from workbench.pruning.arrol import Arrol
from workbench.runs.demo import demo_config
from workbench.runs.process.build import build
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Group

NEVER = -1  # no token: answers end at max_tokens alone
WANTED, ALLOWED = 1.6, 1.10  # ratio at least, over_prediction at most


def trainers(given: argparse.Namespace) -> dict[str, Trainer]:
    """The same run twice; the head is asked from the second step on, however little it knows yet."""
    plain = demo_config().replace(
        seed=given.seed,
        method="grpo",  # samples as many rollouts in every step, as a filter would not
        training={"steps": given.steps, "threads": given.threads},
        rollouts={"max_tokens": given.max_tokens, "problems": given.problems, "rollouts": given.rollouts},
        evaluation={"every": 0, "problems": 0},
    )
    pruner = Arrol(detect=given.detect, keep=given.keep, rule=given.rule, warm_up=1, min_auc=0.0)
    return {name: forced(config) for name, config in (("plain", plain), ("pruned", plain.replace(pruning=pruner)))}


def forced(config: RunConfig) -> Trainer:
    """A trainer whose answers are never ended by the model, and judged as if they had been."""
    trainer = build(config)
    ends, score, encoder = set(trainer.stop_tokens), trainer.parts.score, trainer.parts.encoder

    def scored(groups: Sequence[Group]) -> list[str]:
        for rollout in [rollout for group in groups for rollout in group.rollouts]:
            rollout.text = encoder.text(list(itertools.takewhile(lambda token: token not in ends, rollout.tokens)))
        return score(groups)

    trainer.stop_tokens, trainer.parts.score = (NEVER,), scored
    return trainer


def race(running: dict[str, Trainer]) -> dict[str, list[Step]]:
    """All steps of both, taken in turns."""
    taken: dict[str, list[Step]] = {name: [] for name in running}
    for number in range(next(iter(running.values())).settings.training.steps):
        for name in sorted(running, reverse=number % 2 == 1):
            taken[name].append(running[name].take_step())
    return taken


def summary(taken: dict[str, list[Step]], keep: float, detect: int) -> dict[str, Any]:
    """What pruning saved, over the steps in which rollouts were pruned."""
    at_work = [number for number, step in enumerate(taken["pruned"]) if step.metrics.get("pruned", 0.0) > 0]
    if not at_work:
        raise ValueError("no rollout was pruned: the head saw no correct answer or no wrong one; take more steps")

    def middle(run: str, name: str) -> float:
        return statistics.median(taken[run][number].metrics[name] for number in at_work)

    names = ("seconds", "seconds.generate", "seconds.update", "tokens")
    shares = {name.replace("seconds.", ""): middle("pruned", name) / middle("plain", name) for name in names}
    length = middle("plain", "length")
    predicted = keep + (1 - keep) * detect / length
    numbers = {
        "ratio": 1 / shares["seconds"],
        "generate_share": shares["generate"],
        "predicted_share": predicted,
        "over_prediction": shares["generate"] / predicted,
        "update_share": shares["update"],
        "token_share": shares["tokens"],
        "length": length,
        **{f"{name}_seconds": middle(name, "seconds") for name in taken},
    }
    reached = {"ratio": numbers["ratio"] >= WANTED, "over_prediction": numbers["over_prediction"] <= ALLOWED}
    return {
        **{name: round(value, 3) for name, value in numbers.items()},
        "steps_pruned": len(at_work),
        "reached": reached,
    }


def main() -> None:
    """Runs both and prints one line."""
    parser = common.options(__doc__ or "")
    for name, default in (("detect", 64), ("max-tokens", 256), ("problems", 16), ("rollouts", 16), ("steps", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("seed", 0), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--keep", type=float, default=0.5)
    parser.add_argument("--rule", choices=("group", "sign", "paper", "random"), default="group")
    given = parser.parse_args()
    if given.max_tokens < 3 * given.detect:
        parser.error(f"--max-tokens {given.max_tokens}: give at least three times --detect {given.detect}")
    numbers = summary(race(trainers(given)), given.keep, given.detect)
    settings = {name: value for name, value in vars(given).items() if name != "save"}
    common.publish("prune_speed", {"peer": "the same run, unpruned", **numbers, **settings}, save=given.save)


if __name__ == "__main__":
    main()
