"""Graphs as the families have them: nodes 0 … n - 1 and a list of pairs."""

from collections.abc import Iterable, Sequence
from random import Random

Edges = list[list[int]]


def complete(size: int) -> list[tuple[int, int]]:
    """Every pair of nodes."""
    return [(one, other) for one in range(size) for other in range(one + 1, size)]


def draw_edges(random: Random, size: int, share: float, planted: Iterable[tuple[int, int]] = ()) -> Edges:
    """Each pair with a probability, and the planted pairs."""
    kept = {(min(pair), max(pair)) for pair in planted}
    return [list(pair) for pair in complete(size) if pair in kept or random.random() < share]


def neighbours(size: int, edges: Iterable[Sequence[int]]) -> list[set[int]]:
    """The neighbours of every node."""
    found: list[set[int]] = [set() for _ in range(size)]
    for one, other in edges:
        found[one].add(other)
        found[other].add(one)
    return found


def others(near: Sequence[set[int]]) -> list[set[int]]:
    """The neighbours in the complement."""
    everyone = set(range(len(near)))
    return [everyone - near[node] - {node} for node in range(len(near))]


def large_clique(near: Sequence[set[int]], random: Random, starts: int = 40) -> tuple[int, ...]:
    """The largest clique of some greedy ones: the node with most neighbours among the candidates first, ties drawn."""
    best: list[int] = []
    for start in range(starts):
        clique = [random.randrange(len(near))] if start else []
        candidates = set(near[clique[0]]) if clique else set(range(len(near)))
        while candidates:
            node = max(sorted(candidates), key=lambda one: (len(near[one] & candidates), random.random()))
            clique.append(node)
            candidates &= near[node]
        best = max(best, clique, key=len)
    return tuple(sorted(best))


def edge_text(edges: Iterable[Sequence[int]]) -> str:
    """The edges as they stand in a problem."""
    return ", ".join(f"{one}-{other}" for one, other in edges)
