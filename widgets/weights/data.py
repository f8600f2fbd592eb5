"""The changes of a run's weights as a table of kinds and layers, with the measures that a heatmap may show."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.runs.checkpoints.available import find_checkpoint
from workbench.runs.directory.paths import plain
from workbench.runs.open import Run

KEPT = 8  # comparisons that are remembered
#: Measures of a cell: name -> label, and what it is.
MEASURES = {
    "changed": ("changed weights, float32", "share of weights that are not bit for bit as they were"),
    "changed_tolerance": ("changed weights, ± 1e-5", "share of weights that moved by more than 1e-5"),
    "changed_bfloat16": ("changed weights, bfloat16", "share of weights that differ after rounding both to bfloat16"),
    "relative": ("relative norm", "norm of the change over the norm of the weights before it"),
    "rank": ("rank", "singular values of the change above float32's rounding, over the most there can be"),
    "directions": ("directions for 99 %", "singular vectors that hold 99 % of the squared norm, over the most"),
}  # fmt: skip
KNOWN: dict[tuple[str, int, int, bool], dict[str, Any]] = {}


def changes(run: Run, start: int, end: int | None, *, ranks: bool) -> dict[str, Any]:
    """Cells by kind and layer, totals, and the change made smaller; remembered for the last `KEPT` comparisons.

    ValueError for a step without checkpoint, and for DoRA or quantised weights.
    """
    from workbench.runs.checkpoints.weights import weight_changes  # loads torch

    last = find_checkpoint(run.directory, end).step
    key = (str(run.path), start, last, ranks)
    if key not in KNOWN:
        document = weight_changes(run, start, last, ranks=ranks).document()
        for old in list(KNOWN)[: max(0, len(KNOWN) + 1 - KEPT)]:
            del KNOWN[old]
        KNOWN[key] = shown(document)
    return KNOWN[key]


def shown(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document of changes as the page draws it."""
    tensors = document["tensors"]
    cells = [cell(row) for row in tensors]
    known = [name for name in MEASURES if any(each["numbers"][name] is not None for each in cells)]
    return {
        "from": document["from"],
        "to": document["to"],
        "merged": document["merged"],
        "kinds": kinds(tensors),
        "layers": sorted({row["layer"] for row in tensors if row["layer"] is not None}),
        "cells": cells,
        "measures": [[name, *MEASURES[name]] for name in known],
        "total": plain(document["total"]),
    }


def kinds(tensors: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of weights: those of layers first, both in the order in which they come."""
    inside = dict.fromkeys(row["kind"] for row in tensors if row["layer"] is not None)
    return list(dict.fromkeys([*inside, *(row["kind"] for row in tensors if row["layer"] is None)]))


def cell(row: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of one tensor; None for what it has none of."""
    full = row["full"] or math.nan
    values = {
        "changed": 1 - row["exact"],
        "changed_tolerance": 1 - row["tolerance"],
        "changed_bfloat16": 1 - row["bfloat16"],
        "relative": row["norm"] / row["start_norm"] if row["start_norm"] else math.nan,
        "rank": (math.nan if row["rank"] is None else row["rank"]) / full,
        "directions": (math.nan if row["directions"] is None else row["directions"]) / full,
    }
    return {
        "name": row["name"],
        "kind": row["kind"],
        "layer": row["layer"],
        "size": row["size"],
        "numbers": plain(values),
    }
