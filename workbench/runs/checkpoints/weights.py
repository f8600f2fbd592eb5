"""How a run's weights changed between two of its checkpoints, tensor by tensor.

    found = weight_changes(open_run("runs/demo"))     # from the model before training to the last checkpoint
    total(found.changes).document()

Of a run with LoRA the changes are those of the merged weights: base + scaling · B A, the product as it is, unrounded.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from workbench.analysis.sparsity import FACTORS, Change, change, grouped, total
from workbench.runs.checkpoints.available import BASE, find_checkpoint
from workbench.runs.checkpoints.inference import THREADS, threads
from workbench.runs.checkpoints.snapshot import snapshot
from workbench.runs.directory.checkpoint import Checkpoint
from workbench.runs.open import Run, open_run

HEAD = "head."  # of a method's own heads, which are no weights of the model
DOWN, UP = "lora_A", "lora_B"


@dataclass(frozen=True)
class WeightChanges:
    """The changes of every trained weight between two steps of a run."""

    start: int
    end: int
    merged: bool  # of a LoRA run: of the weights with the adapter's product added
    changes: tuple[Change, ...]

    def document(self) -> dict[str, Any]:
        """Plain data: the total, by layer, by kind, and every tensor; `factors` are those of `scaled`."""
        return {
            "from": self.start,
            "to": self.end,
            "merged": self.merged,
            "factors": list(FACTORS),
            "total": total(self.changes).document(),
            "layers": [{"layer": name, **each.document()} for name, each in self.by("layer").items()],
            "kinds": [{"kind": name, **each.document()} for name, each in self.by("kind").items()],
            "tensors": [each.row() for each in self.changes],
        }

    def by(self, what: str) -> dict[Any, Any]:
        """The totals by `layer` or `kind`."""
        return grouped(self.changes, lambda each: getattr(each, what))


def weight_changes(
    run: Run | str | Path, start: int | None = BASE, end: int | None = None, *, ranks: bool = True
) -> WeightChanges:
    """The change of every trained weight from one checkpoint to another: 0 the model before training, None the last.

    One tensor is in memory at a time, beside the model before training where that is needed. Without `ranks` it takes
    a fraction of the time. ValueError for a step without checkpoint, and for DoRA or quantised weights.
    """
    opened = run if isinstance(run, Run) else open_run(run)
    first, last = (find_checkpoint(opened.directory, step) for step in (start, end))
    with threads(THREADS), ExitStack() as stack, torch.no_grad():
        source = Source(opened, stack)
        before, after = source.of(first), source.of(last)
        pairs = source.merged(before, after) if source.adapted else plain(before, after)
        changes = tuple(change(*each, ranks=ranks) for each in pairs)
    return WeightChanges(first.step, last.step, source.adapted, changes)


class Source:
    """Where weights are read from: files of checkpoints, and the model before training, loaded once if it is needed."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        self.run, self.stack = run, stack
        model = run.resolved.get("model", {})
        lora = model.get("lora")
        self.adapted = lora is not None
        if model.get("quantisation") is not None or (lora or {}).get("dora"):
            what = "DoRA" if (lora or {}).get("dora") else "quantised weights"
            raise ValueError(f"{run.path} trains with {what}, whose merged weights are no sum: compare a run without")

    @property
    def policy(self) -> Any:
        """The policy as it was before training."""
        return snapshot(self.run, BASE, device="cpu").trainer.policy

    def of(self, checkpoint: Checkpoint) -> Mapping[str, Any]:
        """The trained weights of a checkpoint by name, each read when it is asked for."""
        if checkpoint.step == BASE:
            return dict(self.policy.trainable())
        file = self.stack.enter_context(safe_open(checkpoint.path / "weights.safetensors", framework="pt"))
        return Stored(file)

    def merged(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Tensor, Tensor]]:
        """Name, weights before and change of every layer with an adapter."""
        for name, module in self.policy.model.named_modules():
            for adapter in getattr(module, DOWN, {}):
                names = [f"{name}.{part}.{adapter}.weight" for part in (UP, DOWN)]
                own, base = module.scaling[adapter], module.base_layer.weight.float()
                old, new = (own * each[names[0]].float() @ each[names[1]].float() for each in (before, after))
                yield f"{name}.weight", base + old, new - old


@dataclass(frozen=True)
class Stored(Mapping[str, Tensor]):
    """The tensors of a file by name, each read when it is asked for; without a method's own heads."""

    file: Any

    def __getitem__(self, name: str) -> Tensor:
        found: Tensor = self.file.get_tensor(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name in self.file.keys() if not name.startswith(HEAD))  # noqa: SIM118  # no mapping

    def __len__(self) -> int:
        return sum(1 for _ in self)


def plain(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
    """Name, weights before, change and weights after, for every weight of a run without adapter."""
    odd = sorted(set(before) ^ set(after))
    if odd:
        raise ValueError(f"the checkpoints are of different models: {', '.join(odd[:3])} are not in both")
    for name in before:
        start, end = before[name].float(), after[name].float()
        yield name, start, end - start, end
