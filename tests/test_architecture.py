"""The architecture as tests: who may import whom, and that nothing is imported in a circle, in Python and JavaScript.

A *room* is a folder, or a file that stands beside folders. Rules are broken in `EXCEPTIONS` only, with the reason.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from scripts.sources import ROOT, files, imports, place

#: place -> why it may import what its room may not.
EXCEPTIONS = {
    "workbench/__init__.py": "names the modules of the public names, which it imports when they are asked for",
    "workbench/methods/__init__.py": "METHODS there forwards to the registry, when first asked for",
    "workbench/models/embedded/make.py": "makes the weights from traces of the tasks it teaches",
    "workbench/models/embedded/tokens.py": "the vocabulary is made of the words those tasks use",
    "workbench/models/embedded_programs/make.py": "makes the weights from traces of the problems it teaches",
    "workbench/models/embedded_programs/tokens.py": "the vocabulary is made of the lines that programs are drawn from",
    "workbench/runs/process/build.py": "the one place that joins the rooms",
    "workbench/runs/checkpoints/grade_reward.py": "asks a reward about ready-made solutions, without a run",
    "workbench/runs/micro_mixing.py": "makes mixtures of the sources that small runs choose",
    "workbench/cast/checkpoint.py": "a run's model is opened by what reads runs",
    "workbench/runs/process/score.py": "scores texts by hand as build.py has a run score",
    "workbench/runs/process/family.py": "tries trainer and engine on a model, for build.py",
}

BASE = {"descriptions", "types", "errors", "visible", "piece", "ops", "kinds"}
CORE = BASE | {"random_numbers", "signals"}
DATA = BASE | {"method", "registry", "sections", "config"}  # what a config is made of
#: What each room of the library may import besides itself: rooms, or single modules.
LIBRARY: dict[str, set[str]] = {
    "descriptions": set(),
    "types": set(),
    "errors": set(),
    "visible": set(),
    "piece": {"descriptions", "types", "errors"},
    "ops": {"types"},
    "random_numbers": {"types"},
    "signals": {"descriptions", "types", "ops"},
    "kinds": {"types", "piece", "ops", "signals"},
    "method": CORE,
    "pieces": CORE,
    "environments": BASE | {"problems", "sandbox"},
    "methods": CORE | {"method", "pieces", "environments"},
    "registry": {"errors", "piece", "kinds", "method"},
    "engines": CORE | {"registry"},  # the folder of known engines is one
    "sandbox": set(),  # knows values and programs, nothing of this project
    "problems": {"errors", "types", "sandbox"},
    "rewards": CORE | {"problems", "sandbox"},
    "cast": CORE | {"models", "engines", "training"},  # opens models
    "pruning": CORE,
    "tasks": BASE | {"problems", "sandbox"},
    "exams": BASE | {"problems", "tasks", "rewards", "analysis"},
    "models": BASE,
    "analysis": BASE | {"sandbox"},
    "sections": BASE | {"engines.options"},  # data: no engine is loaded for it
    "config": BASE | {"method", "registry", "sections", "models.spec"},  # the spec is data and loads no model
    "checks": BASE | {"method", "config"},
    "training": CORE | {"method", "sections", "config", "analysis"},
    "planning": CORE | {"method", "sections", "config", "models", "training"},  # counts what the trainer will read
    "cells": BASE | {"method", "registry", "checks"},
    "runs": CORE | DATA | {"checks", "cells", "planning", "training", "analysis"},
    "study": DATA | {"runs", "analysis"},
    "commands": DATA | {"checks", "runs", "planning", "models", "papers", "sandbox", "study"},
    "papers": set(),  # data
    "cli": {"commands", "runs"},
    "__main__": {"cli"},
}

#: What each room of the views may import besides itself; every one of them may import the library.
GROUND = {"wire", "page"}
READ = GROUND | {"recorded", "lens"}
WIDGETS: dict[str, set[str]] = {
    "wire": set(),
    "page": set(),
    "form": set(),
    "recorded": GROUND,
    "lens": GROUND | {"recorded", "form"},
    "text": GROUND | {"recorded"},
    "setup": GROUND | {"form", "recorded"},
    "charts": READ,
    "comparison": set(),
    "board": READ | {"text", "charts"},
    "step": READ | {"text", "board"},
    "checkpoint": READ | {"text", "board"},
    "exams": READ,
    "weights": READ | {"checkpoint", "text", "board"},
    "memory": READ | {"board"},
    "tokens": READ | {"text", "board", "step"},
    "playground": READ | {"text", "tokens", "board", "form"},
    "dashboard": READ | {"text", "tokens", "board", "charts", "checkpoint", "step"},
    "report": READ | {"text", "tokens", "charts", "board", "dashboard", "step"},
    "runs": READ | {"charts", "dashboard"},
    "serve": READ | {"dashboard", "runs", "charts", "tokens"},
    "workbench": {"wire", "form", "setup", "dashboard", "runs", "recorded"},
    "__init__": set(),  # names the modules of the public names, which it imports when they are asked for
}

NOTEBOOK = ("widgets", "anywidget", "ipywidgets", "panel", "plotly", "IPython")
SCRIPT_IMPORT = re.compile(r'^import [^"\']*["\'](\.[^"\']+)["\'];', re.MULTILINE)


def room(path: Path, package: str) -> str:
    """The first folder below a package, or the file that stands there."""
    return path.relative_to(ROOT / package).parts[0].removesuffix(".py")


def inside(path: Path, package: str) -> set[tuple[str, ...]]:
    """What a Python file imports of a package, as parts below it."""
    names = (name.split(".") for name in imports(path))
    return {tuple(parts[1:]) for parts in names if parts[0] == package and len(parts) > 1}


def neighbours(path: Path) -> Iterator[Path]:
    """The modules that a JavaScript module imports."""
    for target in SCRIPT_IMPORT.findall(path.read_text(encoding="utf-8")):
        yield ROOT / posixpath.normpath((path.parent.relative_to(ROOT) / target).as_posix())


def wrong(package: str, rooms: Mapping[str, set[str]]) -> Iterator[str]:
    """Imports of a package that its table does not allow."""
    for path in files(package):
        name = room(path, package)
        if place(path) in EXCEPTIONS:
            continue
        if name not in rooms:
            yield f"{place(path)}: room {name!r} is not in the table: say there what it may import"
            continue
        allowed = rooms[name] | {name, "__version__"}
        for parts in sorted(inside(path, package)):
            if not {parts[0], ".".join(parts[:2])} & allowed:
                yield f"{place(path)}: {name} may not import {'.'.join(parts)}"


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """A circle of a graph, if there is one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def module(path: Path) -> str:
    """The dotted name of a Python file."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def python_graph(package: str) -> dict[str, set[str]]:
    """Every module of a package with the modules of it that it imports, in functions and for type checkers too."""
    modules = {module(path) for path in files(package)}
    graph: dict[str, set[str]] = {}
    for path in files(package):
        named = (set(imports(path)) & modules) - {module(path)}
        # `from a import b` names the package a as well, where its module b is meant
        parents = {
            each.rpartition(".")[0] for each in named if (ROOT / each.rpartition(".")[0].replace(".", "/")).is_dir()
        }
        graph[module(path)] = named - parents
    return graph


def by_room(graph: Mapping[str, Iterable[str]], folders: set[str]) -> dict[str, set[str]]:
    """The same graph over rooms: a file that stands beside sub-folders is a room of its own."""

    def of(name: str) -> str:
        parent = name.rpartition(".")[0]
        return name if parent in folders or name in folders else parent

    rooms: dict[str, set[str]] = {}
    for name, needed in graph.items():
        rooms.setdefault(of(name), set()).update({of(each) for each in needed} - {of(name)})
    return rooms


def with_folders(package: str) -> set[str]:
    """Packages that have sub-packages: their files count one by one."""
    folders = {path.parent for path in files(package)}
    parents = {each for each in folders if any(each in other.parents for other in folders)}
    return {".".join(each.relative_to(ROOT).parts) for each in parents}


# ----------------------------------------------------------------------------------------------- the tests


@pytest.mark.parametrize(("package", "rooms"), [("workbench", LIBRARY), ("widgets", WIDGETS)])
def test_imports_go_down_only(package: str, rooms: dict[str, set[str]]) -> None:
    assert not list(wrong(package, rooms))
    assert not circle(rooms), "the table itself has a circle"
    unused = set(rooms) - {room(path, package) for path in files(package)}
    assert not unused, f"rooms that do not exist: {unused}"


def test_javascript_imports_go_down_only() -> None:
    for path in files("widgets", suffixes=(".js",)):
        for other in neighbours(path):
            assert other.is_file(), f"{place(path)} imports {place(other)}, which does not exist"
            here, there = room(path, "widgets"), room(other, "widgets")
            assert there in WIDGETS[here] | {here}, f"{place(path)}: {here} may not import {place(other)}"


def test_no_module_is_imported_in_a_circle() -> None:
    scripts = files("widgets", suffixes=(".js",))
    assert not circle({place(path): [place(other) for other in neighbours(path)] for path in scripts})
    for package in ("workbench", "widgets"):
        assert not circle(python_graph(package))


def test_no_room_is_imported_in_a_circle() -> None:
    for package in ("workbench", "widgets"):
        assert not circle(by_room(python_graph(package), with_folders(package)))


def test_a_circle_is_found() -> None:
    assert circle({"a": ["b"], "b": ["c"], "c": ["a"]})
    assert circle(by_room({"p.x.a": ["p.y.b"], "p.y.c": ["p.x.d"]}, {"p"}))


def test_the_library_knows_no_notebook_and_no_widget() -> None:
    for path in files("workbench"):
        known = sorted(name for name in imports(path) if name.split(".")[0] in NOTEBOOK)
        assert not known, f"{place(path)} imports {known}"


def test_whole_paths_are_imported() -> None:
    for path in files("workbench", "widgets"):
        relative = [name for name in imports(path) if name.startswith(".")]
        assert not relative, f"{place(path)} imports {relative}: write the whole path"


def test_views_stand_in_rooms() -> None:
    loose = {path.name for path in (ROOT / "widgets").iterdir() if path.is_file()}
    assert loose == {"__init__.py", "workbench.py", "jsconfig.json", "py.typed"}
    assert not {path.name for path in (ROOT / "workbench" / "runs").iterdir() if path.name.startswith("run")}


def test_exceptions_are_needed() -> None:
    for name in EXCEPTIONS:
        path = ROOT / name
        allowed = LIBRARY.get(room(path, "workbench"), set()) | {room(path, "workbench")}
        needed = {parts[0] for parts in inside(path, "workbench")} - allowed - {"__version__"}
        assert needed or name == "workbench/__init__.py", f"{name} needs no exception any more"
