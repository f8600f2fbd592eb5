"""The stand-in's batch where logits processors are at work: its rows change places as vLLM's V1 runner lets them."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch

VOCABULARY = 512


class Batch:
    """Rows by place. What has ended leaves a hole, and the last row fills it."""

    def __init__(self, processors: Sequence[Any]) -> None:
        self.processors = processors
        self.model = SimpleNamespace(compute_logits=lambda states: torch.zeros(len(states), VOCABULARY))
        self.rows: list[Any] = []

    def forced(self, requests: Mapping[str, Any]) -> dict[str, int]:
        """One step: the tokens of those requests that have no choice."""
        update = self.update(requests)
        logits = self.model.compute_logits(torch.tensor([state(*row) for row in self.rows]))
        for processor in self.processors:
            processor.update_state(update)
            logits = processor.apply(logits)
        place = {id(row): place for place, row in enumerate(self.rows)}
        chosen = {name: logits[place[id(request)]] for name, request in requests.items()}
        return {name: int(row.argmax()) for name, row in chosen.items() if row.isinf().any()}

    def update(self, requests: Mapping[str, Any]) -> Any:
        """Who left, came and moved, as vLLM tells it; None where nobody did."""
        there, here = {id(request) for request in requests.values()}, {id(row) for row in self.rows}
        removed = [place for place, row in enumerate(self.rows) if id(row) not in there]
        for place in removed:
            self.rows[place] = None
        added = []
        for request in requests.values():
            if id(request) not in here:
                _, params, _, written = request
                added.append((len(self.rows), params, None, written))
                self.rows.append(request)
        moved = []
        while None in self.rows:
            hole, last = self.rows.index(None), len(self.rows) - 1
            if hole < last and self.rows[last] is not None:
                moved.append((last, hole, SimpleNamespace(name="UNIDIRECTIONAL")))
                self.rows[hole] = self.rows[last]
            self.rows.pop()
        return SimpleNamespace(removed=removed, added=added, moved=moved) if removed or added else None


def state(start: int, params: Any, adapter: int, written: Sequence[int]) -> list[float]:
    """A row's hidden state: what it hangs on, as numbers."""
    return [float(start), float(params.seed % 1000), float(adapter), float(len(written))]
