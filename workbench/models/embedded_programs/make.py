"""Makes the embedded model for programs: `python -m workbench.models.embedded_programs.make`. Seeded.

Two stages of supervised training on the train split. In the first every answer is worked and correct, so that the model
learns what programs do; in the second guesses and errors are mixed in, which reinforcement learning has to unlearn.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import torch
from transformers import PreTrainedTokenizerFast

from workbench.models.embedded_programs import FOLDER
from workbench.models.embedded_programs.tokens import make_tokenizer
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
from workbench.problems.programs.asking import KINDS
from workbench.problems.programs.traces import CLEAN, Habits, proposing, solving

POOL = 8  # batches that are sorted by length together
MOST_TOKENS = 96  # of an answer
#: How many lines a program has, drawn from with equal chance: of each kind to solve, and of proposals.
SOLVED = {"predict": (1, 1, 1, 2, 2, 3), "find": (1, 2, 2, 3), "write": (1, 1, 1, 2, 2)}
PROPOSED = (1, 2, 2, 3)


@dataclass(frozen=True)
class Stage:
    """One stretch of training."""

    steps: int
    learning_rate: float
    habits: Habits
    solve: tuple[float, float, float] = (0.32, 0.18, 0.34)  # shares of predict, find, write
    propose: tuple[float, float, float] = (0.05, 0.05, 0.06)  # the same, of proposals
    batch: int = 64


STAGES = (
    Stage(steps=3400, learning_rate=3e-3, habits=CLEAN),
    Stage(steps=300, learning_rate=5e-4, habits=Habits()),
)


def example(tokenizer: PreTrainedTokenizerFast, stage: Stage, random: Random) -> Example:
    """The tokens of a prompt and an answer."""
    ((role, kind),) = random.choices(
        [(role, kind) for role in ("solve", "propose") for kind in KINDS], weights=[*stage.solve, *stage.propose]
    )
    lines = random.choice(PROPOSED if role == "propose" else SOLVED[kind])
    texts = proposing(random, kind, lines) if role == "propose" else solving(random, kind, lines, stage.habits)
    return encoded(tokenizer, *texts)


def batches(tokenizer: PreTrainedTokenizerFast, stage: Stage, random: Random) -> Iterator[Batch]:
    """Batches of examples of about the same length, without end."""
    while True:
        pool = [example(tokenizer, stage, random) for _ in range(POOL * stage.batch)]
        pool.sort(key=lambda pair: len(pair[0]) + len(pair[1]))
        starts = list(range(0, len(pool), stage.batch))
        random.shuffle(starts)
        for start in starts:
            yield padded(pool[start : start + stage.batch])


def make(folder: Path, stages: tuple[Stage, ...] = STAGES, seed: int = 0) -> None:
    """Trains and writes model, tokenizer and `made.json`, which says how they were made and what came out."""
    torch.set_num_threads(THREADS)
    tokenizer = make_tokenizer()
    model = new_model(tokenizer, seed)
    begun = time.monotonic()
    for number, stage in enumerate(stages):
        examples = batches(tokenizer, stage, Random(len(stages) * seed + number))
        train(model, examples, stage.steps, stage.learning_rate)
    save(model, tokenizer, folder, MOST_TOKENS)
    write_made(folder, model, seed, [asdict(stage) for stage in stages], time.monotonic() - begun)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Makes the embedded model for programs.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="seed of weights and examples")
    arguments = parser.parse_args()
    make(arguments.out, seed=arguments.seed)


if __name__ == "__main__":
    main()
