"""Engines by name."""

import importlib

import pytest

from workbench.engines.build import ENGINES, capabilities


@pytest.mark.parametrize("name", ENGINES)
def test_an_entry_says_what_the_class_can_give(name: str) -> None:
    entry = ENGINES[name]
    assert getattr(importlib.import_module(entry.module), entry.name).capabilities == entry.capabilities


def test_an_unknown_engine_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no engine is called 'vlm' .*'vllm'.*; .* generate, local"):
        capabilities("vlm")
