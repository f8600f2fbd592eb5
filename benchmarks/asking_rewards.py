"""Do rewards that read the policy tell correct completions from incorrect ones, without a verifier?

Completions of held-out word problems by the embedded model, graded by `exact`. For every reward: its mean over the
correct and over the incorrect ones, and how often a correct one has more than an incorrect one (all pairs; 0.5 is
chance). RLPR's probability of the reference is given before debiasing as well. `passes`: calls of the model for all
rewards and groups.
"""

import statistics
import sys
import time
from typing import Any

from benchmarks.common import options, publish
from workbench.config import RunConfig
from workbench.runs.process.build import build
from workbench.training.evaluation import EVALUATION_STEP, ask
from workbench.training.scorer import PolicyScorer
from workbench.types import Rollout

REWARDS: dict[str, dict[str, Any]] = {
    "exact": {"reward": "exact"},
    "rlpr": {"reward": "rlpr"},
    "rlpr without debiasing": {"reward": "rlpr", "debias": False, "form": 0.0, "name": "plain"},
    "verifree": {"reward": "verifree"},
    "darl": {"reward": "darl"},
    "intuitor": {"reward": "intuitor"},
    "rlif token": {"reward": "rlif"},
    "rlif trajectory": {"reward": "rlif", "read": "trajectory", "name": "trajectory"},
    "covo": {"reward": "covo", "binary": False},
}


def separation(rollouts: list[Rollout], part: str) -> dict[str, float]:
    """The means of a reward over correct and incorrect completions, and the share of pairs in order."""
    scored = [rollout for rollout in rollouts if rollout.parts[part].value == rollout.parts[part].value]
    values = [(rollout.parts[part].value, rollout.correct == 1) for rollout in scored]
    right, wrong = ([value for value, correct in values if correct is kind] for kind in (True, False))
    wins = sum((one > other) + 0.5 * (one == other) for one in right for other in wrong)
    means = {"correct": statistics.fmean(right), "incorrect": statistics.fmean(wrong)}
    return {name: round(value, 4) for name, value in {**means, "in order": wins / len(right) / len(wrong)}.items()}


def main(arguments: list[str]) -> int:
    """Measures all rewards on the same completions."""
    parser = options(__doc__ or "")
    parser.add_argument("--problems", type=int, default=48)
    parser.add_argument("-k", type=int, default=8)
    given = parser.parse_args(arguments)
    config = RunConfig(
        task={"task": "word_problems"},
        rewards=[{"weight": 1.0 if name == "exact" else 0.0, **table} for name, table in REWARDS.items()],
        method={"method": "grpo"},
        model={"device": "cpu"},
        training={"threads": 1},
    )
    trainer = build(config)
    passes = [0]
    plain = PolicyScorer.score

    def counted(self: PolicyScorer, prompts: Any, answers: Any, signals: Any) -> Any:
        passes[0] += 1
        return plain(self, prompts, answers, signals)

    PolicyScorer.score = counted  # type: ignore[method-assign]
    start = time.process_time()
    sampled = ask(trainer.parts, given.problems, given.k, trainer.sampling(EVALUATION_STEP, 1.0))
    seconds = time.process_time() - start
    parts = {name: table.get("name", table["reward"]) for name, table in REWARDS.items() if name != "exact"}
    found = {name: separation(sampled.rollouts, part) for name, part in parts.items()}
    accuracy = statistics.fmean(rollout.correct for rollout in sampled.rollouts)
    numbers = {"problems": given.problems, "k": given.k, "accuracy": round(accuracy, 4), "passes": passes[0]}
    publish("asking_rewards", {**numbers, "seconds": round(seconds, 1), "rewards": found}, save=given.save)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
