"""The same recorded rollouts under every method: what each would tell every token, and how unlike GRPO that is."""

from collections import defaultdict
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from widgets.data import NOT_SIGNALS, RunData, per_token, token_counts
from workbench.method import Method, carries_gradient, lens
from workbench.registry import methods
from workbench.types import Batch, axes

REFERENCE = "grpo"


class Gallery:
    """Lenses of all methods, step by step; the cosines are taken over all steps seen."""

    def __init__(self, data: RunData) -> None:
        config = data.config()
        training = config.get("training") or {}
        self.total = int(training.get("steps") or 1)
        self.one_update = training.get("updates", 1) == training.get("epochs", 1) == 1
        self.budget = int((config.get("rollouts") or {}).get("max_tokens") or 0)
        self.methods: dict[str, Method] = dict(methods())
        self.problems: dict[str, str] = {}
        self.found: dict[str, list[np.ndarray]] = defaultdict(list)

    def columns(self, table: pa.Table, step: int) -> dict[str, np.ndarray]:
        """`lens:KEY` over all tokens of a step's rollouts, one rollout after the other."""
        learnt = read_by_update(table)
        batch = step_batch(table.filter(pa.array(learnt)), step, self.total, self.budget)
        if self.one_update:
            batch = batch.extend(**as_sampled(batch))
        counts = token_counts(table)
        inside = torch.arange(batch.mask.shape[1])[None] < torch.tensor(counts[learnt])[:, None]
        columns = {}
        for key, method in self.methods.items():
            try:
                push = lens(method, batch.replace(state=method.init()))
            except (ValueError, RuntimeError) as error:  # often a signal that was not recorded: the page says which
                self.problems[key] = str(error)
                continue
            self.found[key].append(push[inside].numpy())
            columns[f"lens:{key}"] = np.full(int(counts.sum()), np.nan)
            columns[f"lens:{key}"][np.repeat(learnt, counts)] = self.found[key][-1]
        return columns

    def entries(self) -> list[dict[str, Any]]:
        """Every method with the cosine of its lens and GRPO's, the most alike first, those without a lens last."""
        own = {key: np.concatenate(parts) for key, parts in self.found.items() if key not in self.problems}
        rows = []
        for key, method in self.methods.items():
            alike = cosine(own[key], own[REFERENCE]) if key in own and REFERENCE in own else None
            texts = {"key": key, "title": method.title, "changes": method.changes}
            rows.append({**texts, "cosine": alike, "problem": self.problems.get(key)})
        return sorted(rows, key=lambda row: (row["cosine"] is None, -(row["cosine"] or 0.0), row["key"]))


def cosine(one: np.ndarray, other: np.ndarray) -> float | None:
    """Of the angle between two lenses; None where one of them is zero everywhere."""
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.dot(one, other)) / size if size > 0 else None


def read_by_update(table: pa.Table) -> np.ndarray:
    """Which rollouts the update read: those that a filter left out have no log-probs, [rollout]."""
    known = ~np.isnan(per_token(table, "logprob"))
    ends = np.cumsum(token_counts(table))
    return np.array([part.any() for part in np.split(known, ends[:-1])])


def step_batch(table: pa.Table, step: int, total: int, budget: int) -> Batch:
    """The recorded rollouts of a step as a batch; only signals that every rollout has are in it."""
    rows = table.to_pylist()
    width = max(len(row["token_ids"]) for row in rows)
    extras = {}
    for field in table.schema:
        floats = pa.types.is_list(field.type) and pa.types.is_floating(field.type.value_type)
        complete = floats and table.column(field.name).null_count == 0
        if complete and field.name not in NOT_SIGNALS | {"advantage", "lens"} and has_axes(field.name):
            extras[field.name] = padded([row[field.name] for row in rows], width)
    names = {name: number for number, name in enumerate(dict.fromkeys(row["problem"] for row in rows))}
    return Batch(
        logprob=extras.pop("logprob"),
        old_logprob=extras.pop("old_logprob"),
        mask=padded([row["trained"] for row in rows], width).bool(),
        reward=torch.tensor([row["reward"] for row in rows], dtype=torch.float32),
        group=torch.tensor([row["group"] for row in rows]),
        problem=torch.tensor([names[row["problem"]] for row in rows]),
        correct=torch.tensor([row["correct"] for row in rows], dtype=torch.float32),
        tokens=padded([row["token_ids"] for row in rows], width).long(),
        step=step,
        total_steps=total,
        budget=max(budget, width),
        extras={**extras, "truncated": torch.tensor([float(row["finish"] == "length") for row in rows])},
    )


def as_sampled(batch: Batch) -> dict[str, torch.Tensor]:
    """The signals of the policy that sampled: where a step makes one update, the recorded ones are its."""
    own = [name for name in batch.extras if not name.startswith(("old_", "ref_", "engine_")) and carries_gradient(name)]
    return {f"old_{name}": batch.extras[name] for name in own}


def has_axes(name: str) -> bool:
    """Whether a recorded column is a signal that methods know."""
    try:
        axes(name)
    except ValueError:
        return False
    return True


def padded(rows: list[list[Any]], width: int) -> torch.Tensor:
    """Ragged rows as a tensor, filled with zeros on the right: a batch's mask covers them."""
    values = torch.zeros(len(rows), width)
    for place, row in enumerate(rows):
        values[place, : len(row)] = torch.tensor([float(value) for value in row])
    return values
