"""What a fork takes over of its parent's state, and what begins anew since the settings behind it changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from workbench.config import RunConfig
from workbench.kinds import Piece, Sampler
from workbench.planning.forecast import forecast
from workbench.training.exams import EXAMS
from workbench.training.forward import make_heads
from workbench.types import State

HEAD = "head."  # before the names of a method's own weights in a checkpoint


@dataclass
class Inheritance:
    """A checkpoint's content as a fork begins with it; `anew` says what did not come from the parent."""

    weights: dict[str, Tensor]
    state: dict[str, Any]
    anew: list[str] = field(default_factory=list)


def inherit(
    weights: Mapping[str, Tensor], state: Mapping[str, Any], before: RunConfig, after: RunConfig
) -> Inheritance:
    """The state of a run under changed settings: the same, bit for bit, where nothing behind it has changed."""
    found = Inheritance(dict(weights), {**state, "live": dict(state["live"]), "optimiser": dict(state["optimiser"])})
    found.state["states"] = memories(found, before, after)
    for name in found.state["live"]:  # a live change of the parent's stays, unless the fork sets the field
        if getattr(before.training, name) != getattr(after.training, name):
            found.state["live"][name] = getattr(after.training, name)
    if before.task != after.task and any(found.state.get("journal", {}).get("counts", {}).values()):
        found.state["journal"] = {"counts": {}}
        found.anew.append("ledger and stock, which are of another task, begin anew")
    if shapes(before) != shapes(after):
        renew_heads(found, after)
    rates = [{}, *({"lr": head.learning_rate} for head in after.method.heads)]
    options = {"betas": list(after.training.betas), "weight_decay": after.training.weight_decay}
    groups = found.state["optimiser"]["groups"]
    found.state["optimiser"]["groups"] = [
        {**group, **options, **rate} for group, rate in zip(groups, rates, strict=True)
    ]
    return found


def pieces(config: RunConfig) -> dict[str, Piece]:
    """Every piece that remembers something, by the slot under which the trainer keeps it."""
    from workbench.runs.process.build import alarms_of, trained_method  # joins all rooms, and so loads transformers

    alarms = {f"alarms.{place}": alarm for place, alarm in enumerate(alarms_of(config))}
    found = {
        **alarms,
        **dict(trained_method(config).pieces()),
        "sampler": config.method.sampler or Sampler.parse("uniform"),
    }
    return found if config.pruning is None else {**found, "pruner": config.pruning}


def memories(found: Inheritance, before: RunConfig, after: RunConfig) -> dict[str, State]:
    """What the pieces remember: the parent's where a slot is filled by the same piece, with whatever fields.

    A sampler counts a task's problems, so another task makes it begin anew.
    """
    old, saved = pieces(before), found.state["states"]
    states: dict[str, State] = {}
    for slot, piece in pieces(after).items():
        same = type(old.get(slot)) is type(piece) and slot in saved
        if same and (slot != "sampler" or before.task == after.task):
            states[slot] = saved[slot]
            continue
        states[slot] = piece.init()
        if states[slot] or saved.get(slot):
            found.anew.append(f"what {slot} remembers begins anew ({piece.name})")
    return {**states, **exams(found, before, after)}


def exams(found: Inheritance, before: RunConfig, after: RunConfig) -> dict[str, State]:
    """What exams remember of the model before training: the parent's, of those that ask the same problems as often."""
    old, saved = {part.key: part for part in before.exams}, found.state["states"].get(EXAMS, {})
    same = {part.key for part in after.exams if part.key in old and part.asks_as(old[part.key])}
    lost = [part.key for part in after.exams if part.key not in same & saved.keys()]
    if lost:
        found.anew.append(f"exams that have no result of the model before training: {', '.join(lost)}")
    kept = {name: state for name, state in saved.items() if name in same}
    return {EXAMS: kept} if kept else {}


def shapes(config: RunConfig) -> list[tuple[str, int]]:
    """The heads of a config's method, as far as their weights' shapes go."""
    return [(head.name, head.hidden) for head in config.method.heads]


def renew_heads(found: Inheritance, after: RunConfig) -> None:
    """Fresh heads, with nothing in the optimiser's memory; the policy's stays."""
    policy = {name: weight for name, weight in found.weights.items() if not name.startswith(HEAD)}
    heads = make_heads(after.method.heads, forecast(after).size.width, after.seed)
    optimiser = found.state["optimiser"]
    optimiser["state"] = {number: kept for number, kept in optimiser["state"].items() if int(number) < len(policy)}
    first = optimiser["groups"][0]
    optimiser["groups"] = [first, *({**first, "own": True} for _ in after.method.heads)]
    found.weights = {**policy, **{HEAD + name: weight.data for name, weight in heads.named_parameters()}}
    names = ", ".join(head.name for head in after.method.heads)
    found.anew.append(f"heads begin anew ({names})" if names else "the heads of the parent's method are left behind")
