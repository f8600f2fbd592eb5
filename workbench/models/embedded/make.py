"""Makes the embedded model: `python -m workbench.models.embedded.make`. Seeded; the same machine gives the same bytes.

Two stages of supervised training on the train split. In the first nearly every answer is worked step by step, so
that the model learns to calculate; in the second the two habits are mixed as the model is to show them.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from transformers import PreTrainedTokenizerFast

from workbench.models.embedded import FOLDER
from workbench.models.embedded.tokens import make_tokenizer
from workbench.models.making.warm_up import (
    THREADS,
    Batch,
    Example,
    encoded,
    new_model,
    padded,
    save,
    train,
    write_made,
)
from workbench.tasks.sums import Sums
from workbench.tasks.traces import Habits, trace
from workbench.tasks.word_problems import WordProblems

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


def example(tokenizer: PreTrainedTokenizerFast, stage: Stage, random: Random) -> Example:
    """A problem of the train split with an answer: the tokens of both."""
    kind = WordProblems if random.random() < stage.stories else Sums
    problem = kind(level=random.choice(LEVELS)).problem(random.randrange(1 << 40), "train")
    return encoded(tokenizer, problem.prompt, trace(problem, stage.habits, random))


def batches(tokenizer: PreTrainedTokenizerFast, stage: Stage, random: Random) -> Iterator[Batch]:
    """Batches of a stage, without end."""
    while True:
        yield padded([example(tokenizer, stage, random) for _ in range(stage.batch)])


def make(folder: Path, stages: tuple[Stage, ...] = STAGES, seed: int = 0) -> None:
    """Trains and writes model, tokenizer and `made.json`, which says how they were made and what came out."""
    torch.set_num_threads(THREADS)
    tokenizer = make_tokenizer()
    model = new_model(tokenizer, seed)
    random = Random(seed)
    begun = time.monotonic()
    for stage in stages:
        train(model, batches(tokenizer, stage, random), stage.steps, stage.learning_rate)
    save(model, tokenizer, folder)
    write_made(folder, model, seed, [asdict(stage) for stage in stages], time.monotonic() - begun)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Makes the embedded model.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and examples")
    arguments = parser.parse_args()
    make(arguments.out, seed=arguments.seed)


if __name__ == "__main__":
    main()
