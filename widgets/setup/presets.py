"""Settings that suit the config's model, offered where those of another one are still set."""

from typing import Any

from widgets.setup.draft import Tables, read_fields, tables_of
from workbench.config import RunConfig
from workbench.models.shipped import EMBEDDED, PROGRAMS, SHIPPED
from workbench.runs.demo import demo_config

LEARNING_RATE = 1e-4  # of an adapter; demo-real's own was searched for its model and task
MAX_TOKENS = 64
#: What a shipped model needs that differs from the demonstration's settings.
SHIPPED_SETTINGS: dict[str, dict[str, Any]] = {
    EMBEDDED: {},
    PROGRAMS: {"task": {"task": "small_programs"}, "rewards": [{"reward": "by_running"}]},
}


def left_over(config: RunConfig) -> list[str]:
    """What was chosen for another model and hardly suits the config's."""
    name, task = config.model.name, config.task.name
    own = SHIPPED.get(name)
    others = [known for key, known in SHIPPED.items() if key != name and task in known.tasks]
    found = [
        f"the task {task} is asked in the words that {known.title} was taught"
        for known in others
        if config.task.fields().get("wording", "short") == "short"
    ]
    if own is not None:
        return found
    if any(part.reward.name == "exact" for part in config.rewards):
        found.append("the reward exact compares texts; math compares values")
    if config.model.lora is None:
        found.append(f"all weights are trained, with a learning rate of {config.training.learning_rate:g}")
    return found


def suited(tables: Tables) -> RunConfig:
    """The config for its model, with the draft's name, seed, model and method.

    A shipped model gets the demonstration's settings, with the task it knows; a pretrained one those of demo-real, and
    where it is another model than demo-real's a learning rate of `LEARNING_RATE` and `MAX_TOKENS` tokens.
    """
    name = tables["model"]["name"]
    kept: dict[str, Any] = {key: tables[key] for key in ("name", "seed", "method", "model")}
    demo = demo_config(real=name not in SHIPPED)
    taken: dict[str, Any] = {**tables_of(demo), **kept, **SHIPPED_SETTINGS.get(name, {})}
    if name not in SHIPPED:
        taken["model"] = {**tables["model"], "lora": tables_of(demo)["model"]["lora"]}
        if name != demo.model.name:
            taken["training"] = {**taken["training"], "learning_rate": LEARNING_RATE}
            taken["rollouts"] = {**taken["rollouts"], "max_tokens": MAX_TOKENS}
    config, errors = read_fields(taken)
    if config is None:
        raise ValueError("; ".join(errors))
    return config
