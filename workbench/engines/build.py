"""Engines by the name they have in a config; an engine's module, and what it imports, is loaded when one is made."""

import importlib
from dataclasses import dataclass

from workbench.engines.base import ModulePolicy
from workbench.types import Capabilities, Engine


@dataclass(frozen=True)
class Entry:
    """Where an engine's class is, and what it can give (the same as the class says)."""

    module: str
    name: str
    capabilities: Capabilities


ENGINES = {
    "local": Entry("workbench.engines.local", "LocalEngine", Capabilities(pruning=True, deterministic=True)),
    "generate": Entry("workbench.engines.generate", "GenerateEngine", Capabilities(deterministic=True)),
}


def capabilities(name: str) -> Capabilities:
    """What the engine of this name can give."""
    return find(name).capabilities


def make_engine(name: str, policy: ModulePolicy, *, slots: int) -> Engine:
    """An engine that writes at most `slots` rollouts at once."""
    entry = find(name)
    engine: Engine = getattr(importlib.import_module(entry.module), entry.name)(policy, slots=slots)
    return engine


def find(name: str) -> Entry:
    """An engine's entry; the error names those there are."""
    if name not in ENGINES:
        raise ValueError(f"no engine is called {name!r}; set rollouts.engine to one of: {', '.join(sorted(ENGINES))}")
    return ENGINES[name]
