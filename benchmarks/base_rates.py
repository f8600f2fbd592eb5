"""How often tasks are solved before any training, by the embedded model and by SmolLM2-135M; one JSON line.

`python -m benchmarks.base_rates --save` keeps it, `make tables` writes it into docs/tasks.md. `k` completions of each
of the first held-out problems at temperature 1, graded by the task's usual reward; a mean over problems with the 95 %
interval of a bootstrap. Of the embedded model eight times as many problems are asked. Tasks on real problems need
WORKBENCH_DATA, those of reasoning-gym its extra.
"""

import importlib.util
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.common import options, publish
from workbench.analysis.evaluate import Tally, passes
from workbench.engines.local.engine import LocalEngine
from workbench.kinds import Reward, Task
from workbench.models import ModelSpec, load_policy
from workbench.models.smollm2 import SMOLLM2
from workbench.registry import load
from workbench.rewards.scoring import score_group
from workbench.types import Group, Request, Sampling


@dataclass(frozen=True)
class Row:
    """A task with its usual reward, the model that is asked, and most tokens of a completion."""

    task: dict[str, Any]
    reward: str
    model: str = "SmolLM2-135M"
    tokens: int = 64

    @property
    def fields(self) -> str:
        """The task's fields as they are written in a config."""
        named = {key: value for key, value in self.task.items() if key not in ("task", "path")}
        return ", ".join(f"{key} = {value}" for key, value in named.items())


def rows() -> Iterator[Row]:
    """What is measured here."""
    for level in (1, 2, 3):
        for name in ("sums", "word_problems"):
            yield Row({"task": name, "level": level}, "exact", "embedded", 40)
    for form in ("sums", "stories"):
        yield Row({"task": "two_numbers", "form": form, "largest": 9}, "math", tokens=16)
    yield Row({"task": "minds"}, "exact")
    for family in ("subset_sum", "clique"):
        yield Row({"task": "np_hard", "family": family, "level": "tiny"}, "np_hard")
    if importlib.util.find_spec("reasoning_gym") is not None:
        yield Row({"task": "reasoning_gym", "dataset": "chain_sum", "level": 0}, "reasoning_gym")
        yield Row({"task": "reasoning_gym", "dataset": "spell_backward", "level": 0}, "reasoning_gym")
    if "WORKBENCH_DATA" in os.environ:
        path = Path(os.environ["WORKBENCH_DATA"]) / "gsm8k" / "test.jsonl"
        yield Row({"task": "gsm8k", "path": str(path)}, "math", tokens=160)


def measure(engine: LocalEngine, row: Row, problems: int, k: int) -> dict[str, Any]:
    """pass@1 and pass@k of one task."""
    task, reward = Task.parse(row.task), Reward.parse(row.reward)
    size = task.size("test")
    asked = [task.problem(number, "test") for number in range(problems if size is None else min(problems, size))]
    encoder = engine.policy.encoder
    requests = [Request(each, encoder.prompt(each.prompt), place, place, n=k) for place, each in enumerate(asked)]
    groups = [Group(place, each, []) for place, each in enumerate(asked)]
    started = time.process_time()
    for rollout in engine.generate(requests, Sampling(max_tokens=row.tokens, stop=encoder.stop)):
        groups[rollout.request.group].rollouts.append(rollout)
    for group in groups:
        score_group([(row.reward, reward, 1.0)], (), group, None, row.tokens)
    tallies = [Tally(int(sum(r.outcome for r in group.rollouts)), len(group.rollouts)) for group in groups]
    one, more = passes(tallies, 1), passes(tallies, k)
    numbers = {
        "pass@1": [round(value, 4) for value in (one.value, one.low, one.high)],
        f"pass@{k}": round(more.value, 4),
    }
    cut = sum(rollout.finish == "length" for group in groups for rollout in group.rollouts) / (k * len(groups))
    given = {"task": row.task["task"], "fields": row.fields, "reward": row.reward, "model": row.model}
    seconds = round(time.process_time() - started, 1)
    return {
        **given,
        **numbers,
        "truncated": round(cut, 3),
        "tokens": row.tokens,
        "problems": len(groups),
        "seconds": seconds,
    }


def main(arguments: list[str]) -> int:
    """Measures every row."""
    parser = options(__doc__ or "")
    parser.add_argument("--problems", type=int, default=22, help="held-out problems of each task")
    parser.add_argument("-k", type=int, default=4, help="completions of each")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    load()
    torch.set_num_threads(given.threads)
    engines = {"embedded": LocalEngine(load_policy(ModelSpec(device="cpu")))}
    engines["SmolLM2-135M"] = LocalEngine(load_policy(ModelSpec(name=SMOLLM2, device="cpu")))
    found = []
    for row in rows():
        found.append(measure(engines[row.model], row, given.problems * (8 if row.model == "embedded" else 1), given.k))
        print(found[-1], file=sys.stderr, flush=True)
    publish("base_rates", {"rows": found, "k": given.k, "problems": given.problems}, save=given.save)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
