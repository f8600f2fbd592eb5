"""The notebook's views: `Workbench()` in a cell, or one of its parts; `write_report(run, path)` for a file."""

import importlib
from typing import Any

_HOMES = {
    "Dashboard": "widgets.dashboard.dashboard",
    "Exams": "widgets.exams.exams",
    "Playground": "widgets.playground.playground",
    "RunsView": "widgets.runs.runs_view",
    "Tokens": "widgets.dashboard.dashboard",
    "Workbench": "widgets.workbench",
    "write_report": "widgets.report.report",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'widgets' has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)
