"""From a folder that another trainer wrote to a run that can be read here."""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from workbench.runs.exchange.foreign import ModelWords, Options, PlainWords, Words, write_run
from workbench.runs.open import Run


def importers() -> Mapping[str, ModuleType]:
    """Every importer of this folder by name: a module with FORMAT, `files(source)` and `read(source, options)`.

    `files` are those by which its format is known, `watched(source)` all that `read` reads.
    """
    import workbench.runs.exchange.importers as here

    names = [item.name for item in pkgutil.iter_modules(here.__path__)]
    return {name: importlib.import_module(f"{here.__name__}.{name}") for name in names}


def import_run(
    source: str | Path,
    runs: str | Path = "runs",
    name: str | None = None,
    tokenizer: str | None = None,
    options: Options | None = None,
) -> Run:
    """A read-only run made of another trainer's record; which trainer wrote it is told by its files.

    `tokenizer` is a folder or a Hub name; without one, texts are cut into words, and token ids stay numbers.
    `options.notes` gathers what was left out; it stands in the run's events as well. Raises ValueError where no
    importer knows the folder, or a file is not what it should be; then nothing is left behind.
    """
    folder, options = Path(source).expanduser(), options or Options()
    if not folder.exists():
        raise ValueError(f"{source} does not exist; give the folder that the trainer wrote its rollouts to")
    found = [module for module in importers().values() if module.files(folder)]
    if len(found) != 1:
        formats = ", ".join(module.FORMAT for module in found or importers().values())
        told = "files of several trainers" if found else "no rollouts of a known trainer"
        raise ValueError(f"{source} holds {told} ({formats}); give the folder that one of them wrote")
    words = words_of(tokenizer)
    origin = {"format": found[0].FORMAT, "source": str(folder.resolve()), "tokenizer": tokenizer}
    place = (Path(runs), name or fit_name(folder.resolve().name))
    return Run(write_run(found[0].read(folder, options), place, words, origin, options))


def words_of(tokenizer: str | None) -> Words:
    """The tokenizer of that name, or the words of the texts themselves."""
    return PlainWords() if tokenizer is None else ModelWords(tokenizer)


def fit_name(name: str) -> str:
    """A folder's name as a run's.

    >>> fit_name("my run (2)"), fit_name("…")
    ('my-run-2', 'imported')
    """
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:80] or "imported"
