"""Settings for a pretrained model, offered where those of the embedded one are still set."""

from typing import Any

from widgets.setup.draft import Tables, read_fields, tables_of
from workbench.config import RunConfig
from workbench.models.spec import EMBEDDED
from workbench.runs.demo import demo_config

EMBEDDED_TASKS = {"word_problems", "sums", "chains"}  # asked in the words that the embedded model was taught
LEARNING_RATE = 1e-4  # of an adapter; demo-real's own was searched for its model and task
MAX_TOKENS = 64


def left_over(config: RunConfig) -> list[str]:
    """What was chosen for the embedded model and hardly suits the config's other one."""
    if config.model.name == EMBEDDED:
        return []
    found = []
    if config.task.name in EMBEDDED_TASKS:
        found.append(f"the task {config.task.name} is asked in the words that the embedded model was taught")
    if any(part.reward.name == "exact" for part in config.rewards):
        found.append("the reward exact compares texts; math compares values")
    if config.model.lora is None:
        found.append(f"all weights are trained, with a learning rate of {config.training.learning_rate:g}")
    return found


def pretrained(tables: Tables) -> RunConfig:
    """The config for its pretrained model: demo-real's settings, with the draft's name, seed, model and method.

    Another model than demo-real's gets a learning rate of `LEARNING_RATE` and `MAX_TOKENS` tokens.
    """
    real = demo_config(real=True)
    model = {**tables["model"], "lora": tables_of(real)["model"]["lora"]}
    kept: dict[str, Any] = {name: tables[name] for name in ("name", "seed", "method")}
    taken = {**tables_of(real), **kept, "model": model}
    if model["name"] != real.model.name:
        taken["training"] = {**taken["training"], "learning_rate": LEARNING_RATE}
        taken["rollouts"] = {**taken["rollouts"], "max_tokens": MAX_TOKENS}
    config, errors = read_fields(taken)
    if config is None:
        raise ValueError("; ".join(errors))
    return config
