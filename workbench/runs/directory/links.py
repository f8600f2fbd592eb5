"""A run writes below its own directory alone: links, which may lead elsewhere, are found before anything is written."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from workbench.runs.directory.paths import ENTRIES, RunDirectory, temporary


def refuse_links(directory: RunDirectory, *, deep: bool = False) -> None:
    """Raises a ValueError that names the first symbolic link among a run's entries, `deep`: anywhere in its folder.

    The folder itself may be reached by a link: everything is written where that leads.
    """
    root = directory.path.resolve()
    found = next(links_below(root), None) if deep else first_link(root)
    if found is not None:
        raise ValueError(
            f"{found} is a symbolic link to {os.readlink(found)}: writing there would change files outside the run's "
            f"folder; put the file itself in its place, or continue a copy without links: cp -rL {root} COPY"
        )


def first_link(root: Path) -> Path | None:
    """The first of a run's own entries that is a link."""
    return next((root / name for name in ENTRIES.values() if (root / name).is_symlink()), None)


def links_below(folder: str | Path) -> Iterator[Path]:
    """Every symbolic link in a folder and in those below it."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink():
                yield Path(entry.path)
            elif entry.is_dir(follow_symlinks=False):
                yield from links_below(entry.path)


def unshare(path: Path) -> None:
    """Gives a file that is written in place a content of its own, where a copy made of hard links shares it."""
    if path.exists() and path.stat().st_nlink > 1:
        draft = temporary(path)
        draft.unlink(missing_ok=True)
        shutil.copy2(path, draft)
        draft.replace(path)
