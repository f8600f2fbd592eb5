"""What came out of a study: a table of the claims, and one of the arms, as data and as Markdown."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from workbench.analysis.probes import crossing, leash
from workbench.analysis.statistics import mean_over_seeds
from workbench.study.claims import ENOUGH, by_seed, changed, found_in, kept, passed
from workbench.study.plan import BASE
from workbench.study.play import last_of, tallies_of

Line = Mapping[str, Any]


def report(lines: Sequence[Line]) -> dict[str, Any]:
    """Claims, arms and failed plays as plain data. ValueError without a play."""
    whole = [line for line in lines if "failed" not in line]
    if not whole:
        raise ValueError("no play is on record: run the study first")
    names = dict.fromkeys(line["arm"] for line in whole)
    seeds = by_seed(lines)
    return {
        "claims": [found.row() for found in found_in(lines)],
        "arms": {name: arm(name, seeds) for name in names},
        "seeds": sorted({line["seed"] for line in whole}),
        "budget": max(line["budget"] for line in whole),
        "failed": [{name: line[name] for name in ("arm", "seed", "failed")} for line in lines if "failed" in line],
    }


def arm(name: str, seeds: Sequence[Mapping[str, Line]]) -> dict[str, Any]:
    """The means of an arm over its seeds, with intervals; None where a number is not known."""
    own = [seed[name] for seed in seeds if name in seed]
    beside = [seed for seed in seeds if {name, BASE} <= set(seed)] if name != BASE else []
    most = min(line["tallies"][0][1] for line in own)
    trained = name != BASE
    numbers = {
        "pass_1": [passed(line, 1) for line in own],
        "pass_most": [passed(line, most) for line in own],
        "retention": [kept(seed, name) for seed in beside],
        "changed_bfloat16": [changed(line) for line in own] if trained else [],
        "changed_float32": [changed(line, "exact") for line in own] if trained else [],
        "relative_norm": [line["weights"]["relative_norm"] for line in own] if trained else [],
        "entropy": [last_of(line, "") for line in own],
        "entropy_propose": [last_of(line, "propose") for line in own],
        "length": [line["length"] for line in own],
        "steps": [line["steps"] for line in own],
        "tokens": [line["tokens"] + line["given_tokens"] for line in own],
        "cpu_seconds": [line["training"]["cpu_seconds"] for line in own] if trained else [],
    }
    crossings = [crossing(tallies_of(seed[name]), tallies_of(seed[BASE])).document() for seed in beside]
    gained = [leash(tallies_of(seed[name]), tallies_of(seed[BASE])) for seed in beside]
    return {
        "plays": len(own),
        "most": most,
        **{key: interval(values) for key, values in numbers.items()},
        "crossings": [each["k"] for each in crossings],
        "gained_lost": [[each["gained"], each["lost"]] for each in gained],
        "by_chance": [each["by_chance"] for each in gained],
    }


def interval(values: Sequence[float | None]) -> list[float] | None:
    """Mean and interval over seeds, and how many; None where nothing is known."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return None
    found = mean_over_seeds(known)
    return [found.value, found.low, found.high, found.runs]


# ------------------------------------------------------------------------------------------- for people


def claims_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The claims as a table in Markdown."""
    head = ["| what is said | source | the number | here | seeds | so it |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *(claim_row(row) for row in rows)])


def claim_row(row: Mapping[str, Any]) -> str:
    """One claim as a row.

    >>> claim_row({"says": "a is above b", "source": "x", "number": "a less b", "percent": True, "value": 0.5,
    ...     "low": 0.25, "high": 0.75, "runs": 5, "verdict": "agrees"})
    '| a is above b | x | a less b | +50.0 % (+25.0 to +75.0) | 5 | **agrees** |'
    """
    told = f"**{row['verdict']}**" if row["verdict"] != "cannot be told" else "cannot be told at this size"
    here = number(row, percent=row["percent"]) if row["runs"] else "not played"
    return f"| {row['says']} | {row['source']} | {row['number']} | {here} | {row['runs']} | {told} |"


def number(row: Mapping[str, Any], *, percent: bool) -> str:
    """A number with its interval."""
    scale, digits = (100, ".1f") if percent else (1, ".3f")
    value, low, high = (f"{scale * row[name]:+{digits}}" for name in ("value", "low", "high"))
    bounds = f" ({low} to {high})" if row["runs"] > 1 else ""
    return f"{value}{' %' if percent else ''}{bounds}"


def arms_table(arms: Mapping[str, Mapping[str, Any]]) -> str:
    """The arms as a table in Markdown: means over seeds, with intervals where there is room."""
    most = max((found["most"] for found in arms.values()), default=1)
    head = (
        f"| arm | plays | pass@1 | pass@{most} | of the base's kept | changed: bfloat16 | float32 | entropy | tokens |"
    )
    return "\n".join(
        [f"{head} steps | CPU s |", f"|{'---|' * 11}", *(arm_row(name, each) for name, each in arms.items())]
    )


def arm_row(name: str, found: Mapping[str, Any]) -> str:
    """One arm as a row."""

    def mean(key: str, form: str) -> str:
        return "–" if found[key] is None else form.format(found[key][0])

    share = "{:.1%}"
    one = found["pass_1"]
    first = f"{one[0]:.1%}" + (f" ({one[1]:.1%} to {one[2]:.1%})" if one[3] > 1 else "")
    cells = [name, str(found["plays"]), first, mean("pass_most", share), mean("retention", share)]
    cells += [mean("changed_bfloat16", share), mean("changed_float32", share), mean("entropy", "{:.3f}")]
    cells += [mean("tokens", "{:,.0f}"), mean("steps", "{:.0f}"), mean("cpu_seconds", "{:.0f}")]
    return f"| {' | '.join(cells)} |"


RULE = (
    f"The rule, fixed before the first play: with {ENOUGH} seeds or more, the bootstrap interval of the mean over them "
    "decides. Wholly on the stated side of the bound: it agrees; wholly on the other: it does not; otherwise, and with "
    "fewer seeds, it cannot be told at this size."
)
