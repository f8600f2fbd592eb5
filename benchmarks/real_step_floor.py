"""A GRPO step of SmolLM2-135M with LoRA against its floor: the matrix products it cannot do without, at full rate.

The floor counts two operations a weight and token: every prompt read once and every token written once while sampling;
the update's forward pass, and its backward pass to the inputs; the output head once to write a token and twice to read
its log-prob with its gradient. They are divided by the rate of one large product, measured in the same run before and
after every step. Both are in processor seconds. The adapter's products, attention and all else are not in the floor.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch

from benchmarks.common import options, publish, spread
from benchmarks.step_vs_trl import Ours
from benchmarks.trl_peer import Setting
from workbench.models.linear import product
from workbench.models.size import inner_matrices
from workbench.models.smollm2 import SMOLLM2
from workbench.models.spec import LoraSpec, ModelSpec
from workbench.tasks.two_numbers import TwoNumbers

WANTED = 3.0
ROWS = 1024  # tokens of the measured product: a micro-batch


def rate(width: int, outputs: int, repeats: int = 5) -> float:
    """Operations a processor second of [ROWS, width] x [width, outputs] in float32; the best of some."""
    left, weight = torch.randn(ROWS, width), torch.randn(outputs, width)
    best = float("inf")
    for _ in range(repeats):
        began = time.process_time()
        product(left, weight)
        best = min(best, time.process_time() - began)
    return 2.0 * ROWS * width * outputs / best


def operations(ours: Ours, prompts: int, tokens: int) -> float:
    """Operations of a step with so many prompt tokens and written tokens."""
    policy = ours.worker.job.trainer.policy
    layers = sum(weight.numel() for weight in inner_matrices(policy.causal))
    head = policy.config.vocab_size * policy.config.hidden_size
    generate = 2.0 * layers * (prompts + tokens) + 2.0 * head * tokens
    update = 4.0 * layers * (prompts + tokens) + 4.0 * head * tokens
    return generate + update


def measure(setting: Setting, folder: Path) -> tuple[Ours, list[float]]:
    """Takes the steps; for each that counts, its processor seconds over its floor."""
    ours, found = Ours(setting, folder), []
    policy = ours.worker.job.trainer.policy
    shape = policy.config.hidden_size, policy.config.intermediate_size
    for made in range(1, setting.all_steps + 1):
        before = rate(*shape)
        ours.step(made)
        if made > setting.warm_up:
            asked = [setting.task.problem(setting.problems * (made - 1) + place, "train") for place in range(8)]
            prompts = sum(len(policy.encoder.prompt(problem.prompt)) for problem in asked)
            tokens = round(ours.measured.tokens[-1] * setting.problems * setting.rollouts)
            floor = operations(ours, prompts, tokens) / max(before, rate(*shape))
            found.append(ours.measured.processor[-1] / floor)
    return ours, found


def main(arguments: list[str]) -> int:
    """Measures some steps; fails where they take more than three times their floor."""
    parser = options(__doc__ or "")
    parser.add_argument("--model", default=SMOLLM2)
    parser.add_argument("--steps", type=int, default=3, help="steps that are counted")
    parser.add_argument("--warm-up", type=int, default=1, help="steps that are not")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=64)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    model = ModelSpec(name=given.model, device="cpu", lora=LoraSpec())
    counts = {name: getattr(given, name) for name in ("steps", "warm_up", "threads", "max_tokens")}
    setting = Setting(task=TwoNumbers(), problems=8, rollouts=8, model=model, micro_batch=1024, **counts)
    with tempfile.TemporaryDirectory() as folder:
        ours, found = measure(setting, Path(folder))
    numbers = {
        "times_floor": spread(found),  # lower is better
        "wanted": WANTED,
        "processor_seconds": spread(ours.measured.processor),
        "phases": {name: round(statistics.median(values), 3) for name, values in ours.phases.items()},
        "tokens": round(statistics.mean(ours.measured.tokens), 2),
        "model": given.model,
        **counts,
    }
    publish("real_step_floor", numbers, save=given.save)
    return int(statistics.median(found) > WANTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
