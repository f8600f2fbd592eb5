"""`workbench export`."""

import shutil
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from workbench.commands.shared import terminal
from workbench.commands.shared.options import RUNS, Name, Runs

Form = Literal["adapter", "merged", "full"]
Type = Literal["bfloat16", "float16", "float32"]


def export(
    name: Name,
    out: Annotated[Path | None, typer.Option(help="folder to write; export in the run's folder if left out")] = None,
    form: Annotated[
        Form | None, typer.Option(help="what to write; left out: the adapter, or all weights where there is none")
    ] = None,
    dtype: Annotated[Type, typer.Option(help="of merged or full weights")] = "bfloat16",
    step: Annotated[int | None, typer.Option(help="a kept checkpoint's step; the last if left out")] = None,
    runs: Runs = RUNS,
) -> None:
    """Write what a run has learned for transformers and peft, with a model card."""
    from workbench.commands.shared.card import card
    from workbench.models.export import export as write
    from workbench.runs.summary import find_run

    run = find_run(name, runs)
    form = form or ("full" if run.config.model.lora is None else "adapter")
    folder, (at, weights) = out or run.path / "export", learned(run, step)
    existed = folder.exists()
    try:
        write(run.config.model, weights, folder, form, dtype)
        (folder / "README.md").write_text(card(run, form, at, dtype), encoding="utf-8")
    except BaseException:
        if not existed:  # a folder half written is none
            shutil.rmtree(folder, ignore_errors=True)
        raise
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    terminal.out.print(f"{folder} ({form}, step {at}, {size / 1e6:.1f} MB)", markup=False)


def learned(run: Any, step: int | None) -> tuple[int, dict[str, Any]]:
    """The step of a checkpoint, None: the last one, and its weights; ValueError where none are kept."""
    from safetensors.torch import load_file

    from workbench.runs.checkpoints.available import BASE, read_from, use_checkpoint
    from workbench.runs.directory.checkpoint import Checkpoint

    def take(found: Checkpoint) -> tuple[int, dict[str, Any]]:
        return found.step, read_from(found, lambda folder: load_file(folder / "weights.safetensors"))

    if step == BASE:
        raise ValueError(f"step {BASE} is the model before training, which learned nothing: give a later step")
    return use_checkpoint(run.directory, step, take)
