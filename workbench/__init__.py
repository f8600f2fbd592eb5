"""RLVR Workbench: see, token by token, what reinforcement learning with verifiable rewards does to a model."""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Batch": "workbench.types",
    "Problem": "workbench.types",
    "Rollout": "workbench.types",
    "Method": "workbench.method",
    "advantages": "workbench.method",
    "derive": "workbench.method",
    "lens": "workbench.method",
    "lens_all": "workbench.method",
    "objective": "workbench.method",
    "settle": "workbench.method",
    "METHODS": "workbench.methods",
    "RunConfig": "workbench.config",
    "add_signal": "workbench.runs.checkpoints.rescore",
    "branch": "workbench.runs.checkpoints.snapshot",
    "evaluate": "workbench.runs.checkpoints.evaluation",
    "fork": "workbench.runs.checkpoints.fork",
    "import_run": "workbench.runs.exchange.find",
    "launch": "workbench.runs.launch",
    "launch_experiment": "workbench.runs.sweep.launch",
    "load_source": "workbench.runs.directory.sources",
    "open_run": "workbench.runs.open",
    "query_runs": "workbench.runs.query_runs",
    "register": "workbench.cells",
    "snapshot": "workbench.runs.checkpoints.snapshot",
    "track": "workbench.runs.exchange.trackers",
    "watch": "workbench.runs.exchange.watch",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    """Public names are looked up when first used, so that importing the package loads no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}; it has: {', '.join(__all__)}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext workbench` gives a notebook the cell magic `%%method NAME`."""
    from workbench.cells import load_magic

    load_magic(shell)


def __dir__() -> list[str]:
    return __all__
