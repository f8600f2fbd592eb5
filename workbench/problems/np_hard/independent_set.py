"""Maximum independent set: the most nodes of which no two are joined."""

from itertools import combinations
from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice
from workbench.problems.np_hard.graphs import draw_edges, edge_text, large_clique, neighbours, others


class IndependentSet(Family):
    """A random graph."""

    goal = "most"
    sizes: ClassVar[Sizes] = {"tiny": (4, 6), "easy": (8, 15), "medium": (15, 25), "hard": (25, 40)}

    def draw(self, random: Random, size: int) -> Instance:
        edges = draw_edges(random, size, random.uniform(0.2, 0.5), [(0, 1)])
        return {"nodes": size, "edges": edges}

    def text(self, instance: Instance) -> str:
        return (
            f"A graph has the nodes 0 to {instance['nodes'] - 1} and these edges: {edge_text(instance['edges'])}.\n"
            "Find as many nodes as you can of which no two are joined by an edge (an independent set). The answer is "
            "the list of these nodes."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        fault = not_a_choice(solution, instance["nodes"], "node")
        if fault:
            return Verdict(fault=fault)
        near = neighbours(instance["nodes"], instance["edges"])
        joined = next((pair for pair in combinations(solution, 2) if pair[1] in near[pair[0]]), None)
        return Verdict(fault=f"an edge joins {joined[0]} and {joined[1]}") if joined else Verdict(len(solution))

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        return large_clique(others(neighbours(instance["nodes"], instance["edges"])), random)


FAMILY = IndependentSet()
