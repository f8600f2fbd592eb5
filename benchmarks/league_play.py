"""One play of the league: a method trains the embedded model once, and is evaluated on held-out problems."""

import dataclasses
import gc
import json
import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.analysis.evaluate import pass_at
from workbench.config import RunConfig
from workbench.runs.process.build import build
from workbench.tasks.word_problems import WordProblems
from workbench.training.evaluation import ask
from workbench.training.trainer import Trainer
from workbench.types import Sampling

NOISE = 1_000_000  # the step whose noise an examination takes: no step of training has it
LAST = 5  # steps whose entropy is averaged


STORIES = WordProblems(level=2)


def pooled(count: int, held_out: int) -> dict[str, Any]:
    """The table of a task with so many of the problems, and the held-out ones, as files beside other temporary ones."""
    folder = Path(tempfile.gettempdir()) / f"league-{count}-{held_out}"
    folder.mkdir(exist_ok=True)
    for name, split, size in (("train", "train", count), ("test", "test", max(held_out, 256))):
        found = (STORIES.problem(number, split) for number in range(size))  # type: ignore[arg-type]
        lines = [json.dumps({"prompt": each.prompt, "answer": each.answer, **each.data}) for each in found]
        part = folder / f"{name}-{os.getpid()}"
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")
        part.replace(folder / f"{name}.jsonl")  # whole or not there, for plays beside this one
    return {"task": "jsonl", "path": str(folder / "train.jsonl"), "test_path": str(folder / "test.jsonl")}


@dataclass(frozen=True)
class Play:
    """What is played: all that changes a number of it."""

    method: str
    learning_rate: float
    seed: int
    steps: int = 40
    problems: int = 8
    rollouts: int = 8
    held_out: int = 1024  # problems answered once
    tries: int = 16  # answers to each of `tried` problems; 0: none
    tried: int = 128
    pool: int = 0  # problems to train on; 0: without end, so that none is seen twice

    def config(self) -> RunConfig:
        """The run: one thread, no evaluation of the trainer's own, nothing else than the method's defaults."""
        return RunConfig(
            name="league",
            seed=self.seed,
            task=pooled(self.pool, self.held_out) if self.pool else STORIES.to_dict(),
            rewards=["exact"],
            method=self.method,
            rollouts={"problems": self.problems, "rollouts": self.rollouts, "max_tokens": 96},
            training={"steps": self.steps, "learning_rate": self.learning_rate, "threads": 1},
            evaluation={"problems": 0},
            record={"tokens": "none"},
        )


def play(wanted: Play) -> dict[str, Any]:
    """Trains and examines; a run that breaks off is answered with its reason under `failed`."""
    line: dict[str, Any] = dataclasses.asdict(wanted)
    began, busy = time.perf_counter(), time.process_time()
    try:
        trainer = build(wanted.config())
        entropies, tokens = [], 0.0
        for step in trainer:
            entropies.append(step.metrics.get("entropy"))
            tokens += step.metrics.get("tokens", 0.0)  # a survey before the first step counts none
        line |= {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - busy, "tokens": tokens}
        line |= {"entropy": mean([value for value in entropies[-LAST:] if value is not None])}
        line |= examination(trainer, wanted)
    except (ValueError, RuntimeError) as error:  # the league continues, and its table says so
        line["failed"] = f"{type(error).__name__}: {error}"
    gc.collect()  # a trainer and its engine refer to each other
    return {name: round(value, 5) if isinstance(value, float) else value for name, value in line.items()}


def examination(trainer: Trainer, wanted: Play) -> dict[str, float | None]:
    """Accuracy over the held-out problems, one answer each, and pass@tries over the first; at temperature 1.

    The noise is the same for every method.
    """
    sampling = Sampling(max_tokens=96, stop=trainer.stop_tokens, seed=0, step=NOISE)
    single = ask(trainer.parts, wanted.held_out, 1, sampling).groups
    found: dict[str, float | None] = {"accuracy": mean([group.accuracy for group in single])}
    if wanted.tries:
        groups = ask(trainer.parts, wanted.tried, wanted.tries, sampling).groups
        rights = [round(group.accuracy * wanted.tries) for group in groups]
        found["pass_k"] = mean([pass_at(right, wanted.tries, wanted.tries) for right in rights])
        found["length"] = mean([len(rollout.tokens) for group in groups for rollout in group.rollouts])
    return found


def mean(values: Sequence[float]) -> float | None:
    """The mean; None of nothing."""
    return statistics.fmean(values) if values else None
