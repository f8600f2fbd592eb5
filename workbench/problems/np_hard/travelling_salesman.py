"""Travelling salesman: the shortest round trip through all places."""

import math
from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice


class TravellingSalesman(Family):
    """Random places of a square; distances are straight lines."""

    goal = "least"
    sizes: ClassVar[Sizes] = {"tiny": (4, 6), "easy": (8, 15), "medium": (15, 25), "hard": (35, 45)}

    def draw(self, random: Random, size: int) -> Instance:
        cells = random.sample(range(101 * 101), size)
        return {"places": [[cell // 101, cell % 101] for cell in cells]}

    def text(self, instance: Instance) -> str:
        places = ", ".join(f"{number}: ({x}, {y})" for number, (x, y) in enumerate(instance["places"]))
        return (
            f"These places have coordinates: {places}.\n"
            "Find a round trip, in straight lines, that visits every place once and returns to its first, as short as "
            "you can. The answer is the list of the places in their order, the first one not repeated at the end."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        size = len(instance["places"])
        fault = not_a_choice(solution, size, "place")
        if not fault and len(solution) < size:
            fault = f"place {min(set(range(size)) - set(solution))} is not visited"
        return Verdict(fault=fault) if fault else Verdict(length(instance["places"], solution))

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        places = instance["places"]
        starts = random.sample(range(len(places)), min(len(places), 8))
        return min(
            (untangled(places, nearest(places, start)) for start in starts), key=lambda tour: length(places, tour)
        )


def length(places: list[list[int]], tour: Solution) -> float:
    """The length of a round trip."""
    return sum(math.dist(places[tour[place - 1]], places[number]) for place, number in enumerate(tour))


def nearest(places: list[list[int]], start: int) -> Solution:
    """Always to the nearest place that was not visited yet."""
    tour, rest = [start], set(range(len(places))) - {start}
    while rest:
        tour.append(min(sorted(rest), key=lambda one: math.dist(places[one], places[tour[-1]])))
        rest.remove(tour[-1])
    return tuple(tour)


def untangled(places: list[list[int]], tour: Solution) -> Solution:
    """A tour after every reversal of a part that shortens it (2-opt)."""
    shorter = True
    while shorter:
        shorter = False
        for first in range(len(tour) - 1):
            for last in range(first + 2, len(tour) + (first > 0)):
                one, two, three, four = tour[first], tour[first + 1], tour[last - 1], tour[last % len(tour)]
                now = math.dist(places[one], places[two]) + math.dist(places[three], places[four])
                then = math.dist(places[one], places[three]) + math.dist(places[two], places[four])
                if then < now - 1e-9:
                    tour = (*tour[: first + 1], *reversed(tour[first + 1 : last]), *tour[last:])
                    shorter = True
    return tour


FAMILY = TravellingSalesman()
