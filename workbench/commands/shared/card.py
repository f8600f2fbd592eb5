"""The model card of an exported run: what was trained, on what, how, and what came of it."""

from typing import Any

from workbench.models.shipped import SHIPPED
from workbench.runs.open import Run

USE = {
    "adapter": """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained("{base}"), "FOLDER")
tokenizer = AutoTokenizer.from_pretrained("FOLDER")""",
    "merged": """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("FOLDER", dtype="auto")
tokenizer = AutoTokenizer.from_pretrained("FOLDER")""",
}
USE["full"] = USE["merged"]
RESULTS = ("accuracy", "reward", "correct", "entropy", "length")


def card(run: Run, form: str, step: int, dtype: str) -> str:
    """A model card in the Hub's format: YAML, then Markdown."""
    config = run.config
    resolved = run.resolved or config.resolved()
    known = SHIPPED.get(config.model.name)
    base = f"{known.title} of the workbench" if known is not None else config.model.name
    held = "a LoRA adapter in peft's format" if form == "adapter" else f"all weights in {dtype}"
    made = f", the adapter added to the base model's {dtype} weights" if form == "merged" else ""
    weights = config.model.quantisation or config.model.dtype
    rewards = ", ".join(f"{part.key} (weight {part.weight:g})" for part in config.rewards)
    lines = [
        front_matter(run, form),
        f"# {run.title}",
        f"{base}, trained by reinforcement learning with verifiable rewards: {held}{made}, as after step {step} of "
        f"{config.training.steps}.",
        "## Task",
        f"`{config.task.name}`, with {fields(resolved.get('task', {}), 'task')}. Rewards: {rewards}.",
        "## Method",
        f"{config.method.title} ({config.method.paper}), {config.rollouts.problems} problems a step, "
        f"{config.rollouts.rollouts} rollouts each, learning rate {config.training.learning_rate:g}; "
        f"base weights held in {weights} while training.",
        *changes(run.event_lines(), step),
        "## Seeds",
        f"One run with seed {config.seed}, which keys all of its chance.",
        "## Results",
        results(run.lines(), step),
        "## Use",
        f"```python\n{USE[form].format(base=config.model.name)}\n```",
        "## Config",
        f"```toml\n{config.to_toml().strip()}\n```",
    ]
    return "\n\n".join(lines) + "\n"


def front_matter(run: Run, form: str) -> str:
    """What the Hub reads of a card."""
    model, library = run.config.model.name, "peft" if form == "adapter" else "transformers"
    base = [] if model in SHIPPED else [f"base_model: {model}"]
    tags = ["tags:", "- reinforcement-learning", "- rlvr", f"- {run.config.method.key}"]
    return "\n".join(["---", f"library_name: {library}", "pipeline_tag: text-generation", *base, *tags, "---"])


def fields(table: Any, kind: str) -> str:
    """A table's entries in one line."""
    return ", ".join(f"{name} = {value!r}" for name, value in dict(table).items() if name != kind) or "no fields"


def changes(events: list[dict[str, Any]], step: int) -> list[str]:
    """What was changed while the run went on, as far as it made the exported weights; nothing where nothing was."""
    made = [event for event in events if event["kind"] in ("set", "forked") and event["step"] < step]
    rows = [f"- after step {event['step']}: {event['text']}" for event in made]
    return ["The settings are those of the config below, with these changes on the way:", "\n".join(rows)] * bool(rows)


def results(lines: list[dict[str, Any]], step: int) -> str:
    """A Markdown table: the first number of each metric, and the one at or before the exported step."""
    rows = ["| | first | exported |", "|---|---|---|"]
    for name in RESULTS:
        found = [(line["step"], line[name]) for line in lines if line.get(name) is not None and line["step"] <= step]
        if found:
            ends = [f"{value:.3f} (step {number})" for number, value in (found[0], found[-1])]
            title = "held-out accuracy" if name == "accuracy" else name
            rows.append(f"| {title} | {ends[0]} | {ends[1]} |")
    return "\n".join(rows) if len(rows) > 2 else "No step was recorded."
