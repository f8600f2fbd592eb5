"""Writes the samples that evaluations leave: a base that solves many problems at times, and a model that is sharper."""

import random
from pathlib import Path

from workbench.runs.directory.record import write_evaluation

PROBLEMS, SAMPLES = 40, 64


def write_samples(run: Path, step: int, rates: list[float], exam: str = "", samples: int = SAMPLES) -> Path:
    """One store: problem i is solved with probability rates[i]."""
    (run / "evaluations").mkdir(exist_ok=True)
    dice = random.Random(f"{exam} {step}")
    keys = [f"held_out/{number}" for number in range(len(rates)) for _ in range(samples)]
    correct = [float(dice.random() < rate) for rate in rates for _ in range(samples)]
    columns = {
        "step": [step] * len(keys), "problem": keys, "family": [""] * len(keys),
        "sample": [place % samples for place in range(len(keys))], "extracted": ["7"] * len(keys),
        "correct": correct, "reward": correct, "length": [9.0] * len(keys),
    }  # fmt: skip
    path = run / "evaluations" / f"samples-{exam + '-' if exam else ''}step-{step:06d}.parquet"
    write_evaluation(path, columns)
    return path


def sharpened(run: Path, steps: int) -> Path:
    """Two stores whose curves cross: the model solves half of the problems nearly always, and the others never."""
    write_samples(run, 0, [0.08 + 0.15 * (number % 4 == 0) for number in range(PROBLEMS)])
    write_samples(run, steps, [0.9 if number % 2 == 0 else 0.0 for number in range(PROBLEMS)])
    return run
