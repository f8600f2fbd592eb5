"""Small random models and requests for the engines' tests."""

from functools import cache
from typing import Any

import torch
from transformers import AutoTokenizer, Qwen3Config, Qwen3ForCausalLM

from workbench.models import EMBEDDED_FOLDER, LoraSpec, ModelSpec
from workbench.models.encoder import TextEncoder
from workbench.models.load import add_adapter
from workbench.models.policy import LocalPolicy
from workbench.types import Problem, Request, Rollout

SIZES: dict[str, Any] = {
    "vocab_size": 448,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
    "initializer_range": 0.5,  # far from uniform, so that mistakes show
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
PROMPTS = ((1, 20, 30), (1, 40, 50, 60, 70, 80), (1,), (1, 99, 98, 97))


def build(kind: Any, config: Any, **changes: Any) -> Any:
    """A random transformers model; the same every time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return kind(config(**{**SIZES, **changes}))


def make_policy(model: Any, lora: LoraSpec | None = None) -> LocalPolicy:
    """A policy around a model, with the embedded tokenizer; an adapter's matrices are random."""
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED_FOLDER)
    if lora is not None:
        model = add_adapter(model, lora, seed=3)
        with torch.random.fork_rng():
            torch.manual_seed(4)
            for name, weight in model.named_parameters():
                if "lora_B" in name:
                    torch.nn.init.normal_(weight, std=0.1)
    return LocalPolicy(model, TextEncoder(tokenizer, chat=True, stop=(2,)), ModelSpec(lora=lora))


@cache
def qwen3() -> LocalPolicy:
    """A random Qwen3; its weights are shared by tests, which leave them as they are."""
    return make_policy(build(Qwen3ForCausalLM, Qwen3Config))


def make_requests(n: int = 4, **fields: Any) -> list[Request]:
    """A request for every prompt."""
    return [
        Request(Problem(f"p{number}", "", ""), prompt, number, number, n=n, **fields)
        for number, prompt in enumerate(PROMPTS)
    ]


def logprobs(policy: LocalPolicy, rollout: Rollout, temperature: float = 1.0) -> torch.Tensor:
    """The log-prob of each token of an answer, from one pass of the whole text."""
    prompt = rollout.request.prompt
    tokens = torch.tensor([[*prompt, *rollout.tokens]])
    with torch.no_grad():
        read = (policy.logits(policy.hidden(tokens)[0]) / temperature).log_softmax(-1)
    return read[len(prompt) - 1 : -1].gather(1, tokens[0, len(prompt) :, None])[:, 0]
