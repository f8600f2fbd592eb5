"""`%load_ext workbench` and the cell magic `%%method NAME`: the whole cell is the source of what it defines."""

from typing import Any, Protocol, runtime_checkable

from workbench import registry
from workbench.cells.effect import report
from workbench.cells.source import Source, load
from workbench.cells.trial import MethodError
from workbench.piece import Piece


@runtime_checkable
class Shell(Protocol):
    """The part of IPython's shell that is used."""

    user_ns: dict[str, Any]

    def register_magic_function(self, func: Any, magic_kind: str, magic_name: str) -> None:
        """Registers a function as a magic."""


def load_magic(shell: Shell) -> None:
    """Registers the magic `%%method NAME` in a notebook."""

    def run_cell(line: str, cell: str) -> None:
        """Runs the cell as a module, and puts its names into the notebook's namespace."""
        if len(line.split()) != 1:
            raise MethodError(f"%%method {line}: give one name, as in %%method my_grpo")
        source = Source(line.strip(), cell)
        module = load(source)
        shell.user_ns.update({name: value for name, value in vars(module).items() if not name.startswith("_")})
        print(f"{source.name}: {', '.join(defined(source))}")
        for key in methods_of(source):
            print(report(key, registry.METHODS[key]))

    shell.register_magic_function(run_cell, "cell", "method")


def methods_of(source: Source) -> list[str]:
    """The keys of the methods that a source registered."""
    return [key for key, home in registry.HOMES.items() if home == source.module]


def defined(source: Source) -> list[str]:
    """The methods and pieces that a source has registered, as text."""
    methods = [f"method {key!r}" for key in methods_of(source)]
    pieces = [
        f"{kind.kind} {name!r}"
        for kind in Piece.__subclasses__()
        for name, piece in kind.registry.items()
        if piece.__module__ == source.module
    ]
    return methods + pieces
