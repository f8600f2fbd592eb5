"""The cheapest change that makes a run fit: results unchanged first, precision next, shorter completions last."""

from collections.abc import Iterator

from workbench.config import RunConfig
from workbench.planning.fit import fit_of, need
from workbench.planning.memory import Assumed

SMALLEST = 8  # rows decoded at the same time; with fewer, generation is slow
SHORTEST = 32  # tokens of a completion


def changes(config: RunConfig, assumed: Assumed) -> Iterator[list[tuple[str, RunConfig]]]:
    """Ways to need less memory, cheapest first; each a list of (what to set, the changed config), mildest first."""
    row = assumed.prompt + config.rollouts.max_tokens
    yield ladder(config, "training", "micro_batch", row)
    yield ladder(config, "rollouts", "concurrent", SMALLEST)
    model = config.model
    if not model.gradient_checkpointing:
        yield [("model.gradient_checkpointing = true", config.replace(model={"gradient_checkpointing": True}))]
    if model.dtype == "float32":
        yield [("model.dtype = 'bfloat16'", config.replace(model={"dtype": "bfloat16", "linear": "auto"}))]
    if model.lora is None:
        yield [("model.lora = {}", config.replace(model={"lora": {}}))]
    if model.quantisation is None:
        text = "model.quantisation = 'nf4'" + ("" if model.lora else " with model.lora = {}")
        yield [(text, config.replace(model={"lora": model.lora or {}, "quantisation": "nf4", "linear": "auto"}))]
    yield ladder(config, "rollouts", "max_tokens", SHORTEST)


def ladder(config: RunConfig, table: str, field: str, least: int) -> list[tuple[str, RunConfig]]:
    """A number halved repeatedly, down to `least`."""
    found, value = [], getattr(getattr(config, table), field)
    while value > least:
        value = max(least, value // 2)
        found.append((f"{table}.{field} = {value}", config.replace(**{table: {field: value}})))
    return found


def cheapest(config: RunConfig, free: int, assumed: Assumed) -> str:
    """The first single change after which the run fits; else the first combination; else a text that none does."""
    for steps in changes(config, assumed):
        for text, changed in steps:
            if fits(changed, free, assumed):
                return f"set {text}"
    taken: list[str] = []
    while remaining := [steps for steps in changes(config, assumed) if steps and field_of(steps) not in taken]:
        taken.append(field_of(remaining[0]))
        config = next((changed for _, changed in remaining[0] if fits(changed, free, assumed)), remaining[0][-1][1])
        if fits(config, free, assumed):
            return "set " + ", ".join(settings(config, taken))
    return "nothing in this config makes it fit: take a smaller model or a larger device"


def field_of(steps: list[tuple[str, RunConfig]]) -> str:
    """The field that these steps change."""
    return steps[0][0].split(" = ")[0]


def settings(config: RunConfig, fields: list[str]) -> list[str]:
    """Fields and their values as assignments."""
    found = []
    for name in fields:
        table, field = name.split(".")
        value = getattr(getattr(config, table), field)
        found.append(f"{name} = {'{}' if field == 'lora' else 'true' if value is True else repr(value)}")
    return found


def fits(config: RunConfig, free: int, assumed: Assumed) -> bool:
    """Whether a run fits into `ROOMY` of the free memory."""
    return fit_of(need(config, assumed)[1], free) == "fits"
