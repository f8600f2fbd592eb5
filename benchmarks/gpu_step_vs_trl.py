"""A whole GRPO step on a GPU, rollouts and update, against TRL's GRPOTrainer with Hugging Face `generate`, in turns.

A model of Qwen2.5-0.5B's shape with random weights, LoRA, bfloat16, 8 problems x 16 rollouts x 512 tokens: nothing
ends an answer early. Same weights, adapter, problems and rows of a micro-batch on both sides. Ours records every token
and writes its checkpoint within the measured time; TRL records nothing. `floor_share`: see `decode_floor`. `--small`
runs a tiny model on a CPU, which shows that the script works.
"""

import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks import step_vs_trl
from benchmarks.common import options, publish, spread
from benchmarks.decode_floor import SMALL, Size, bandwidth, bytes_read, make_model, settle, timed
from benchmarks.engine_rollouts import make_requests
from benchmarks.trl_peer import (
    Measured,
    Setting,
    Watch,
    callback,
    dataset,
    last_word_is_right,
    measure_lengths,
    quiet,
    see,
)
from benchmarks.trl_peer import arguments as trl_arguments
from workbench.config import RunConfig
from workbench.models import ModelSpec, load_policy
from workbench.runs.directory.paths import new_directory
from workbench.runs.prepare import prepare
from workbench.runs.process.job import from_config
from workbench.runs.process.worker import Worker
from workbench.tasks.word_problems import WordProblems

WANTED = 2.0
PROMPT = 128  # tokens that a prompt of these problems takes at most


@dataclass(frozen=True)
class Setup:
    """What both sides are given."""

    setting: Setting
    spec: ModelSpec
    rows: int  # rollouts of a micro-batch

    @property
    def device(self) -> torch.device:
        """Where both work."""
        return torch.device(self.spec.device)


@dataclass
class Side:
    """One side's times, warm-up left out."""

    setup: Setup
    measured: Measured = field(default_factory=Measured)
    phases: dict[str, list[float]] = field(default_factory=dict)

    def note(self, made: int, **phases: float) -> None:
        """Keeps the seconds of some phases of step number `made` (from 1)."""
        if made > self.setup.setting.warm_up:
            for name, value in phases.items():
                self.phases.setdefault(name, []).append(value)

    def medians(self) -> dict[str, float]:
        """Seconds by phase."""
        return {name: round(statistics.median(values), 4) for name, values in self.phases.items()}


def config(setup: Setup) -> RunConfig:
    """Our side of the setting, with this model, its rows at a time."""
    micro_batch = setup.rows * (PROMPT + setup.setting.max_tokens)
    return step_vs_trl.config(setup.setting).replace(model=setup.spec, training={"micro_batch": micro_batch})


class Ours(Side):
    """One of our runs, a step at a time."""

    def begin(self, folder: Path) -> None:
        """Makes the run, without the step 0 of a run."""
        asked = config(self.setup)
        self.worker = Worker(prepare(asked, new_directory(folder, asked.name), asked.to_toml()), 1)
        self.worker.open()
        self.worker.load(from_config)
        self.steps = iter(self.worker.job.trainer)

    def step(self, made: int) -> None:
        """Takes and records step number `made`."""
        seconds = timed(lambda: self.worker.record(next(self.steps)), self.setup.device)
        tokens = self.worker.line["tokens"] / self.setup.setting.problems / self.setup.setting.rollouts
        if made > self.setup.setting.warm_up:
            self.measured.seconds.append(seconds)
            self.measured.tokens.append(tokens)
        found = {name.removeprefix("seconds."): value for name, value in self.worker.line.items() if "seconds." in name}
        self.note(made, **found)


