"""Seconds of a GRPO step against TRL's GRPOTrainer: same weights, same problems, same length limit, in turns.

Ours is the trainer process's own loop: it records every token of every rollout and writes its checkpoint, within the
measured time. TRL has its fastest settings (`trl_peer`), and records nothing.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common import options, publish, spread
from benchmarks.trl_peer import Measured, Setting, trl_steps
from workbench.config import RunConfig
from workbench.models.shipped import EMBEDDED
from workbench.runs.directory.paths import new_directory
from workbench.runs.prepare import prepare
from workbench.runs.process.job import from_config
from workbench.runs.process.worker import Worker
from workbench.tasks.word_problems import WordProblems

WANTED = 3.5


def config(setting: Setting) -> RunConfig:
    """Our side of the setting."""
    return RunConfig(
        name="step",
        seed=setting.seed,
        model=setting.model,
        task=setting.task,
        rewards=["exact" if setting.model.name == EMBEDDED else "math"],
        method={"method": "grpo", "surrogate": {"piece": "clip", "low": setting.clip, "high": setting.clip}},
        rollouts={"problems": setting.problems, "rollouts": setting.rollouts, "max_tokens": setting.max_tokens},
        training={
            "steps": setting.all_steps + 1,  # the last step keeps a second checkpoint: it is never made
            "learning_rate": setting.learning_rate,
            "threads": setting.threads,
            "micro_batch": setting.micro_batch,
        },
        evaluation={"problems": 0},
        record={"kl": False},  # TRL has no reference model here either
    )


class Ours:
    """One of our runs, a step at a time."""

    def __init__(self, setting: Setting, folder: Path) -> None:
        asked = config(setting)
        directory = prepare(asked, new_directory(folder, asked.name), asked.to_toml())
        self.setting = setting
        self.worker = Worker(directory, 1)
        self.worker.open()
        self.worker.load(from_config)
        self.steps = iter(self.worker.job.trainer)
        self.measured = Measured()
        self.phases: dict[str, list[float]] = {}

    def step(self, made: int) -> None:
        """Takes and records step number `made` (from 1)."""
        began, processor = time.perf_counter(), time.process_time()
        step = next(self.steps)
        self.worker.record(step)
        seconds = time.perf_counter() - began
        if made <= self.setting.warm_up:
            return
        self.measured.seconds.append(seconds)
        self.measured.processor.append(time.process_time() - processor)
        rollouts = self.setting.problems * self.setting.rollouts
        self.measured.tokens.append(step.metrics["tokens"] / rollouts)
        for name, value in self.worker.line.items():
            if name.startswith("seconds."):
                self.phases.setdefault(name.removeprefix("seconds."), []).append(value)


def main(arguments: list[str]) -> int:
    """Measures both in turns; fails where we are less than WANTED times as fast."""
    parser = options(__doc__ or "")
    parser.add_argument("--steps", type=int, default=12, help="steps that are counted")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--level", type=int, default=2, help="difficulty of the word problems")
    given = parser.parse_args(arguments)
    task = WordProblems(level=given.level)
    setting = Setting(task=task, steps=given.steps, threads=given.threads, max_tokens=given.max_tokens)
    with tempfile.TemporaryDirectory() as folder:
        ours = Ours(setting, Path(folder))
        trl = trl_steps(setting, between=ours.step)
    ratio = round(statistics.median(trl.seconds) / statistics.median(ours.measured.seconds), 3)
    numbers = {
        "ratio": ratio,
        "processor_ratio": round(statistics.median(trl.processor) / statistics.median(ours.measured.processor), 3),
        "wanted": WANTED,
        "ours": spread(ours.measured.seconds),
        "trl": spread(trl.seconds),
        "ours_phases": {name: round(statistics.median(values), 4) for name, values in ours.phases.items()},
        "ours_tokens": round(statistics.mean(ours.measured.tokens), 2),
        "trl_tokens": round(statistics.mean(trl.tokens), 2),
        "problems": setting.problems,
        "rollouts": setting.rollouts,
        "max_tokens": setting.max_tokens,
        "threads": setting.threads,
    }
    publish("step_vs_trl", numbers, save=given.save)
    return 0 if ratio >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
