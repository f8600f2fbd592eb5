"""Memory as `workbench plan` forecasts it against the peak of live tensor bytes of two real updates on a CPU.

Weights, adapter, gradients, optimiser, activations and logits; the engine and the process itself are not in the
measurement. `worst_error` is the largest |forecast / measured - 1|. The embedded model and a model of a larger shape
with random weights, whose distributions are flat; every completion has the maximum length.
"""

import gc
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks import common
from workbench.config import RunConfig
from workbench.models.load import load_policy
from workbench.models.size import size_of
from workbench.models.spec import ModelSpec
from workbench.planning.memory import Assumed, components, largest_batch, peak
from workbench.runs.demo import demo_config
from workbench.signals import RECORDED
from workbench.training.forward import Forward
from workbench.types import Row

PROMPT = 64
ENGINE = ("floor", "engine weights", "keys and values", "prefill", "drawing")
LARGE = {
    "hidden_size": 512,
    "intermediate_size": 1536,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "head_dim": 64,
}


def cases(large: str) -> dict[str, dict[str, Any]]:
    """Changes of the demonstration, by name; each peaks above a gigabyte."""
    lora: dict[str, Any] = {"rank": 16}
    shape = {"name": large, "linear": "torch"}
    few = {"rollouts": {"max_tokens": 192}, "training": {"micro_batch": 2560}}
    return {
        "embedded, all weights": {},
        "embedded, LoRA, 256 tokens": {"model": {"lora": lora}, "rollouts": {"max_tokens": 256}},
        "embedded, LoRA, bfloat16, 512 tokens": {
            "model": {"lora": lora, "dtype": "bfloat16"},
            "rollouts": {"max_tokens": 512},
        },
        "large, all weights": {"model": shape, **few},
        "large, LoRA": {"model": {**shape, "lora": lora}, **few},
        "large, LoRA, NF4": {"model": {**shape, "lora": lora, "dtype": "bfloat16", "quantisation": "nf4"}, **few},
        "large, LoRA, checkpointed": {"model": {**shape, "lora": lora, "gradient_checkpointing": True}, **few},
    }


def make_large(folder: Path) -> None:
    """A model of the larger shape with random weights, and the embedded model's tokenizer."""
    from transformers import AutoModelForCausalLM, Qwen3Config

    config = Qwen3Config(vocab_size=32_000, num_key_value_heads=2, tie_word_embeddings=True, **LARGE)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    load_policy(ModelSpec(device="cpu")).encoder.tokenizer.save_pretrained(folder)


def forecast(config: RunConfig, assumed: Assumed) -> int:
    """Bytes that the trainer is said to need at most."""
    parts = components(config, size_of(config.model), "cpu", assumed)
    return peak([part for part in parts if part.name not in ENGINE])[0]


def measured(config: RunConfig, assumed: Assumed) -> int:
    """The most live bytes of tensors while a policy is updated twice, its weights included."""
    policy, batch = load_policy(config.model), largest_batch(config, assumed)
    rows = [Row([1 + number % batch.prompts] * batch.prompt, [5] * batch.answer) for number in range(batch.rows)]
    names = (*RECORDED, "kl") if policy.adapted else RECORDED
    forward, weights = Forward(policy, budget=10**9), list(policy.trainable().values())
    optimiser = torch.optim.AdamW(weights)
    standing = sum(weight.nbytes for weight in policy.model.parameters())

    def update_twice() -> None:
        for _ in range(2):
            forward.read(rows, names, {"logprob"})["logprob"].sum().backward()
            optimiser.step()

    return standing + live_peak(update_twice)


def live_peak(work: Callable[[], None]) -> int:
    """The most bytes of tensors alive at once beyond those at the start, by torch's profiler."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        work()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        most = max(most, live)
    return most


def main() -> int:
    """Measures every case."""
    given = common.options(__doc__ or "").parse_args()
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        make_large(Path(folder))
        for name, changes in cases(folder).items():
            config = demo_config().replace(**changes).replace(model={"device": "cpu"})
            assumed = Assumed(prompt=PROMPT, flat=float(name.startswith("large")))
            said, real = forecast(config, assumed), measured(config, assumed)
            found[name] = {"forecast": said, "measured": real, "error": said / real - 1}
    worst = max(abs(case["error"]) for case in found.values())
    common.publish("plan_error", {"worst_error": worst, "cases": found}, save=given.save)
    return 0


if __name__ == "__main__":
    sys.exit(main())
