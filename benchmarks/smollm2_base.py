"""What SmolLM2-135M can do before any training: pass@1 and pass@k of the task two_numbers, by its form.

`k` answers of each held-out problem at temperature 1, scored by the reward that training uses.
"""

import statistics
import sys

import torch

from benchmarks.common import options, publish
from workbench.analysis.evaluate import pass_at
from workbench.engines.local.engine import LocalEngine
from workbench.models import ModelSpec, load_policy
from workbench.models.smollm2 import SMOLLM2
from workbench.rewards.math import Math
from workbench.tasks.two_numbers import TwoNumbers
from workbench.types import Request, Sampling

TASKS = {
    "sums to 9": TwoNumbers(form="sums", operations="+", largest=9),
    "sums to 20": TwoNumbers(form="sums", operations="+", largest=20),
    "sums and differences to 20": TwoNumbers(form="sums", largest=20),
    "stories to 20": TwoNumbers(form="stories", largest=20),
}


def measure(engine: LocalEngine, task: TwoNumbers, problems: int, sampling: Sampling, k: int) -> dict[str, float]:
    """pass@1 and pass@k over so many held-out problems."""
    asked = [task.problem(number, "test") for number in range(problems)]
    encoder = engine.policy.encoder
    requests = [
        Request(problem, encoder.prompt(problem.prompt), number, number, n=k) for number, problem in enumerate(asked)
    ]
    rollouts = engine.generate(requests, sampling)
    reward, correct = Math(), []
    for number, problem in enumerate(asked):
        graded = reward(problem, rollouts[number * k : (number + 1) * k], None)
        correct.append(sum(part.correct is True for part in graded))
    return {
        "pass@1": round(statistics.mean(count / k for count in correct), 4),
        f"pass@{k}": round(statistics.mean(pass_at(count, k, k) for count in correct), 4),
        "tokens": round(statistics.mean(len(rollout.tokens) for rollout in rollouts), 2),
    }


def main(arguments: list[str]) -> int:
    """Measures every form of the task."""
    parser = options(__doc__ or "")
    parser.add_argument("--problems", type=int, default=32)
    parser.add_argument("-k", type=int, default=16)
    parser.add_argument("--max-tokens", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    engine = LocalEngine(load_policy(ModelSpec(name=SMOLLM2, device="cpu")))
    sampling = Sampling(max_tokens=given.max_tokens)
    found = {name: measure(engine, task, given.problems, sampling, given.k) for name, task in TASKS.items()}
    asked = {name: getattr(given, name) for name in ("problems", "k", "max_tokens")}
    publish("smollm2_base", {"tasks": found, **asked}, save=given.save)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
