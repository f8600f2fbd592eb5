"""Hamiltonian cycle: a round trip along edges that visits every node once."""

from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice
from workbench.problems.np_hard.graphs import draw_edges, edge_text, neighbours


class HamiltonianCycle(Family):
    """A sparse random graph in which a cycle through all nodes was planted; the text does not say which."""

    goal = "any"
    sizes: ClassVar[Sizes] = {"tiny": (4, 6), "easy": (10, 15), "medium": (20, 25), "hard": (30, 35)}

    def draw(self, random: Random, size: int) -> Instance:
        cycle = random.sample(range(size), size)
        steps = [(cycle[place - 1], node) for place, node in enumerate(cycle)]
        return {"nodes": size, "edges": draw_edges(random, size, 0.15, steps), "planted": cycle}

    def text(self, instance: Instance) -> str:
        return (
            f"A graph has the nodes 0 to {instance['nodes'] - 1} and these edges: {edge_text(instance['edges'])}.\n"
            "Find a round trip along edges that visits every node once and returns to its first (a Hamiltonian cycle). "
            "The answer is the list of the nodes in their order, the first one not repeated at the end."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        size = instance["nodes"]
        fault = not_a_choice(solution, size, "node")
        if not fault and len(solution) < size:
            fault = f"node {min(set(range(size)) - set(solution))} is not visited"
        if fault:
            return Verdict(fault=fault)
        near = neighbours(size, instance["edges"])
        steps = [(solution[place - 1], node) for place, node in enumerate(solution)]
        gap = next((step for step in steps if step[1] not in near[step[0]]), None)
        return Verdict(fault=f"no edge joins {gap[0]} and {gap[1]}") if gap else Verdict(1)

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        """The planted cycle."""
        del random
        return tuple(instance["planted"])


FAMILY = HamiltonianCycle()
