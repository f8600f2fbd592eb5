"""Every method's lens on the same recorded rollouts: how long the gallery of a step takes.

256 rollouts in groups of 16, answers of 1 to 64 tokens, made up; every signal that a method reads is there. A lens is
advantages, settling, loss and gradient, as `Replay.push` asks for it.
"""

import statistics
import sys
import time
from functools import partial

import torch

from benchmarks.common import alternate, options, publish
from workbench.method import Method, lens
from workbench.registry import methods
from workbench.types import Batch, axes

WANTED = 2.0  # seconds over all methods
ROLLOUTS, GROUP, TOKENS, ROUNDS = 256, 16, 64, 5


def made_up(needs: frozenset[str]) -> Batch:
    """Rollouts with numbers of the right size for every signal."""
    generator = torch.Generator().manual_seed(0)
    shape = {"rollout": ROLLOUTS, "token": TOKENS, "k": 5}

    def uniform(name: str) -> torch.Tensor:
        values = torch.rand(tuple(shape[axis] for axis in axes(name)), generator=generator)
        return values.clamp(min=0.05).log() if "logprob" in name else values

    def extra(name: str) -> torch.Tensor:
        values = uniform(name)
        return (values > 0.9).float() if name in ("off_policy", "truncated", "tag", "span") else values

    old = uniform("logprob")
    lengths = torch.randint(1, TOKENS + 1, (ROLLOUTS,), generator=generator)
    return Batch(
        logprob=old + 0.05 * torch.randn(old.shape, generator=generator),
        old_logprob=old,
        mask=torch.arange(TOKENS)[None] < lengths[:, None],
        reward=(torch.rand(ROLLOUTS, generator=generator) > 0.5).float(),
        group=torch.arange(ROLLOUTS) // GROUP,
        step=10,
        total_steps=100,
        budget=TOKENS,
        extras={name: extra(name) for name in sorted(needs - {"old_logprob"})},
    )


def seconds_of(method: Method, batch: Batch) -> float:
    """How long one lens takes."""
    batch = batch.replace(state=method.init())
    began = time.perf_counter()
    lens(method, batch)
    return time.perf_counter() - began


def main(arguments: list[str]) -> int:
    """Measures all methods several times in turns; fails where the first time takes longer than wanted."""
    parser = options(__doc__ or "")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    found = methods()
    batch = made_up(frozenset().union(*(method.needs for method in found.values())))
    seconds = alternate({key: partial(seconds_of, method, batch) for key, method in found.items()}, ROUNDS)
    usual = {key: statistics.median(values) for key, values in seconds.items()}
    numbers = {
        "first": round(sum(values[0] for values in seconds.values()), 3),
        "usual": round(sum(usual.values()), 3),
        "wanted": WANTED,
        "methods": len(found),
        "rollouts": ROLLOUTS,
        "tokens": TOKENS,
        "threads": given.threads,
        "slowest": {key: round(usual[key], 4) for key in sorted(usual, key=lambda key: -usual[key])[:5]},
    }
    publish("lens_speed", numbers, save=given.save)
    return 0 if numbers["first"] <= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
