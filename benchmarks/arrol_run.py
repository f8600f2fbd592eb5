"""Training the embedded model with and without pruning: tokens, seconds, accuracy; and the head's vote afterwards.

The two runs take their steps in turns, so that a slow minute of the machine meets both. `ratio` is the median of whole
steps' seconds, unpruned over pruned, over the steps in which rollouts were pruned. `generate_share` is what pruning
left of the time of generation; `predicted_share` is the cost model's keep + (1 - keep) · detect / mean length, which
knows nothing of rollouts that end before the detection length.
"""

import argparse
import dataclasses
import math
import statistics
from typing import Any

from benchmarks import common
from workbench.analysis.vote import ballot, compare
from workbench.config import RunConfig
from workbench.kinds import BoundPruner
from workbench.pruning.arrol import Arrol
from workbench.runs.build import build
from workbench.runs.demo import demo_config
from workbench.training.step import Step
from workbench.training.trainer import Trainer
from workbench.types import Group, Request

VOTE_STEP = -2  # keys the noise of the vote's rollouts


def configs(given: argparse.Namespace) -> dict[str, RunConfig]:
    """The demonstration with and without pruning."""
    plain = demo_config().replace(
        seed=given.seed,
        training={"steps": given.steps, "threads": given.threads},
        rollouts={"max_tokens": given.max_tokens},
        evaluation={"every": 0, "problems": given.problems},
    )
    pruner = Arrol(detect=given.detect, keep=given.keep, rule=given.rule, warm_up=given.warm_up, min_auc=given.min_auc)
    return {"plain": plain, "pruned": plain.replace(pruning=pruner)}


def race(trainers: dict[str, Trainer]) -> dict[str, list[Step]]:
    """All steps of all trainers, taken in turns."""
    running = {name: iter(trainer) for name, trainer in trainers.items()}
    taken: dict[str, list[Step]] = {name: [] for name in trainers}
    for _ in range(1 + next(iter(trainers.values())).settings.training.steps):
        for name, steps in running.items():
            taken[name].append(next(steps))
    return taken


def middle(steps: list[Step], name: str) -> float:
    """The median of a metric over the steps that have it."""
    return statistics.median([step.metrics[name] for step in steps if name in step.metrics])


def share(steps: dict[str, list[Step]], name: str) -> float:
    """A metric's median with pruning over that without."""
    return middle(steps["pruned"], name) / middle(steps["plain"], name)


def votes(trainer: Trainer, pruner: Arrol, problems: int, rollouts: int) -> dict[str, float]:
    """Held-out problems, several answers each: majority against votes weighed by the head's ranks.

    The scores are those at the detection length, where the head was taught; shorter answers have no vote.
    """
    parts = trainer.parts
    asked = [parts.task.problem(number, "test") for number in range(problems)]
    requests = [
        Request(problem, parts.encoder.prompt(problem.prompt), number, number, n=rollouts)
        for number, problem in enumerate(asked)
    ]
    watching = dataclasses.replace(pruner, warm_up=trainer.step + 1)  # scores, and prunes nobody
    state = {**trainer.states["pruner"], "pending": {}}
    written = parts.engine.generate(requests, trainer.sampling(VOTE_STEP, 1.0), BoundPruner(watching, state))
    ballots = []
    for request in requests:
        members = [rollout for rollout in written if rollout.request is request]
        parts.judge(Group(request.group, request.problem, members))
        seen = {place: rollout.extras.get("pruning", [{}])[-1] for place, rollout in enumerate(members)}
        scores = {place: record["score"] for place, record in seen.items() if "score" in record}
        ballots.append(ballot(members, "exact", scores))
    return {name: round(value, 4) for name, value in compare(ballots).items()}


def summary(steps: dict[str, list[Step]], given: argparse.Namespace) -> dict[str, Any]:
    """What pruning saved and cost."""
    numbers: dict[str, Any] = {}
    for name, taken in steps.items():
        known = [step.metrics["accuracy"] for step in taken if "accuracy" in step.metrics]
        numbers[name] = {
            "before": known[0],
            "after": known[-1],
            "tokens": sum(step.metrics.get("tokens", 0.0) for step in taken),
            "seconds": round(sum(step.metrics["seconds"] for step in taken[1:]), 3),
        }
    at_work = [number for number, step in enumerate(steps["pruned"]) if step.metrics.get("pruned", 0.0) > 0]
    numbers["pruned_steps"] = len(at_work)
    if not at_work:
        return {"ratio": math.nan, **numbers}
    chosen = {name: [taken[number] for number in at_work] for name, taken in steps.items()}
    length = middle(chosen["plain"], "length")
    return {
        "ratio": round(1 / share(chosen, "seconds"), 3),
        "token_share": round(share(chosen, "tokens"), 3),
        "generate_share": round(share(chosen, "seconds.generate"), 3),
        "predicted_share": round(given.keep + (1 - given.keep) * given.detect / length, 3),
        "update_share": round(share(chosen, "seconds.update"), 3),
        "length": round(length, 1),
        **numbers,
    }


def main() -> None:
    """Runs both and prints one line."""
    parser = common.options(__doc__ or "")
    for name, default in (("detect", 12), ("steps", 40), ("warm-up", 8), ("max-tokens", 96), ("problems", 1024)):
        parser.add_argument(f"--{name}", type=int, default=default)
    for name, default in (("seed", 0), ("threads", 2), ("vote-problems", 64), ("vote-rollouts", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--keep", type=float, default=0.5)
    parser.add_argument("--min-auc", type=float, default=0.6)
    parser.add_argument("--rule", choices=("group", "sign", "paper", "random"), default="group")
    given = parser.parse_args()
    chosen = configs(given)
    trainers = {name: build(config) for name, config in chosen.items()}
    steps = race(trainers)
    pruner = chosen["pruned"].pruning
    assert isinstance(pruner, Arrol)
    numbers = summary(steps, given)
    numbers["head"] = pruner.metrics(trainers["pruned"].states["pruner"])
    numbers["vote"] = votes(trainers["pruned"], pruner, given.vote_problems, given.vote_rollouts)
    settings = {name: value for name, value in vars(given).items() if name != "save"}
    common.publish("arrol_run", {"peer": "the same run, unpruned", **numbers, **settings}, save=given.save)


if __name__ == "__main__":
    main()
