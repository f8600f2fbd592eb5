"""The `export` command, entered into `workbench` through the entry-point group `workbench.commands`."""

import shutil
from pathlib import Path
from typing import Annotated, Literal

import typer

from workbench.runs.checkpoint import Checkpoint, newest_checkpoint, read_checkpoint
from workbench.runs.directory import RunDirectory

Form = Literal["adapter", "merged", "full"]
Type = Literal["bfloat16", "float16", "float32"]


def export(
    run: Annotated[Path, typer.Argument(help="folder of the run")],
    out: Annotated[Path | None, typer.Option(help="folder to write; export in the run's folder if left out")] = None,
    form: Annotated[
        Form | None, typer.Option(help="what to write; left out: the adapter, or all weights where there is none")
    ] = None,
    dtype: Annotated[Type, typer.Option(help="of merged or full weights")] = "bfloat16",
    step: Annotated[int | None, typer.Option(help="a kept checkpoint's step; the newest if left out")] = None,
) -> None:
    """Write what a run has learned for transformers and peft, with a model card."""
    from safetensors.torch import load_file

    from workbench.commands.card import card
    from workbench.models.export import export as write
    from workbench.runs.open import open_run

    opened = open_run(run)
    form = form or ("full" if opened.config.model.lora is None else "adapter")
    folder, checkpoint = out or opened.path / "export", chosen(run, step)
    existed = folder.exists()
    try:
        write(opened.config.model, load_file(checkpoint.path / "weights.safetensors"), folder, form, dtype)
        (folder / "README.md").write_text(card(opened, form, checkpoint.step, dtype), encoding="utf-8")
    except BaseException:
        if not existed:  # a folder half written is none
            shutil.rmtree(folder, ignore_errors=True)
        raise
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    typer.echo(f"{folder} ({form}, step {checkpoint.step}, {size / 1e6:.1f} MB)")


def chosen(run: Path, step: int | None) -> Checkpoint:
    """The checkpoint of a step, or the newest; ValueError where there is none."""
    directory = RunDirectory(run)
    found = newest_checkpoint(directory)
    if step is not None:
        found = read_checkpoint(directory.checkpoints / f"step-{step:06d}")
    if found is None:
        kept = ", ".join(path.name for path in sorted(directory.checkpoints.glob("step-*"))) or "none"
        raise ValueError(f"{run}: no whole checkpoint{'' if step is None else f' of step {step}'}; kept: {kept}")
    return found
