"""Engines by their name in a config. An engine's module, and what it imports, is loaded when the engine is made."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.engines.agreement import check_agreement
from workbench.engines.base import ModulePolicy
from workbench.engines.local.rows import Binder
from workbench.engines.options import LOCAL, VLLM, LocalOptions, VllmOptions
from workbench.engines.vllm.process import check_installed
from workbench.errors import among
from workbench.types import Capabilities, Engine


@dataclass(frozen=True)
class Entry:
    """The place of an engine's class, and its capabilities (the same as on the class)."""

    module: str
    name: str
    capabilities: Capabilities
    rows: bool = False  # whether it keeps rows and takes a binder
    options: bool = False  # whether it has its own settings
    agrees: bool = True  # whether it is compared with the trainer when it is made: cheap only in this process
    check: Callable[[], None] = lambda: None  # raises ValueError where a package is not installed


ENGINES = {
    "local": Entry("workbench.engines.local.engine", "LocalEngine", LOCAL, rows=True, options=True),
    "generate": Entry("workbench.engines.generate", "GenerateEngine", Capabilities(deterministic=True)),
    "vllm": Entry(
        "workbench.engines.vllm.engine", "VllmEngine", VLLM, options=True, agrees=False, check=check_installed
    ),
}


def capabilities(name: str) -> Capabilities:
    """The capabilities of the engine of this name; ValueError where it is not installed."""
    entry = find(name)
    entry.check()
    return entry.capabilities


def make_engine(
    name: str,
    policy: ModulePolicy,
    *,
    concurrent: int,
    binder: Binder | None = None,
    options: LocalOptions | VllmOptions | None = None,
) -> Engine:
    """An engine that generates at most `concurrent` rollouts at once; `binder`: for one that keeps rows, see `Rows`.

    `options` are those of its own table, for an engine that has one. ValueError where it does not follow every weight
    that the policy trains.
    """
    entry = find(name)
    given: dict[str, Any] = {"binder": binder} if entry.rows else {}
    if entry.options and options is not None:
        given["options"] = options
    engine: Engine = getattr(importlib.import_module(entry.module), entry.name)(policy, concurrent=concurrent, **given)
    if entry.agrees:
        check_agreement(engine, policy, name)
    return engine


def find(name: str) -> Entry:
    """An engine's entry; ValueError with the known names for an unknown one."""
    if name not in ENGINES:
        raise ValueError(f"no engine is called {name!r}{among(name, sorted(ENGINES), 'set rollouts.engine to one of')}")
    return ENGINES[name]
