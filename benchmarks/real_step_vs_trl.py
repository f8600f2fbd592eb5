"""Seconds of a GRPO step of SmolLM2-135M with LoRA against TRL's GRPOTrainer: same weights, problems, limits, in turns.

Ours is the trainer process's own loop, recording every token and writing its checkpoint within the measured time. TRL
is set as fast as it goes (`trl_peer`), and records nothing. Beside wall time the processor's seconds are compared,
which other programs on the machine disturb less.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.common import options, publish, spread
from benchmarks.step_vs_trl import Ours
from benchmarks.trl_peer import Setting, trl_steps
from workbench.models.smollm2 import SMOLLM2
from workbench.models.spec import LoraSpec, ModelSpec
from workbench.tasks.two_numbers import TwoNumbers

WANTED = 2.5
NAMED = ("model", "rank", "device", "dtype", "max_tokens", "threads", "passes")  # options that the line repeats


def main(arguments: list[str]) -> int:
    """Measures both in turns; fails where we are less than 2.5 times as fast."""
    parser = options(__doc__ or "")
    parser.add_argument("--model", default=SMOLLM2)
    parser.add_argument("--steps", type=int, default=4, help="steps that are counted")
    parser.add_argument("--warm-up", type=int, default=1, help="steps that are not")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"), help="of both sides")
    parser.add_argument("--dtype", default="float32", choices=("float32", "bfloat16"), help="of both sides")
    parser.add_argument("--passes", type=int, default=4, help="micro-batches of a TRL step; 1 takes 20 GB")
    given = parser.parse_args(arguments)
    model = ModelSpec(name=given.model, device=given.device, dtype=given.dtype, lora=LoraSpec(rank=given.rank))
    setting = Setting(
        task=TwoNumbers(),
        problems=8,
        rollouts=8,
        model=model,
        micro_batch=1024,
        **{name: getattr(given, name) for name in ("steps", "warm_up", "threads", "max_tokens", "passes")},
    )
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(setting, Path(folder))
        trl = trl_steps(setting, between=ours.step)
    numbers = {
        "ratio": round(statistics.median(trl.seconds) / statistics.median(ours.measured.seconds), 3),
        "processor_ratio": round(statistics.median(trl.processor) / statistics.median(ours.measured.processor), 3),
        "wanted": WANTED,
        "ours": spread(ours.measured.seconds),
        "trl": spread(trl.seconds),
        "ours_processor": spread(ours.measured.processor),
        "trl_processor": spread(trl.processor),
        "ours_phases": {name: round(statistics.median(values), 4) for name, values in ours.phases.items()},
        "ours_tokens": round(statistics.mean(ours.measured.tokens), 2),
        "trl_tokens": round(statistics.mean(trl.tokens), 2),
        **{name: getattr(given, name) for name in NAMED},
    }
    publish("real_step_vs_trl", numbers, save=given.save)
    return 0 if numbers["ratio"] >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