class Trl(Side):
    """TRL's trainer; its `generate` is timed apart."""

    def run(self, between: Any) -> None:
        """Makes all steps; `between(made)` is called after each, outside the measured time."""
        from transformers import PrinterCallback
        from trl import GRPOTrainer

        quiet()
        setting, policy = self.setup.setting, load_policy(self.setup.spec, seed=self.setup.setting.seed)
        watch = Watch(setting, between, self.measured)
        hook = policy.causal.model.embed_tokens.register_forward_pre_hook(lambda _, given: see(watch, given[0]))

        def after(made: int) -> None:
            if made == 1:
                hook.remove()
                watch.check_cache()
            settle(self.setup.device)
            watch.end(made)

        with tempfile.TemporaryDirectory() as folder:
            trainer = GRPOTrainer(
                model=policy.model,
                reward_funcs=last_word_is_right,
                args=arguments(self.setup, folder),
                train_dataset=dataset(setting, policy.encoder),
                processing_class=policy.encoder.tokenizer,
                callbacks=[callback(watch.begin, after)],
            )
            trainer.remove_callback(PrinterCallback)
            measure_lengths(trainer, watch)
            self.time_generation(trainer)
            trainer.train()

    def time_generation(self, trainer: Any) -> None:
        """Notes the seconds of every call of `generate`."""
        plain = trainer.model.generate

        def generate(*given: Any, **keywords: Any) -> Any:
            answers = []
            seconds = timed(lambda: answers.append(plain(*given, **keywords)), self.setup.device)
            self.note(trainer.state.global_step + 1, generate=seconds)
            return answers[0]

        trainer.model.generate = generate


def arguments(setup: Setup, folder: str) -> Any:
    """TRL's options: bfloat16, and gradients gathered over micro-batches of the setup's rows."""
    setting, rows = setup.setting, setup.rows
    return trl_arguments(
        setting,
        folder,
        use_cpu=setup.device.type == "cpu",
        bf16=True,
        per_device_train_batch_size=rows,
        gradient_accumulation_steps=setting.problems * setting.rollouts // rows,
    )


def compare(setup: Setup, size: Size) -> dict[str, Any]:
    """All numbers of the line."""
    setting = setup.setting
    ours, trl = Ours(setup), Trl(setup)
    with tempfile.TemporaryDirectory() as folder:
        ours.begin(Path(folder))
        trl.run(ours.step)
    speed, policy = bandwidth(setup.device, size.copied), load_policy(setup.spec)
    floor = bytes_read(policy, make_requests(policy, size.problems, size.rollouts), size.tokens) / speed
    written = setting.problems * setting.rollouts * setting.max_tokens
    decoding, generating = ours.medians()["generate"], trl.medians()["generate"]
    ratio = round(statistics.median(trl.measured.seconds) / statistics.median(ours.measured.seconds), 3)
    return {
        "ratio": ratio,
        "speedup": ratio,
        "wanted": WANTED,
        "ours": spread(ours.measured.seconds),
        "trl": spread(trl.measured.seconds),
        "ours_phases": ours.medians(),
        "trl_phases": trl.medians(),
        "ours_tokens_a_second": round(written / decoding),
        "trl_tokens_a_second": round(written / generating),
        "floor_share": round(floor / decoding, 3),
        "gigabytes_a_second": round(speed / 1e9, 1),
        "ours_tokens": statistics.mean(ours.measured.tokens),
        "trl_tokens": statistics.mean(trl.measured.tokens),
        "problems": setting.problems,
        "rollouts": setting.rollouts,
        "rows": setup.rows,
    }


def main(given: list[str]) -> int:
    """Measures both in turns; fails where we are less than twice as fast."""
    parser = options(__doc__ or "")
    parser.add_argument("--small", action="store_true", help="a tiny model on a CPU: shows that the script works")
    parser.add_argument("--steps", type=int, default=4, help="steps that are counted")
    parser.add_argument("--rows", type=int, default=8, help="rollouts of a micro-batch")
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args(given)
    if not torch.cuda.is_available() and not asked.small:
        reason = "not measured: no NVIDIA GPU; --small tries the script on a CPU"
        publish("gpu_step_vs_trl", {"measured": False, "reason": reason}, save=False)
        return 0
    size = SMALL if asked.small else Size()
    setting = Setting(
        task=WordProblems(),
        problems=size.problems,
        rollouts=size.rollouts,
        max_tokens=size.tokens,
        steps=asked.steps,
        threads=asked.threads,
    )
    with tempfile.TemporaryDirectory() as folder:
        spec = make_model(Path(folder), small=asked.small)
        rows = min(asked.rows, size.problems * size.rollouts)
        numbers = compare(Setup(setting, spec, rows), size)
    publish("gpu_step_vs_trl", {"measured": not asked.small, **numbers}, save=asked.save and not asked.small)
    return 0 if asked.small or numbers["ratio"] >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
