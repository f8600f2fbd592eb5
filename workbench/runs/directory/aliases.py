"""Names of metrics and columns that earlier versions recorded, and the names that replaced them.

A run is written once and read for years: every reader of metrics and rollouts passes the recorded names through here,
so that runs of any version show the current ones.
"""

from collections.abc import Iterable, Mapping
from typing import Any

#: Recorded name -> current name, of metrics and of columns of rollouts.
ALIASES = {
    "dead_groups": "zero_variance_groups",
    "clipped": "zero_gradient_tokens",  # it always counted masked tokens as well as those outside the ratio's bounds
    "gap_mean": "mismatch_mean",
    "gap_p99": "mismatch_p99",
    "gap_kl": "mismatch_kl",
    "pruning.judged": "pruning.scored",
    "left_out": "excluded",
}


def current_name(name: str) -> str:
    """The current name of a recorded one.

    >>> current_name("dead_groups"), current_name("reward")
    ('zero_variance_groups', 'reward')
    """
    return ALIASES.get(name, name)


def recorded_names(names: Iterable[str], found: Iterable[str]) -> list[str]:
    """Of the names `found` in a file, those under which it holds the current `names`, in the order of the file.

    >>> recorded_names(["excluded", "reward"], ["reward", "left_out", "text"])
    ['reward', 'left_out']
    """
    wanted = set(names)
    return [name for name in found if current_name(name) in wanted]


def current_names(line: Mapping[str, Any]) -> dict[str, Any]:
    """A line of metrics under the current names; a value under the current name itself has precedence.

    The share of unscored rollouts became the share of scored ones.

    >>> current_names({"step": 1, "gap_mean": 0.5, "unjudged": 0.25})
    {'step': 1, 'mismatch_mean': 0.5, 'scored_share': 0.75}
    """
    found = {current_name(name): value for name, value in line.items() if ALIASES.get(name) not in line}
    unscored = found.pop("unjudged", None)
    if isinstance(unscored, int | float):
        found.setdefault("scored_share", 1 - unscored)
    return found
