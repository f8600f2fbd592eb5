"""Engines by their name in a config. An engine's module, and what it imports, is loaded when the engine is made."""

from typing import Any

from workbench import registry
from workbench.engines.agreement import check_agreement
from workbench.engines.base import ModulePolicy
from workbench.engines.entry import Entry
from workbench.engines.local.rows import Binder
from workbench.engines.options import LocalOptions, VllmOptions
from workbench.errors import among
from workbench.types import Capabilities, Engine


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
    engine: Engine = entry.load()(policy, concurrent=concurrent, **given)
    if entry.agrees:
        check_agreement(engine, policy, name)
    return engine


def find(name: str) -> Entry:
    """An engine's entry; ValueError with the known names for an unknown one."""
    known = engines()
    if name not in known:
        raise ValueError(f"no engine is called {name!r}{among(name, sorted(known), 'set rollouts.engine to one of')}")
    entry = known[name]
    if not isinstance(entry, Entry):
        raise ValueError(f"ENGINES[{name!r}] is a {type(entry).__name__}: give an Entry of workbench.engines.entry")
    return entry


def engines() -> dict[str, Entry]:
    """Every engine by name: the project's, and those of the user's files."""
    registry.load()
    return registry.ENGINES
