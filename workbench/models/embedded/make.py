"""Makes the embedded model: `python -m workbench.models.embedded.make`. Seeded; the same machine gives the same bytes.

Two stages of supervised training on the train split. In the first nearly every answer is worked step by step, so
that the model learns to calculate; in the second the two habits are mixed as the model is to show them.
"""

import argparse
import hashlib
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from torch import Tensor
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from workbench.models.embedded import FOLDER
from workbench.models.embedded.tokens import make_tokenizer
from workbench.tasks.sums import Sums
from workbench.tasks.traces import Habits, trace
from workbench.tasks.word_problems import WordProblems

THREADS = 1  # sums of floating-point numbers depend on how they are split
IGNORED = -100  # a label that the loss passes over
LEVELS = (1, 2, 2, 3)  # drawn from with equal chance


@dataclass(frozen=True)
class Stage:
    """One stretch of training; the learning rate warms up over a twentieth of it and falls to a tenth as a cosine."""

    steps: int
    learning_rate: float
    habits: Habits
    stories: float = 0.6  # share of word problems; the others are sums
    batch: int = 64


CLEAN = Habits(steps=0.95, slip=0.0, right=1.0)
STAGES = (
    Stage(steps=2000, learning_rate=3e-3, habits=CLEAN, stories=0.1),
    Stage(steps=600, learning_rate=1.5e-3, habits=CLEAN),
    Stage(steps=200, learning_rate=5e-4, habits=Habits()),
)


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


def example(tokenizer: PreTrainedTokenizerFast, stage: Stage, random: Random) -> tuple[list[int], list[int]]:
    """A problem of the train split with an answer: the tokens of both."""
    kind = WordProblems if random.random() < stage.stories else Sums
    problem = kind(level=random.choice(LEVELS)).problem(random.randrange(1 << 40), "train")
    answer = trace(problem, stage.habits, random)
    return tokenizer.encode(problem.prompt), [*tokenizer.encode(answer, add_special_tokens=False), eos_of(tokenizer)]


def eos_of(tokenizer: PreTrainedTokenizerFast) -> int:
    """The number of the token that ends an answer."""
    number = tokenizer.eos_token_id
    if not isinstance(number, int):
        raise ValueError(f"eos_token_id={number!r}: the tokenizer needs an end-of-text token; see tokens.py")
    return number


def examples(tokenizer: PreTrainedTokenizerFast, stage: Stage, random: Random) -> tuple[Tensor, Tensor, Tensor]:
    """Padded tokens, attention mask and labels, each [example, token]; only answers have labels."""
    pairs = [example(tokenizer, stage, random) for _ in range(stage.batch)]
    width = max(len(prompt) + len(answer) for prompt, answer in pairs)
    tokens = torch.zeros(stage.batch, width, dtype=torch.long)
    labels = torch.full((stage.batch, width), IGNORED)
    mask = torch.zeros(stage.batch, width, dtype=torch.long)
    for row, (prompt, answer) in enumerate(pairs):
        end = len(prompt) + len(answer)
        tokens[row, :end] = torch.tensor(prompt + answer)
        labels[row, len(prompt) : end] = torch.tensor(answer)
        mask[row, :end] = 1
    return tokens, mask, labels


def train(
    model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, stage: Stage, random: Random, every: int = 50
) -> list[float]:
    """Runs a stage; the loss of every step. Prints a line every so many steps (0: none)."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=stage.learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    losses: list[float] = []
    begun = time.monotonic()
    for step in range(stage.steps):
        for group in optimiser.param_groups:
            group["lr"] = stage.learning_rate * schedule(step / stage.steps)
        tokens, mask, labels = examples(tokenizer, stage, random)
        loss = model(input_ids=tokens, attention_mask=mask, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        if every and (step + 1) % every == 0:
            mean = sum(losses[-every:]) / every
            print(f"step {step + 1}/{stage.steps} loss {mean:.4f} after {time.monotonic() - begun:.0f} s", flush=True)
    return losses


def schedule(done: float) -> float:
    """The learning rate's factor after a share of the stage.

    >>> schedule(0.025), schedule(1.0)
    (0.5, 0.1)
    """
    if done < 0.05:
        return done / 0.05
    return 0.1 + 0.9 * 0.5 * (1 + math.cos(math.pi * (done - 0.05) / 0.95))


def make(folder: Path, stages: tuple[Stage, ...] = STAGES, seed: int = 0) -> None:
    """Trains and writes model, tokenizer and `made.json`, which says how they were made and what came out."""
    torch.set_num_threads(THREADS)
    tokenizer = make_tokenizer()
    model = new_model(tokenizer, seed)
    random = Random(seed)
    begun = time.monotonic()
    for stage in stages:
        train(model, tokenizer, stage, random)
    save(model, tokenizer, folder)
    made = {
        "seed": seed,
        "threads": THREADS,
        "torch": torch.__version__,
        "stages": [asdict(stage) for stage in stages],
        "parameters": model.num_parameters(),
        "seconds": round(time.monotonic() - begun),
        "sha256": fingerprint(folder / "model.safetensors"),
    }
    (folder / "made.json").write_text(json.dumps(made, indent=2) + "\n")


def save(model: Qwen3ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Writes what `from_pretrained` reads."""
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        max_new_tokens=64,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def fingerprint(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Makes the embedded model.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and examples")
    arguments = parser.parse_args()
    make(arguments.out, seed=arguments.seed)


if __name__ == "__main__":
    main()
