"""Graph colouring: the fewest colours such that no edge joins two nodes of one colour."""

from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict
from workbench.problems.np_hard.graphs import complete, edge_text, neighbours

COLOURS = {"tiny": (2, 3), "easy": (3, 4), "medium": (5, 7), "hard": (8, 12)}


class Colouring(Family):
    """A random graph whose nodes were given colours first; only nodes of different colours are joined."""

    goal = "least"
    sizes: ClassVar[Sizes] = {"tiny": (4, 6), "easy": (10, 20), "medium": (25, 35), "hard": (45, 55)}

    def draw(self, random: Random, size: int) -> Instance:
        level = next(level for level, (_, most) in self.sizes.items() if size <= most)
        count = random.randint(*COLOURS[level])
        colour = [0, 1, *(random.randrange(count) for _ in range(size - 2))]
        pairs = [pair for pair in complete(size) if colour[pair[0]] != colour[pair[1]]]
        return {"nodes": size, "edges": [list(pair) for pair in pairs if pair == (0, 1) or random.random() < 0.6]}

    def text(self, instance: Instance) -> str:
        return (
            f"A graph has the nodes 0 to {instance['nodes'] - 1} and these edges: {edge_text(instance['edges'])}.\n"
            "Give every node a colour, a number from 0 up, such that no edge joins two nodes of the same colour, with "
            f"as few colours as you can. The answer is a list of {instance['nodes']} colours, that of node 0 first."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        if len(solution) != instance["nodes"]:
            return Verdict(fault=f"the list has {len(solution)} colours for {instance['nodes']} nodes")
        if min(solution) < 0:
            return Verdict(fault=f"{min(solution)} is no colour")
        same = next((pair for pair in instance["edges"] if solution[pair[0]] == solution[pair[1]]), None)
        if same:
            return Verdict(fault=f"an edge joins {same[0]} and {same[1]}, both of colour {solution[same[0]]}")
        return Verdict(len(set(solution)))

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        near = neighbours(instance["nodes"], instance["edges"])
        return min((dsatur(near, random) for _ in range(20)), key=lambda colours: len(set(colours)))


def dsatur(near: list[set[int]], random: Random) -> Solution:
    """The node with most colours around it next, then most neighbours, ties drawn; it gets the first free colour."""
    colour: dict[int, int] = {}
    while len(colour) < len(near):
        around = {node: {colour[other] for other in near[node] if other in colour} for node in range(len(near))}
        waiting = [node for node in range(len(near)) if node not in colour]
        node = max(waiting, key=lambda one: (len(around[one]), len(near[one]), random.random()))
        colour[node] = next(each for each in range(len(near)) if each not in around[node])
    return tuple(colour[node] for node in range(len(near)))


FAMILY = Colouring()
