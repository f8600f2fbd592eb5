"""Minimum bisection: two halves of a graph with as few edges between them as possible."""

from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice
from workbench.problems.np_hard.graphs import draw_edges, edge_text, neighbours


class Bisection(Family):
    """A connected graph with two groups of nodes, more edges within them than between."""

    goal = "least"
    sizes: ClassVar[Sizes] = {"tiny": (4, 7), "easy": (7, 12), "medium": (12, 18), "hard": (18, 25)}

    def draw(self, random: Random, size: int) -> Instance:
        order = random.sample(range(size), size)
        path = [(order[place], order[place + 1]) for place in range(size - 1)]  # connected: no half costs nothing
        half = set(order[: size // 2])
        edges = draw_edges(random, size, 0.5, path)
        planted = {(min(pair), max(pair)) for pair in path}
        kept = [
            [one, other]
            for one, other in edges
            if (one in half) == (other in half) or (one, other) in planted or random.random() < 0.4
        ]
        return {"nodes": size, "edges": kept}

    def text(self, instance: Instance) -> str:
        size = instance["nodes"]
        halves = f"{size // 2} nodes" if size % 2 == 0 else f"{size // 2} or {size - size // 2} nodes"
        return (
            f"A graph has the nodes 0 to {size - 1} and these edges: {edge_text(instance['edges'])}.\n"
            "Divide the nodes into two halves with as few edges between them as you can. The answer is the list of the "
            f"nodes of one half, {halves}."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        size = instance["nodes"]
        fault = not_a_choice(solution, size, "node")
        if not fault and len(solution) not in (size // 2, size - size // 2):
            fault = f"{len(solution)} of {size} nodes are no half"
        if fault:
            return Verdict(fault=fault)
        half = set(solution)
        return Verdict(sum((one in half) != (other in half) for one, other in instance["edges"]))

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        near = neighbours(instance["nodes"], instance["edges"])
        found = [swapped(near, random) for _ in range(15)]
        return min(found, key=lambda half: self.verify(instance, half).value or 0.0)


def swapped(near: list[set[int]], random: Random) -> Solution:
    """A random half, improved by the best swap of two nodes as long as one helps (Kernighan and Lin's step)."""
    half = set(random.sample(range(len(near)), len(near) // 2))
    while True:
        cost = {node: sum((other in half) != (node in half) for other in near[node]) * 2 - len(near[node]) for node in
                range(len(near))}  # fmt: skip
        gains = [
            (cost[one] + cost[other] - 2 * (other in near[one]), one, other)
            for one in sorted(half)
            for other in range(len(near))
            if other not in half
        ]
        gain, one, other = max(gains)
        if gain <= 0:
            return tuple(sorted(half))
        half = half - {one} | {other}


FAMILY = Bisection()
