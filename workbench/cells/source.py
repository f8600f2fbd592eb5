"""Sources: a cell is run as a module, so that the source stored with a run is the one that was tried, and is complete.

Names of other cells are hidden while a source is loaded. Its definitions replace all those of an earlier version;
after an error nothing has changed.
"""

import builtins
import dataclasses
import hashlib
import linecache
import re
import symtable
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from workbench import registry
from workbench.cells.trial import MethodError, try_out
from workbench.method import Method
from workbench.piece import Piece

PREFIX = "workbench_cell_"
KNOWN = frozenset(dir(builtins)) - {"display", "get_ipython"} | {"__file__"}  # IPython's are no builtins
NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Source:
    """A cell's text under a name."""

    name: str
    text: str

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def module(self) -> str:
        """The name of its module: a different text has a different module."""
        return f"{PREFIX}{self.name}_{self.sha256[:12]}"

    @property
    def file(self) -> str:
        """The file name in tracebacks."""
        return f"<cell {self.name} {self.sha256[:12]}>"


SOURCES: dict[str, Source] = {}  # by module; earlier versions stay, since pieces made from them may be in use


def check_name(name: str) -> None:
    """MethodError for an invalid name of a method or source."""
    if not NAME.fullmatch(name):
        raise MethodError(
            f"{name!r} is no valid name for a method: use lower-case letters, digits and _, a letter first"
        )


def in_notebook(home: str) -> bool:
    """Whether a module is a cell, or the notebook or script itself, and not an importable file."""
    return home == "__main__" or home.startswith(PREFIX)


def current(source: Source) -> bool:
    """Whether the definitions of this source's name in this process are of this version."""
    return any(home == source.module for _, _, home in entries())


def load(source: Source) -> ModuleType:
    """Runs a source as a module, tries its definitions and registers them. MethodError if one cannot be used."""
    registry.load()
    if source.module in SOURCES and current(source):
        return sys.modules[source.module]
    check_names(source)
    with entering(source) as hidden:
        module = run(source, hidden)
        for key, method in registry.exported(module).items():
            enter(key, method, source.module)
        check_defined(source)
    SOURCES[source.module] = source
    return module


def run(source: Source, hidden: set[str]) -> ModuleType:
    """The source's module, readable for tracebacks and `inspect`. `hidden`: names that other cells define."""
    module = ModuleType(source.module)
    module.__file__ = source.file
    linecache.cache[source.file] = (len(source.text), None, source.text.splitlines(keepends=True), source.file)
    sys.modules[source.module] = module
    try:
        exec(compile(source.text, source.file, "exec"), vars(module))
    except MethodError:
        raise
    except Exception as error:
        text = f"cell {source.name!r}, run alone, fails: {type(error).__name__}: {error}"
        lost = "".join(f"; another cell defines {key!r}: put it into this one" for key in hidden if repr(key) in text)
        raise MethodError(text + lost) from error
    return module


def enter(key: str, method: Method, home: str) -> None:
    """Tries a method and registers it. MethodError if a file defines one of that name."""
    check_name(key)
    other = registry.HOMES.get(key, home)
    if other != home and not in_notebook(other):
        raise MethodError(f"method {key!r} is already defined in {other}: choose another name")
    try_out(dataclasses.replace(method, key=key))
    registry.enter(key, method, home)


# --------------------------------------------------------------------------------- names a source may use


def missing(text: str) -> list[str]:
    """The names that a source uses and does not define.

    >>> missing("import torch\\ndef half(x, scale=ONE): return torch.tensor(other(x) / 2)")
    ['ONE', 'other']
    """
    if re.search(r"^from .* import \*", text, re.MULTILINE):
        return []
    top = symtable.symtable(text, "<cell>", "exec")
    tables = list(walk(top))
    defined = {
        symbol.get_name()
        for table in tables
        for symbol in table.get_symbols()
        if (table is top or symbol.is_declared_global()) and (symbol.is_assigned() or symbol.is_imported())
    }
    used = {
        symbol.get_name()
        for table in tables
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (table is top or symbol.is_global())
    }
    return sorted(used - defined - KNOWN)


