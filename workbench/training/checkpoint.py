"""Saves and restores everything a run needs to resume bit for bit: safetensors and JSON, nothing pickled."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

TENSOR = "__tensor__"


def split(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """The JSON part of a state; its tensors are moved to `tensors` under their path.

    Raises:
        ValueError: for a key that is not a string, or a value that is neither JSON nor a tensor.
    """
    if isinstance(value, Tensor):
        tensors[path] = value.detach().contiguous().cpu().clone()
        return {TENSOR: path}
    if isinstance(value, Mapping):
        odd = [name for name in value if not isinstance(name, str)]
        if odd:
            raise ValueError(f"state {path} has the key {odd[0]!r}: JSON has only strings as keys; use str({odd[0]!r})")
        return {name: split(item, f"{path}/{name}", tensors) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [split(item, f"{path}/{number}", tensors) for number, item in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"state {path} holds a {type(value).__name__}: a piece's state is made of JSON values and tensors")


def join(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The state of a JSON part and its tensors: the inverse of `split`."""
    if isinstance(value, dict):
        if value.keys() == {TENSOR}:
            return tensors[value[TENSOR]]
        return {name: join(item, tensors) for name, item in value.items()}
    if isinstance(value, list):
        return [join(item, tensors) for item in value]
    return value


def optimiser_state(optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """The optimiser's state by number of the parameter, and the options of its groups."""
    state = optimiser.state_dict()
    groups = [{name: value for name, value in group.items() if name != "params"} for group in state["param_groups"]]
    return {"state": {str(number): values for number, values in state["state"].items()}, "groups": groups}


def restore_optimiser(optimiser: torch.optim.Optimizer, saved: Mapping[str, Any]) -> None:
    """Restores a saved state; the parameters must be the same, in the same order."""
    state = optimiser.state_dict()
    state["state"] = {int(number): values for number, values in saved["state"].items()}
    for group, options in zip(state["param_groups"], saved["groups"], strict=True):
        group.update({name: tuple(value) if isinstance(value, list) else value for name, value in options.items()})
    optimiser.load_state_dict(state)


def write(path: Path, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Writes a checkpoint: `weights.safetensors`, `state.safetensors`, `state.json`."""
    path.mkdir(parents=True, exist_ok=True)
    tensors: dict[str, Tensor] = {}
    plain = split(state, "", tensors)
    save_file(
        {name: value.detach().contiguous().cpu() for name, value in weights.items()}, path / "weights.safetensors"
    )
    save_file(tensors, path / "state.safetensors")
    (path / "state.json").write_text(json.dumps(plain), encoding="utf-8")


def read_part(path: Path, name: str) -> Any:
    """One entry of a checkpoint's state, None if it has none; reads only the tensors of that entry."""
    part = json.loads((path / "state.json").read_text(encoding="utf-8")).get(name)
    with safe_open(path / "state.safetensors", framework="pt") as file:
        own = [key for key in file.keys() if key.startswith(f"/{name}/")]  # noqa: SIM118  # no mapping
        return join(part, {key: file.get_tensor(key) for key in own})


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(weights by name, state) of a checkpoint. ValueError if a file of it is missing."""
    for name in ("weights.safetensors", "state.safetensors", "state.json"):
        if not (path / name).exists():
            raise ValueError(f"{path} is not a complete checkpoint: {name} is missing; resume from another one")
    tensors = load_file(path / "state.safetensors")
    state = join(json.loads((path / "state.json").read_text(encoding="utf-8")), tensors)
    return load_file(path / "weights.safetensors"), state
