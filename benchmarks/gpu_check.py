"""Everything that needs an NVIDIA GPU: tests, SmolLM2-135M trained and timed, the pruning kernel, decoding, a step.

`python -m benchmarks.gpu_check` stores the results in benchmarks/results/, names what failed, and exits with 1 if
anything did. Without a GPU it prints "not measured" and exits with 0.
"""

import subprocess
import sys

import torch

from benchmarks import common
from workbench.pruning.kernel.choice import find_kernel

TESTS = ("tests/pruning", "tests/engines/local/test_graphs_gpu.py")
BENCHMARKS = ("compact_kernel", "prune_speed", "prune_quality", "decode_floor", "gpu_step_vs_trl")
REAL = ("real_step_vs_trl --device cuda --dtype bfloat16 --passes 1", "demo_real --device cuda --seeds 1")


def steps() -> dict[str, list[str]]:
    """What is run, by name."""
    python = [sys.executable, "-m"]
    found = {"tests": [*python, "pytest", *TESTS, "-rs"]}
    for line in (*REAL, *BENCHMARKS):  # a pretrained model first
        name, *options = line.split()
        found[name] = [*python, f"benchmarks.{name}", "--save", *options]
    return found


def main() -> int:
    """Runs all of it; how many steps failed."""
    parser = common.options(__doc__ or "")
    parser.parse_args()
    if not torch.cuda.is_available():
        common.publish("gpu_check", {"measured": False, "reason": "not measured: no NVIDIA GPU"}, save=False)
        return 0
    find_kernel(torch.device("cuda", 0)).need()  # compiles, and checks itself against torch
    passed = {}
    for name, command in steps().items():
        passed[name] = subprocess.run(command, cwd=common.ROOT, check=False).returncode == 0
    common.publish("gpu_check", {"measured": True, **passed}, save=True)
    return sum(not well for well in passed.values())


if __name__ == "__main__":
    sys.exit(min(main(), 1))
