"""TRL's GRPOTrainer with its fastest settings on a CPU, one timed step after the other.

What was tried (TRL 1.16, transformers 5.19): its padded `generate` with a growing key/value cache beats both a static
cache and transformers' continuous batching; scaled dot product attention beats the eager form. Besides: the whole
batch in one pass, so that no pass for old log-probs is made; no reference model; no logging, saving or progress bar.
"""

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from workbench.kinds import Task
from workbench.models.load import load_encoder, load_model
from workbench.models.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What both sides are given. The learning rate is so small that answers keep their length from step to step."""

    task: Task
    problems: int = 16
    rollouts: int = 16
    max_tokens: int = 64
    warm_up: int = 2  # steps that are made and not counted
    steps: int = 8  # steps that are counted
    learning_rate: float = 1e-6
    clip: float = 0.2
    seed: int = 0
    threads: int = 2
    model: ModelSpec = field(default_factory=lambda: ModelSpec(device="cpu"))
    passes: int = 1  # TRL's micro-batches of a step
    micro_batch: int = 16384  # ours, in tokens

    @property
    def all_steps(self) -> int:
        """Steps that are made."""
        return self.warm_up + self.steps


@dataclass
class Measured:
    """What one side did, step by step, warm-up left out."""

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)  # seconds of all threads
    tokens: list[float] = field(default_factory=list)  # mean answer length


@dataclass
class Watch:
    """Times each step from outside, and sees whether generation used the key/value cache."""

    setting: Setting
    between: Callable[[int], None]
    measured: Measured = field(default_factory=Measured)
    lengths: list[float] = field(default_factory=list)  # of the step in progress
    widths: list[int] = field(default_factory=list)  # tokens per row of every forward pass without gradient, in step 0
    began: tuple[float, float] = (0.0, 0.0)  # wall and processor

    def begin(self) -> None:
        """A step starts."""
        self.lengths.clear()
        self.began = time.perf_counter(), time.process_time()

    def end(self, made: int) -> None:
        """Step number `made` (from 1) is done; then the other side has its turn, untimed."""
        seconds, processor = time.perf_counter() - self.began[0], time.process_time() - self.began[1]
        if made > self.setting.warm_up:
            self.measured.seconds.append(seconds)
            self.measured.processor.append(processor)
            self.measured.tokens.append(sum(self.lengths) / len(self.lengths))
        self.between(made)

    def check_cache(self) -> None:
        """A comparison with a peer that recomputes every prefix would be worth nothing."""
        if not self.widths or any(width != 1 for width in self.widths[1:]):
            raise ValueError(f"TRL generated without its cache: passes over {self.widths[:8]} tokens a row")


def trl_steps(setting: Setting, between: Callable[[int], None] = lambda made: None) -> Measured:
    """Seconds of each GRPO step in TRL; `between(made)` is called after every step, outside the measured time."""
    quiet()
    torch.set_num_threads(setting.threads)
    from transformers import PrinterCallback
    from trl import GRPOTrainer

    model = load_model(replace(setting.model, lora=None, linear="torch"))
    encoder = load_encoder(setting.model, model)
    watch = Watch(setting, between)
    hook = model.model.embed_tokens.register_forward_pre_hook(lambda _, given: see(watch, given[0]))

    def after(made: int) -> None:
        if made == 1:
            hook.remove()
            watch.check_cache()
        watch.end(made)

    with tempfile.TemporaryDirectory() as folder:
        trainer = GRPOTrainer(
            model=model,
            reward_funcs=last_word_is_right,
            args=arguments(setting, folder),
            train_dataset=dataset(setting, encoder),
            processing_class=encoder.tokenizer,
            callbacks=[callback(watch.begin, after)],
            peft_config=adapter(setting.model),
        )
        trainer.remove_callback(PrinterCallback)
        measure_lengths(trainer, watch)
        trainer.train()
    return watch.measured


def adapter(spec: ModelSpec) -> Any:
    """peft's configuration of the adapter that our side trains; None where all weights are trained."""
    from peft import LoraConfig

    if spec.lora is None:
        return None
    return LoraConfig(
        r=spec.lora.rank, lora_alpha=spec.lora.alpha, target_modules=spec.lora.targets, task_type="CAUSAL_LM"
    )


def quiet() -> None:
    """Only the one JSON line is printed."""
    import datasets
    import transformers

    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    logging.getLogger("trl").setLevel(logging.ERROR)


def see(watch: Watch, tokens: torch.Tensor) -> None:
    """Notes how many tokens a row has in a pass of generation."""
    if not torch.is_grad_enabled():
        watch.widths.append(tokens.shape[1])


def last_word_is_right(completions: list[str], answer: list[str], **_: Any) -> list[float]:
    """1 where the answer's last word is the reference: about the least that a reward can cost."""
    return [float(text.split()[-1:] == [right]) for text, right in zip(completions, answer, strict=True)]


def dataset(setting: Setting, encoder: Any) -> Any:
    """Problems 0, 1, 2 … as texts, in order; refused where TRL would read other tokens than we do."""
    from datasets import Dataset

    rows = []
    for number in range(setting.problems * setting.all_steps):
        problem = setting.task.problem(number, "train")
        prompt = encoder.prompt(problem.prompt)
        texts = (problem.prompt, encoder.shown(prompt))  # a tokenizer may add the template's tokens itself
        text = next((text for text in texts if tuple(encoder.tokenizer(text)["input_ids"]) == prompt), None)
        if text is None:
            raise ValueError(f"{problem.key}: TRL would read other tokens than we do; use a model without a template")
        rows.append({"prompt": text, "answer": problem.answer})
    return Dataset.from_list(rows)


def arguments(setting: Setting, folder: str, **changes: Any) -> Any:
    """TRL's options: the model's type, the whole batch at once, one update a step, nothing else; or with `changes`."""
    from trl import GRPOConfig

    usual: dict[str, Any] = {
        "use_cpu": setting.model.device == "cpu",
        "bf16": setting.model.dtype == "bfloat16",
        "per_device_train_batch_size": setting.problems * setting.rollouts // setting.passes,
        "gradient_accumulation_steps": setting.passes,
    }
    return GRPOConfig(
        **{**usual, **changes},
        output_dir=folder,
        fp16=False,
        gradient_checkpointing=False,
        num_generations=setting.rollouts,
        num_iterations=1,
        max_completion_length=setting.max_tokens,
        max_steps=setting.all_steps,
        learning_rate=setting.learning_rate,
        lr_scheduler_type="constant",
        optim="adamw_torch_fused",
        epsilon=setting.clip,
        beta=0.0,
        temperature=1.0,
        top_p=1.0,
        top_k=0,
        shuffle_dataset=False,
        dataloader_pin_memory=False,
        report_to="none",
        logging_strategy="no",
        save_strategy="no",
        disable_tqdm=True,
        seed=setting.seed,
    )


def callback(begin: Callable[[], None], after: Callable[[int], None]) -> Any:
    """transformers' form of the two moments."""
    from transformers import TrainerCallback

    class Moments(TrainerCallback):
        """A step runs from its generation to its optimiser step."""

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            begin()

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            after(state.global_step)

    return Moments()


def measure_lengths(trainer: Any, watch: Watch) -> None:
    """Hands the watch the lengths of the answers that the trainer makes."""
    rewards = trainer.reward_funcs[0]

    def counted(completion_ids: list[list[int]], **given: Any) -> list[float]:
        watch.lengths.extend(float(len(tokens)) for tokens in completion_ids)
        return rewards(**given)

    trainer.reward_funcs[0] = counted
