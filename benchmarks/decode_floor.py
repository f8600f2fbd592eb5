"""Tokens a second of the local engine on a GPU, with steps recorded as CUDA graphs and without, against the floor.

The floor is the time in which the device reads what each step has to read: the weights, and the keys and values held,
the prompts once for all rollouts of a problem. Its bandwidth is measured in the same run, by copying a large tensor. A
model of Qwen2.5-0.5B's shape with random weights and an adapter, bfloat16; nothing ends an answer early. `ratio`: with
graphs against without. `--small` runs a tiny model on a CPU, without graphs, which shows that the script works.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks import common
from benchmarks.engine_rollouts import make_requests
from workbench.engines.local.decoder import ModuleDecoder
from workbench.engines.local.engine import LocalEngine
from workbench.engines.options import LocalOptions
from workbench.models import EMBEDDED_FOLDER, LoraSpec, ModelSpec, load_policy
from workbench.models.policy import LocalPolicy
from workbench.types import Request, Sampling

#: config.json of Qwen/Qwen2.5-0.5B.
QWEN = {
    "vocab_size": 151_936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32_768,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1_000_000.0},
    "tie_word_embeddings": True,
    "use_sliding_window": False,
    "initializer_range": 0.02,
}
TINY = {"vocab_size": 512, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
TINY |= {"num_attention_heads": 4, "max_position_embeddings": 512}
#: Of the final norm. Five tokens then hold 90 % of the probability at nine places in ten, as in a trained model: what
#: is recorded of a flat distribution costs more.
SHARPNESS = 20.0


@dataclass(frozen=True)
class Size:
    """How much is asked for."""

    problems: int = 8
    rollouts: int = 16
    tokens: int = 512
    copied: int = 2**30  # bytes of the copy that measures the bandwidth


SMALL = Size(problems=2, rollouts=2, tokens=24, copied=2**24)


def make_model(folder: Path, *, small: bool) -> ModelSpec:
    """A model with random weights, and the embedded model's tokenizer with an end token that no model can write."""
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(**{**QWEN, **(TINY if small else {})})
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(config)
    torch.nn.init.constant_(model.model.norm.weight, SHARPNESS)
    model.generation_config = GenerationConfig()
    model.to(torch.bfloat16).save_pretrained(folder)
    tokenizer = json.loads((EMBEDDED_FOLDER / "tokenizer.json").read_text(encoding="utf-8"))
    end = next(token for token in tokenizer["added_tokens"] if token["content"] == "<|eos|>")
    never = {**end, "content": "<|never|>", "id": config.vocab_size}
    tokenizer["added_tokens"].append(never)
    tokenizer["model"]["vocab"][never["content"]] = never["id"]
    settings = json.loads((EMBEDDED_FOLDER / "tokenizer_config.json").read_text(encoding="utf-8"))
    for name, content in (("tokenizer", tokenizer), ("tokenizer_config", {**settings, "eos_token": "<|never|>"})):
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    return ModelSpec(name=str(folder), dtype="bfloat16", device="cpu" if small else "cuda", lora=LoraSpec())


def settle(device: torch.device) -> None:
    """Waits until the device has done what it was asked for."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(call: Callable[[], object], device: torch.device) -> float:
    """Seconds of a call, up to the end of its work on the device."""
    settle(device)
    began = time.perf_counter()
    call()
    settle(device)
    return time.perf_counter() - began


def bandwidth(device: torch.device, copied: int) -> float:
    """Bytes a second that the device reads and writes while it copies so many bytes."""
    source = torch.zeros(copied, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = [timed(lambda: target.copy_(source), device) for _ in range(7)]
    return 2 * copied / statistics.median(seconds[2:])


def bytes_read(policy: LocalPolicy, requests: list[Request], tokens: int) -> int:
    """What decoding has to read: in each step all weights, and the keys and values of prompts and answers so far."""
    shape = ModuleDecoder(policy).shape
    weights = sum(nbytes(weight) for weight in policy.model.parameters())
    prompts, rollouts = sum(len(request.prompt) for request in requests), sum(request.n for request in requests)
    held = tokens * prompts + rollouts * tokens * (tokens + 1) // 2
    return tokens * weights + held * shape.token_bytes()


def nbytes(tensor: Tensor) -> int:
    """Bytes of a tensor."""
    return tensor.numel() * tensor.element_size()


def measure(spec: ModelSpec, size: Size, repeats: int) -> dict[str, object]:
    """All numbers of the line."""
    policy = load_policy(spec)
    requests, count = make_requests(policy, size.problems, size.rollouts), size.problems * size.rollouts
    ways = {"graphs": True, "plain": False} if policy.device.type == "cuda" else {"plain": False}
    engines = {
        name: LocalEngine(policy, concurrent=count, options=LocalOptions(graphs=graphs))
        for name, graphs in ways.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for step in range(repeats + 1):  # the first of each warms up, and records
        sampling = Sampling(max_tokens=size.tokens, step=step)
        for name, engine in engines.items():
            seconds[name].append(timed(lambda: engine.generate(requests, sampling), policy.device))  # noqa: B023
    middle = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    speed = bandwidth(policy.device, size.copied)
    floor = bytes_read(policy, requests, size.tokens) / speed
    best = min(middle.values())
    return {
        "ratio": round(middle["plain"] / middle["graphs"], 3) if "graphs" in middle else None,
        "floor_share": round(floor / best, 3),
        "floor_seconds": round(floor, 4),
        "gigabytes_a_second": round(speed / 1e9, 1),
        **{f"{name}_tokens_a_second": round(count * size.tokens / value) for name, value in middle.items()},
        "milliseconds_a_step": {name: round(1e3 * value / size.tokens, 3) for name, value in middle.items()},
        "first_seconds": {name: round(values[0], 3) for name, values in seconds.items()},
        "decoder": type(engines["plain"].decoder).__name__,
        "problems": size.problems,
        "rollouts": size.rollouts,
        "tokens": size.tokens,
    }


def main(arguments: list[str]) -> int:
    """Measures, or says that there is nothing to measure on."""
    parser = common.options(__doc__ or "")
    parser.add_argument("--small", action="store_true", help="a tiny model on a CPU: shows that the script works")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    if not torch.cuda.is_available() and not given.small:
        reason = "not measured: no NVIDIA GPU; --small tries the script on a CPU"
        common.publish("decode_floor", {"measured": False, "reason": reason}, save=False)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        spec = make_model(Path(folder), small=given.small)
        numbers = measure(spec, SMALL if given.small else Size(), given.repeats)
    common.publish("decode_floor", {"measured": not given.small, **numbers}, save=given.save and not given.small)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
