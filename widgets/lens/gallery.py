"""The same recorded rollouts under every method: the lens of each, and its cosine similarity to that of GRPO."""

from collections import defaultdict
from typing import Any

import numpy as np

from widgets.recorded.data import RunData
from workbench.method import Method
from workbench.registry import methods
from workbench.runs.replay import Replay

REFERENCE = "grpo"


class Gallery:
    """Lenses of all methods, step by step; the cosines are taken over all steps seen."""

    def __init__(self, data: RunData) -> None:
        self.run = data.run
        self.methods: dict[str, Method] = dict(methods())
        self.errors: dict[str, str] = {}
        self.found: dict[str, list[np.ndarray]] = defaultdict(list)

    def columns(self, step: int) -> dict[str, np.ndarray]:
        """`lens:KEY` over all tokens of a step's rollouts, one rollout after the other."""
        replay = Replay.of(self.run, step)
        columns = {}
        for key, method in self.methods.items():
            try:
                weights = replay.push(method)
            except (ValueError, RuntimeError) as error:  # often a signal that was not recorded: the page says which
                self.errors[key] = str(error)
                continue
            self.found[key].append(weights[replay.known])
            columns[f"lens:{key}"] = weights
        return columns

    def entries(self) -> list[dict[str, Any]]:
        """Every method with the cosine of its lens and GRPO's, the most alike first, those without a lens last."""
        own = {key: np.concatenate(parts) for key, parts in self.found.items() if key not in self.errors}
        rows = []
        for key, method in self.methods.items():
            alike = cosine(own[key], own[REFERENCE]) if key in own and REFERENCE in own else None
            texts = {"key": key, "title": method.title, "changes": method.changes}
            rows.append({**texts, "cosine": alike, "error": self.errors.get(key)})
        return sorted(rows, key=lambda row: (row["cosine"] is None, -(row["cosine"] or 0.0), row["key"]))


def cosine(one: np.ndarray, other: np.ndarray) -> float | None:
    """Of the angle between two lenses; None where one of them is zero everywhere."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.dot(one, other)) / size if size > 0 else None
