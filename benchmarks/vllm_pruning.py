"""Seconds and tokens of vLLM's two ways of pruning, and of none: same process, weights, adapter and requests, in turns.

`python -m benchmarks.vllm_pruning` prints one JSON line. Half of the rollouts are stopped at the detection length,
whatever their content, so that both ways stop the same ones; the others have the full length, since the stop token is
one that the model never samples. `ratio`: seconds in two phases over seconds in the engine, each the minimum of its
calls, since other load only adds to them; the medians are reported too. `tokens_saved` is the share of tokens that were
not generated, `seconds_saved` that of the time. In two phases the time in which the policy scores rollouts counts.
"""

import dataclasses
import statistics
import time
from collections.abc import Sequence

import torch

from benchmarks import common
from benchmarks.engine_rollouts import make_requests
from workbench.engines.options import VllmOptions
from workbench.engines.vllm.engine import VllmEngine
from workbench.kinds import BoundPruner
from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.pruning.arrol import Arrol
from workbench.types import Request, Rollout, Sampling

WAYS = ("none", "two_phase", "in_engine")


def call(
    engine: VllmEngine, requests: Sequence[Request], sampling: Sampling, pruner: Arrol, way: str
) -> tuple[float, list[Rollout]]:
    """Seconds of one call, and its rollouts."""
    bound = None
    if way != "none":
        engine.options = dataclasses.replace(engine.options, prune=way)
        bound = BoundPruner(pruner, pruner.init())
    start = time.perf_counter()
    rollouts = engine.generate(requests, sampling, bound)
    return time.perf_counter() - start, rollouts


def told(seconds: dict[str, list[float]], rollouts: dict[str, list[Rollout]]) -> dict[str, float]:
    """What was measured; the first call of each warmed up."""
    spreads = {way: common.spread(values[1:]) for way, values in seconds.items()}
    least = {way: spread["least"] for way, spread in spreads.items()}
    tokens = {way: sum(len(rollout.tokens) for rollout in found) for way, found in rollouts.items()}
    pruned = {way: [rollout.finish == "pruned" for rollout in found] for way, found in rollouts.items()}
    if pruned["two_phase"] != pruned["in_engine"]:
        raise ValueError("the two ways stopped different rollouts: what they took cannot be compared")
    return {
        "ratio": round(least["two_phase"] / least["in_engine"], 3),
        **{f"seconds_{way}": value for way, value in least.items()},
        **{f"median_{way}": spread["median"] for way, spread in spreads.items()},
        **{f"seconds_saved_{way}": round(1 - least[way] / least["none"], 3) for way in WAYS[1:]},
        "tokens_saved": round(1 - tokens["in_engine"] / tokens["none"], 3),
        "pruned_share": round(statistics.mean(pruned["in_engine"]), 3),
    }


def main() -> None:
    """Measures all in turn and prints one line."""
    parser = common.options(__doc__ or "")
    parser.add_argument("--model", default="embedded", help="embedded, a folder, or a Hub name")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--problems", type=int, default=8)
    parser.add_argument("--rollouts", type=int, default=8, help="of each problem")
    parser.add_argument("--tokens", type=int, default=256, help="of each rollout")
    parser.add_argument("--detect", type=int, default=32, help="tokens at which they are judged")
    parser.add_argument("--concurrent", type=int, default=64, help="most rollouts side by side")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    policy = load_policy(ModelSpec(name=given.model, dtype=given.dtype, lora=LoraSpec()))
    requests = make_requests(policy, given.problems, given.rollouts)
    longest = max(len(request.prompt) for request in requests) + given.tokens
    options = VllmOptions(memory=2**30, longest=longest, prune="in_engine")
    engine = VllmEngine(policy, concurrent=given.concurrent, options=options)
    pruner = Arrol(detect=given.detect, rule="random", draw="bernoulli", warm_up=0, min_group=2)
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    rollouts: dict[str, list[Rollout]] = {}
    for step in range(1, given.repeats + 2):
        sampling = Sampling(max_tokens=given.tokens, step=step, stop=(policy.config.vocab_size - 1,))
        for way in WAYS if step % 2 else WAYS[::-1]:
            took, rollouts[way] = call(engine, requests, sampling, pruner, way)
            seconds[way].append(took)
    engine.close()
    asked = {name: value for name, value in vars(given).items() if name != "save"}
    common.publish("vllm_pruning", {**told(seconds, rollouts), **asked}, save=given.save)


if __name__ == "__main__":
    main()
