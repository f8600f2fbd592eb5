"""Engines by the name they have in a config."""

from collections.abc import Callable

from workbench.engines.base import ModulePolicy
from workbench.engines.generate import GenerateEngine
from workbench.engines.local import LocalEngine
from workbench.types import Capabilities, Engine

Maker = Callable[[ModulePolicy, int], Engine]

ENGINES: dict[str, tuple[Capabilities, Maker]] = {
    "local": (LocalEngine.capabilities, lambda policy, slots: LocalEngine(policy, slots=slots)),
    "generate": (GenerateEngine.capabilities, lambda policy, slots: GenerateEngine(policy, slots=slots)),
}


def capabilities(name: str) -> Capabilities:
    """What the engine of this name can give."""
    return find(name)[0]


def make_engine(name: str, policy: ModulePolicy, *, slots: int) -> Engine:
    """An engine that writes at most `slots` rollouts at once."""
    return find(name)[1](policy, slots)


def find(name: str) -> tuple[Capabilities, Maker]:
    """An engine's entry; the error names those there are."""
    if name not in ENGINES:
        raise ValueError(f"no engine is called {name!r}; set rollouts.engine to one of: {', '.join(sorted(ENGINES))}")
    return ENGINES[name]
