"""The page of the Python API: a directive of mkdocstrings for every public name, read from the packages themselves."""

import importlib
import inspect
from types import ModuleType

PACKAGES = ("workbench", "widgets")
#: Modules whose whole content is for users who write pieces, with what one finds in them.
MODULES = {
    "workbench.kinds": "The kinds: what each slot of a method or of a run is asked, and what it answers.",
    "workbench.types": "The vocabulary: problem, request, rollout, group, batch; protocols of policy and engine.",
    "workbench.ops": "Masked and grouped arithmetic: pure functions on tensors, each with an example that is run.",
}


def api_page(note: str) -> str:
    """Public names of both packages, then the modules for authors of pieces."""
    lines = ["# Python API", "", note, ""]
    for package in PACKAGES:
        module = importlib.import_module(package)
        lines += [f"## {package}", "", f"What `from {package} import …` offers.", ""]
        for name in sorted(module.__all__):
            lines += directive(module, name)
    for name, text in MODULES.items():
        lines += [f"## {name}", "", text, "", f"::: {name}", "    options:", "      show_root_heading: false", ""]
    return "\n".join(lines)


def directive(module: ModuleType, name: str) -> list[str]:
    """What mkdocstrings reads for a name: where it is defined, whatever it is looked up through."""
    found = getattr(module, name)
    if not (inspect.isclass(found) or inspect.isfunction(found)):
        return [f"### {module.__name__}.{name}", "", f"`{type(found).__name__}`: {summary(found)}", ""]
    return [f"::: {found.__module__}.{found.__qualname__}", ""]


def summary(found: object) -> str:
    """What a name that is neither class nor function is, in a sentence."""
    return " ".join((inspect.getdoc(type(found)) or "").split("\n\n")[0].split())
