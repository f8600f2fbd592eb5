"""Tokens a second of the vLLM engine and the local one: same weights, adapter, requests and lengths, in turns.

`python -m benchmarks.vllm_vs_local` prints one JSON line; `ratio` is vLLM's tokens a second over the local engine's.
The stop token is one that the model never samples, so all rollouts have the full length; both keep the log-prob of each
token. Each call of vLLM's includes its messages between the two processes; `seconds_to_start` is separate, and so is
`seconds_to_sync`, the transfer of an adapter with the first rollout after it.
"""

import statistics
import time
from collections.abc import Callable

import torch

from benchmarks import common
from benchmarks.engine_rollouts import make_requests
from workbench.engines.local.engine import LocalEngine
from workbench.engines.options import VllmOptions
from workbench.engines.vllm.engine import VllmEngine
from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.types import Engine, Request, Sampling


def speed(engine: Engine, requests: list[Request], sampling: Sampling) -> float:
    """Tokens a second of one call."""
    start = time.perf_counter()
    tokens = sum(len(rollout.tokens) for rollout in engine.generate(requests, sampling))
    return tokens / (time.perf_counter() - start)


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    """Measures both in turn and prints the medians."""
    parser = common.options(__doc__ or "")
    parser.add_argument("--model", default="embedded", help="embedded, a folder, or a Hub name")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--problems", type=int, default=16)
    parser.add_argument("--rollouts", type=int, default=4, help="of each problem")
    parser.add_argument("--tokens", type=int, default=64, help="of each rollout")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    policy = load_policy(ModelSpec(name=given.model, dtype=given.dtype, lora=LoraSpec()))
    count = given.problems * given.rollouts
    requests = make_requests(policy, given.problems, given.rollouts)
    longest = max(len(request.prompt) for request in requests) + given.tokens
    begin = time.perf_counter()
    vllm = VllmEngine(policy, concurrent=count, options=VllmOptions(memory=2**30, longest=longest))
    started = time.perf_counter() - begin
    engines: dict[str, Engine] = {"vllm": vllm, "local": LocalEngine(policy, concurrent=count)}
    found: dict[str, list[float]] = {name: [] for name in engines}
    for step in range(given.repeats + 1):  # the first of each warms up
        sampling = Sampling(max_tokens=given.tokens, step=step, stop=(policy.config.vocab_size - 1,))
        for name, engine in engines.items():
            found[name].append(speed(engine, requests, sampling))
    vllm.sync(policy)
    synced = seconds(lambda: vllm.generate(requests[:1], Sampling(max_tokens=1)))
    vllm.close()
    per_second = {name: statistics.median(values[1:]) for name, values in found.items()}
    numbers = {
        "ratio": per_second["vllm"] / per_second["local"],
        **{f"{name}_tokens_a_second": round(value) for name, value in per_second.items()},
        "seconds_to_start": round(started, 2),
        "seconds_to_sync": round(synced, 3),
        **{name: value for name, value in vars(given).items() if name != "save"},
    }
    common.publish("vllm_vs_local", numbers, save=given.save)


if __name__ == "__main__":
    main()
