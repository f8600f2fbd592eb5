"""The sources of methods, pieces, rewards and tasks that were written in cells, kept in a run's `source/`.

Opening a run imports none of them: that is done by its trainer, and by whoever says `load_source(run)`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from workbench.runs.directory.documents import ENVIRONMENT, expect_document
from workbench.runs.directory.paths import RunDirectory, write_atomic
from workbench.runs.directory.settings import check_config

if TYPE_CHECKING:
    from workbench.cells.source import Source
    from workbench.config import RunConfig
    from workbench.piece import Piece


@runtime_checkable
class Located(Protocol):
    """Anything that knows its run directory, as an open run does."""

    @property
    def directory(self) -> RunDirectory:
        """The run directory."""


def pieces_of(value: Any) -> Iterator["Piece"]:
    """Every piece in a config, in a method, in lists and tables, and in the fields of other pieces."""
    from workbench.method import Method
    from workbench.piece import Piece
    from workbench.sections import Part

    if isinstance(value, Piece):
        yield value
        value = value.fields()
    if isinstance(value, Part):
        value = [value.piece]
    if isinstance(value, Method):
        value = [piece for _, piece in value.pieces()]
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from pieces_of(item)


def cell_pieces(config: "RunConfig") -> list["Piece"]:
    """The config's pieces that were defined in a cell."""
    from workbench.cells.source import in_notebook

    parts = [config.method, config.rewards, config.task, config.pruning, config.exams, config.alarms]
    return [piece for piece in pieces_of(parts) if in_notebook(type(piece).__module__)]


def homes(config: "RunConfig") -> set[str]:
    """The modules of all cells that a config needs."""
    from workbench.cells.source import in_notebook
    from workbench.registry import HOMES

    named = {HOMES.get(config.method.key, "")}
    return {home for home in named if in_notebook(home)} | {type(piece).__module__ for piece in cell_pieces(config)}


def source_errors(config: "RunConfig") -> list[str]:
    """What a run could not store: definitions without a source, and older versions of what was defined again."""
    from workbench.cells.source import SOURCES

    found = []
    if homes(config) - SOURCES.keys():
        lost = [
            f"{piece.kind} {piece.name!r}" for piece in cell_pieces(config) if type(piece).__module__ not in SOURCES
        ]
        names = ", ".join(dict.fromkeys(lost)) or f"method {config.method.key!r}"
        found.append(
            f"{names} was defined in a cell whose source cannot be had, so a run could not store it: begin that cell "
            "with %%method NAME and run it again"
        )
    for piece in cell_pieces(config):
        if type(piece).__module__ in SOURCES and piece.registry.get(piece.name) is not type(piece):
            found.append(
                f"{piece.kind} {piece.name!r} was defined again after this config was made: name it anew in the "
                f"config, as in config.replace(method={config.method.key!r})"
            )
    return list(dict.fromkeys(found))


def write_sources(config: "RunConfig", directory: RunDirectory) -> dict[str, str]:
    """Writes the sources a config needs into a run's directory; answers the SHA-256 of each by name."""
    from workbench.cells.source import SOURCES

    sources = {source.name: source for source in (SOURCES[home] for home in homes(config))}
    for name, source in sorted(sources.items()):
        directory.source.mkdir(exist_ok=True)
        write_atomic(directory.source / f"{name}.py", source.text, sync=True)
    return {name: source.sha256 for name, source in sorted(sources.items())}


def stored(directory: RunDirectory) -> list["Source"]:
    """The sources of a run, as launched; ValueError where one is missing or was changed since."""
    recorded: dict[str, str] = expect_document(directory.environment, ENVIRONMENT).get("sources", {})
    if not recorded:
        return []
    from workbench.cells.source import Source

    found = []
    for name, expected in recorded.items():
        path = directory.source / f"{name}.py"
        if not path.is_file():
            raise ValueError(f"{path} is missing, and the run needs it: put it back, or launch a new run")
        found.append(Source(name, path.read_bytes().decode()))
        if found[-1].sha256 != expected:
            raise ValueError(f"{path} was changed after the launch: put it back as it was, or launch a new run")
    return found


def load_source(run: Located | str | Path) -> list[str]:
    """Runs the sources stored with a run in this process, in place of what is known under their names.

    This executes code that lies in the run's directory: look at it first if the run is not yours. Answers the names.
    """
    directory = RunDirectory(Path(run)) if isinstance(run, str | Path) else run.directory
    return load_stored(directory.check())


def load_stored(directory: RunDirectory) -> list[str]:
    """Loads a run's sources; answers their names."""
    sources = stored(directory)
    if sources:
        from workbench.cells.source import load

        for source in sources:
            load(source)
    return [source.name for source in sources]


def config_of(directory: RunDirectory) -> "RunConfig":
    """The config of a run; ValueError where it was edited, or needs a source that this process has not loaded."""
    from workbench.config import RunConfig

    check_config(directory)
    sources = stored(directory)
    if sources:
        from workbench.cells.source import current

        strange = [source for source in sources if not current(source)]
        if strange:
            files = ", ".join(str(directory.source / f"{source.name}.py") for source in strange)
            raise ValueError(
                f"the config of {directory.path} needs {files}, which is not loaded here, or in another version: read "
                f"it, then load it with workbench.load_source({str(directory.path)!r})"
            )
    return RunConfig.load(directory.config)
