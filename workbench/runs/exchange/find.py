"""From a folder that another trainer wrote to a run that can be read here."""

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from workbench.runs.exchange.foreign import ModelWords, PlainWords, write_run
from workbench.runs.open import Run


def importers() -> Mapping[str, ModuleType]:
    """Every importer of this folder by name: a module with FORMAT, `files(source)` and `read(source)`."""
    import workbench.runs.exchange.importers as here

    names = [item.name for item in pkgutil.iter_modules(here.__path__)]
    return {name: importlib.import_module(f"{here.__name__}.{name}") for name in names}


def import_run(
    source: str | Path, runs: str | Path = "runs", name: str | None = None, tokenizer: str | None = None
) -> Run:
    """A read-only run made of another trainer's record; which trainer wrote it is told by its files.

    `tokenizer` is a folder or a Hub name; without one, texts are cut into words, and token ids stay numbers.
    Raises ValueError where no importer knows the folder, or a file is not what it should be.
    """
    folder = Path(source)
    if not folder.is_dir():
        raise ValueError(f"{source} is no folder; give the one that the trainer wrote its rollouts to")
    found = [module for module in importers().values() if module.files(folder)]
    if len(found) != 1:
        formats = ", ".join(module.FORMAT for module in found or importers().values())
        told = "files of several trainers" if found else "no rollouts of a known trainer"
        raise ValueError(f"{source} holds {told} ({formats}); give the folder that one of them wrote")
    words = PlainWords() if tokenizer is None else ModelWords(tokenizer)
    origin = {"format": found[0].FORMAT, "source": str(folder.resolve()), "tokenizer": tokenizer}
    return Run(write_run(found[0].read(folder), Path(runs), name or folder.resolve().name, words, origin))
