"""Supervised training of a small Qwen3 from nothing: the same seed on the same machine gives the same bytes."""

import hashlib
import json
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

THREADS = 1  # sums of floating-point numbers depend on how they are split
IGNORED = -100  # a label that the loss skips

Example = tuple[list[int], list[int]]  # the tokens of a prompt and of its answer
Batch = tuple[Tensor, Tensor, Tensor]  # tokens, attention mask and labels, each [example, token]


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> Qwen3ForCausalLM:
    """An untrained model."""
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=64 * math.ceil(len(tokenizer) / 64),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        initializer_range=0.05,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        dtype=torch.float32,
    )
    return Qwen3ForCausalLM(config)


def encoded(tokenizer: PreTrainedTokenizerFast, prompt: str, answer: str) -> Example:
    """The tokens of a prompt and of its answer, which ends with the end-of-text token."""
    number = tokenizer.eos_token_id
    if not isinstance(number, int):
        raise ValueError(f"eos_token_id={number!r}: the tokenizer needs an end-of-text token; see vocabulary.py")
    return tokenizer.encode(prompt), [*tokenizer.encode(answer, add_special_tokens=False), number]


def padded(examples: Sequence[Example]) -> Batch:
    """A batch of examples, padded to the longest; only answers have labels."""
    count, width = len(examples), max(len(prompt) + len(answer) for prompt, answer in examples)
    tokens = torch.zeros(count, width, dtype=torch.long)
    labels = torch.full((count, width), IGNORED)
    mask = torch.zeros(count, width, dtype=torch.long)
    for row, (prompt, answer) in enumerate(examples):
        end = len(prompt) + len(answer)
        tokens[row, :end] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : end] = torch.tensor(answer)
        mask[row, :end] = 1
    return tokens, mask, labels


def train(
    model: Qwen3ForCausalLM, batches: Iterator[Batch], steps: int, learning_rate: float, every: int = 50
) -> list[float]:
    """So many steps, one batch each; the loss of every step. Prints a line every so many steps (0: none).

    The learning rate warms up over a twentieth of the steps and falls to a tenth as a cosine.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    losses: list[float] = []
    begun = time.monotonic()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * schedule(step / steps)
        tokens, mask, labels = next(batches)
        loss = model(input_ids=tokens, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        if every and (step + 1) % every == 0:
            mean = sum(losses[-every:]) / every
            print(f"step {step + 1}/{steps} loss {mean:.4f} after {time.monotonic() - begun:.0f} s", flush=True)
    return losses


def schedule(done: float) -> float:
    """The learning rate's factor after a share of the steps.

    >>> schedule(0.025), schedule(1.0)
    (0.5, 0.1)
    """
    if done < 0.05:
        return done / 0.05
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (done - 0.05) / 0.95))


def save(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path, most_tokens: int = 64) -> None:
    """Writes what `from_pretrained` reads; `most_tokens` of a completion, by default."""
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_new_tokens=most_tokens,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_made(folder: Path, model: Qwen3ForCausalLM, seed: int, stages: list[dict[str, Any]], seconds: float) -> None:
    """Writes `made.json`: how the model beside it was made, and the fingerprint of its weights."""
    made = {
        "seed": seed,
        "threads": THREADS,
        "torch": torch.__version__,
        "stages": stages,
        "parameters": model.num_parameters(),
        "seconds": round(seconds),
        "sha256": fingerprint(folder / "model.safetensors"),
    }
    (folder / "made.json").write_text(json.dumps(made, indent=2) + "\n")


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
