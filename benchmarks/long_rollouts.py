"""One update on rollouts of 8,192 tokens with a model of Qwen2.5-0.5B's shape: its memory against the forecast.

Random weights, LoRA, checkpointed layers, bfloat16; completions of a fixed length go through the trainer's update, one
per micro-batch. `over_forecast` is the peak of live tensor bytes over what `workbench plan` says, the engine and the
process apart. `table` is the largest tensor with a vocabulary axis that is no weight, in tokens: a chunk, never the
whole completion.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks import common
from benchmarks.decode_floor import QWEN
from benchmarks.plan_error import PROMPT, forecast, live_peak
from workbench.config import RunConfig
from workbench.models.size import size_of
from workbench.planning.memory import Assumed, largest_batch
from workbench.runs.demo import demo_config
from workbench.runs.process.build import build
from workbench.training.sampling import Clock, Sampled
from workbench.types import Group, Problem, Request, Rollout

SHORT = 8  # tokens of the answer that the long ones are compared with


class Tables(TorchDispatchMode):
    """Watches every tensor made inside: `tokens` is the most that one with a vocabulary axis holds, weights apart."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.vocabulary, self.width, self.tokens = vocabulary, width, 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), keywords: Any = None) -> Any:
        answer = function(*arguments, **(keywords or {}))
        for item in tree_leaves(answer):
            if isinstance(item, Tensor) and self.vocabulary in item.shape:
                tokens = item.numel() // self.vocabulary
                self.tokens = max(self.tokens, 0 if tokens == self.width else tokens)
        return answer


def make_model(folder: Path, shape: dict[str, Any]) -> None:
    """A model of this shape with random weights, and the embedded model's tokenizer."""
    from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config

    from workbench.models.shipped import EMBEDDED_FOLDER

    AutoModelForCausalLM.from_config(Qwen2Config(**shape), dtype=torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(EMBEDDED_FOLDER).save_pretrained(folder)


def long_config(folder: Path, tokens: int, rollouts: int) -> RunConfig:
    """One group of so many long answers and a short one, each long one a micro-batch of its own."""
    return demo_config().replace(
        model={"name": str(folder), "device": "cpu", "dtype": "bfloat16", "lora": {}, "gradient_checkpointing": True},
        method={"method": "grpo"},
        rollouts={"problems": 1, "rollouts": rollouts + 1, "max_tokens": tokens},
        training={"micro_batch": PROMPT + tokens, "threads": torch.get_num_threads()},
    )


def forced(config: RunConfig) -> Sampled:
    """A judged group whose answers are as long as they may be, but for the last, which is there for comparison."""
    count, tokens = config.rollouts.rollouts, config.rollouts.max_tokens
    draw = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 100, (count + 1, tokens), generator=draw).tolist()
    request = Request(Problem("0", "", ""), tuple(ids[count][:PROMPT]), group=0, number=0, n=count)
    rollouts = []
    for place in range(count):
        answer = ids[place][: tokens if place < count - 1 else SHORT]
        known = [-1.0] * len(answer)
        rollouts.append(Rollout(request, place, answer, "", known, known, "length", reward=float(place % 2)))
    return Sampled([Group(0, request.problem, rollouts)], {0})


def measure(config: RunConfig) -> dict[str, Any]:
    """One update: its peak beside the forecast, its seconds, its largest table of logits."""
    size, assumed = size_of(config.model), Assumed(prompt=PROMPT, flat=1.0)  # random weights: flat distributions
    said, trainer = forecast(config, assumed), build(config)
    standing = sum(weight.nbytes for weight in trainer.policy.model.parameters())
    tables, sampled, began = Tables(size.vocabulary, size.width), forced(config), time.perf_counter()

    def update() -> None:
        trainer.learner.learn(sampled, 1, Clock())

    with tables:
        real = standing + live_peak(update)
    return {
        "over_forecast": real / said,
        "forecast": said,
        "measured": real,
        "table": tables.tokens,
        "answer": config.rollouts.max_tokens,
        "layers": size.layers,
        "rollouts": config.rollouts.rollouts - 1,
        "micro_batch_rows": largest_batch(config, assumed).rows,
        "seconds": round(time.perf_counter() - began, 1),
    }


def main() -> int:
    """Measures; fails where the peak is more than a tenth above the forecast, or a whole answer's logits existed."""
    parser = common.options(__doc__ or "")
    parser.add_argument("--tokens", type=int, default=8192, help="of each answer")
    parser.add_argument("--rollouts", type=int, default=1)
    parser.add_argument("--layers", type=int, default=QWEN["num_hidden_layers"], help="fewer make it faster")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        make_model(Path(folder), {**QWEN, "num_hidden_layers": given.layers})
        found = measure(long_config(Path(folder), given.tokens, given.rollouts))
    common.publish("long_rollouts", found, save=given.save)
    return int(found["over_forecast"] > 1.1 or found["table"] >= given.tokens)


if __name__ == "__main__":
    sys.exit(main())
