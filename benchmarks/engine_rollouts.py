"""Rollouts a second: the local engine against transformers' `generate`, same weights, same prompts, same length limit.

`python -m benchmarks.engine_rollouts` prints one JSON line. The peer gets the whole batch at once, padded on the
left, as its users do. The two sample different tokens, so `ratio` compares seconds per generated token; both record
only tokens, except that the engine also keeps the log-prob of each.
"""

import statistics
import time
from typing import Any

import torch

from benchmarks import common
from workbench.engines.local.engine import LocalEngine
from workbench.models import ModelSpec, load_policy
from workbench.models.policy import LocalPolicy
from workbench.tasks.word_problems import WordProblems
from workbench.types import Request, Sampling


def make_requests(policy: LocalPolicy, problems: int, rollouts: int) -> list[Request]:
    """The first word problems, each asked `rollouts` times."""
    task = WordProblems()
    asked = [task.problem(number, "train") for number in range(problems)]
    return [
        Request(problem, policy.encoder.prompt(problem.prompt), number, number, n=rollouts)
        for number, problem in enumerate(asked)
    ]


def ours(engine: LocalEngine, requests: list[Request], sampling: Sampling) -> int:
    """One call; how many tokens were written."""
    return sum(len(rollout.tokens) for rollout in engine.generate(requests, sampling))


@torch.no_grad()
def peer(policy: LocalPolicy, requests: list[Request], sampling: Sampling) -> int:
    """One call of `generate`; how many tokens were written, up to each stop."""
    width = max(len(request.prompt) for request in requests)
    prompts = [request.prompt for request in requests for _ in range(request.n)]
    tokens = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    stop = policy.encoder.stop
    written = policy.causal.generate(
        input_ids=tokens,
        attention_mask=mask,
        do_sample=True,
        temperature=sampling.temperature,
        top_k=0,
        top_p=1.0,
        max_new_tokens=sampling.max_tokens,
        eos_token_id=list(stop),
        pad_token_id=0,
    )[:, width:]
    ended = torch.isin(written, torch.tensor(stop)).int()
    return int((ended.cumsum(1) - ended == 0).sum())


def timed(call: Any) -> tuple[float, float]:
    """Seconds and processor seconds (of all threads) per token of one call."""
    start, processor = time.perf_counter(), time.process_time()
    tokens: int = call()
    return (time.perf_counter() - start) / tokens, (time.process_time() - processor) / tokens


def median(measured: list[tuple[float, float]], which: int) -> float:
    """The median of seconds (0) or processor seconds (1), the first call left out."""
    return statistics.median(each[which] for each in measured[1:])


def main() -> None:
    """Measures both in turn and prints the medians."""
    parser = common.options(__doc__ or "")
    parser.add_argument("--model", default="embedded", help="embedded, a folder, or a Hub name")
    parser.add_argument("--problems", type=int, default=16)
    parser.add_argument("--rollouts", type=int, default=16, help="of each problem")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    policy, plain = (load_policy(ModelSpec(name=given.model, linear=how)) for how in ("auto", "torch"))
    engine = LocalEngine(policy, concurrent=given.problems * given.rollouts)
    requests = make_requests(policy, given.problems, given.rollouts)
    mine, theirs, length = [], [], []
    for step in range(given.repeats + 1):  # the first of each warms up
        sampling = Sampling(max_tokens=given.max_tokens, step=step)
        mine.append(timed(lambda sampling=sampling: ours(engine, requests, sampling)))
        torch.manual_seed(step)
        theirs.append(timed(lambda sampling=sampling: peer(plain, requests, sampling)))
        length.append(ours(engine, requests, sampling) / given.problems / given.rollouts)
    tokens = statistics.median(length) * given.problems * given.rollouts
    numbers = {
        "ratio": median(theirs, 0) / median(mine, 0),
        "processor_ratio": median(theirs, 1) / median(mine, 1),
        "seconds": median(mine, 0) * tokens,
        "peer_seconds": median(theirs, 0) * tokens,
        "peer": "transformers generate",
        "tokens_a_rollout": statistics.median(length),
        **{
            name: getattr(given, name) for name in ("model", "problems", "rollouts", "max_tokens", "repeats", "threads")
        },
    }
    common.publish("engine_rollouts", numbers, save=given.save)


if __name__ == "__main__":
    main()