def walk(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """A symbol table and all tables within it."""
    yield table
    for child in table.get_children():
        yield from walk(child)


def check_names(source: Source) -> None:
    """MethodError if a source is not valid Python or uses names of other cells."""
    try:
        lost = missing(source.text)
    except SyntaxError as error:
        raise MethodError(f"cell {source.name!r}, line {error.lineno}: {error.msg}") from error
    if lost:
        raise MethodError(
            f"cell {source.name!r} uses {', '.join(lost)}, which it does not define: its source is stored with runs "
            f"and must be complete; put what it needs, imports included, into the one cell that begins with "
            f"%%method {source.name}"
        )


# ------------------------------------------------------------------------------ what a source may define


def entries() -> Iterator[tuple[dict[str, Any], str, str]]:
    """(table, key, defining module) of every entry of the registry."""
    for key, home in list(registry.HOMES.items()):
        yield registry.METHODS, key, home
        yield registry.HOMES, key, home
    for kind in Piece.__subclasses__():
        for name, piece in list(kind.registry.items()):
            yield kind.registry, name, piece.__module__


def check_defined(source: Source) -> None:
    """MethodError if a source defines nothing, or a piece that cannot be used."""
    defined = [table[key] for table, key, home in entries() if home == source.module]
    if not defined:
        raise MethodError(f"cell {source.name!r} defines no method, piece, reward or task; remove %%method")
    for piece in defined:
        if not isinstance(piece, type):
            continue
        made = vars(piece).get("__dataclass_params__")
        if made is None or not made.frozen:
            raise MethodError(f"cell {source.name!r}: write @dataclass(frozen=True) before class {piece.__name__}")
        if lost := sorted(getattr(piece, "__abstractmethods__", ())):
            raise MethodError(f"cell {source.name!r}: {piece.__name__} has no {', '.join(lost)}; its kind asks for it")


@contextmanager
def entering(source: Source) -> Iterator[set[str]]:
    """Hides the definitions of cells; afterwards they are restored, with the new ones if there was no error.

    Yields the hidden names.
    """
    tables: list[dict[str, Any]] = [
        registry.METHODS,
        registry.HOMES,
        *(kind.registry for kind in Piece.__subclasses__()),
    ]
    before = [dict(table) for table in tables]
    older = {(id(table), key) for table, key, home in entries() if of_same_name(home, source)}
    hidden = [(table, key) for table, key, home in entries() if in_notebook(home)]
    for table, key in hidden:
        del table[key]
    files = [dict(table) for table in tables]
    try:
        yield {key for _, key in hidden}
        refuse_taken(source, tables, files)
    except BaseException:
        for table, old in zip(tables, before, strict=True):
            refill(table, old)
        sys.modules.pop(source.module, None)
        raise
    for table, old in zip(tables, before, strict=True):
        others = {key: value for key, value in old.items() if (id(table), key) not in older}
        refill(table, {**others, **table})


def of_same_name(home: str, source: Source) -> bool:
    """Whether a module is a version of a source."""
    return home in SOURCES and SOURCES[home].name == source.name


def refill(table: dict[str, Any], content: dict[str, Any]) -> None:
    """Replaces the content of a table in place."""
    table.clear()
    table.update(content)


def refuse_taken(source: Source, tables: list[dict[str, Any]], files: list[dict[str, Any]]) -> None:
    """MethodError if a cell redefines a name of a file: a config would have another meaning elsewhere."""
    taken = [key for table, old in zip(tables, files, strict=True) for key in old if table.get(key) is not old[key]]
    if taken:
        raise MethodError(
            f"cell {source.name!r} defines {taken[0]!r}, which a file already defines: choose another name"
        )
