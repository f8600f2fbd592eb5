"""The project's own files, read as syntax trees."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEFT_BEHIND = {"__pycache__", "node_modules", ".ipynb_checkpoints"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(*folders: str, suffixes: tuple[str, ...] | None = (".py",)) -> list[Path]:
    """The project's own files in these folders, with these endings (None: any); what tools leave behind is left out."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    kept = (path for path in found if suffixes is None or path.suffix in suffixes)
    return sorted(path for path in kept if not LEFT_BEHIND & set(path.parts) and not path.name.startswith("."))


def place(path: Path) -> str:
    """A path as the tables above have it."""
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, in functions and for type checkers too, `from a import b` as both a and a.b."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield "." * node.level + module
            yield from (f"{module}.{name.name}" for name in node.names)


def functions(path: Path) -> Iterator[tuple[str, Function, bool]]:
    """Every function with its dotted name, and whether it is a method."""

    def walk(node: ast.AST, prefix: str, inside: bool) -> Iterator[tuple[str, Function, bool]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                yield prefix + child.name, child, inside
                yield from walk(child, f"{prefix}{child.name}.", False)
            elif isinstance(child, ast.ClassDef):
                yield from walk(child, f"{prefix}{child.name}.", True)
            else:
                yield from walk(child, prefix, inside)

    yield from walk(tree(path), "", False)


def length(function: Function) -> int:
    """Lines of a function from `def` to its end, docstring included."""
    return (function.end_lineno or 0) - function.lineno + 1
