"""Maximum clique: the most nodes of which every two are joined."""

from itertools import combinations
from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice
from workbench.problems.np_hard.graphs import draw_edges, edge_text, large_clique, neighbours


class Clique(Family):
    """A random graph with a planted clique of a third of its nodes."""

    goal = "most"
    sizes: ClassVar[Sizes] = {"tiny": (4, 6), "easy": (15, 25), "medium": (35, 50), "hard": (60, 80)}

    def draw(self, random: Random, size: int) -> Instance:
        planted = random.sample(range(size), max(3, size // 3))
        return {"nodes": size, "edges": draw_edges(random, size, 0.4, combinations(planted, 2))}

    def text(self, instance: Instance) -> str:
        return (
            f"A graph has the nodes 0 to {instance['nodes'] - 1} and these edges: {edge_text(instance['edges'])}.\n"
            "Find as many nodes as you can of which every two are joined by an edge (a clique). The answer is the list "
            "of these nodes."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        fault = not_a_choice(solution, instance["nodes"], "node")
        if fault:
            return Verdict(fault=fault)
        near = neighbours(instance["nodes"], instance["edges"])
        apart = next((pair for pair in combinations(solution, 2) if pair[1] not in near[pair[0]]), None)
        return Verdict(fault=f"no edge joins {apart[0]} and {apart[1]}") if apart else Verdict(len(solution))

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        return large_clique(neighbours(instance["nodes"], instance["edges"]), random)


FAMILY = Clique()
