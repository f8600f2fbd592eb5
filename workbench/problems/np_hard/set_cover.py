"""Set cover: the fewest sets that together hold every element."""

from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice


class SetCover(Family):
    """Random sets over a universe, and every element in at least one of them."""

    goal = "least"
    sizes: ClassVar[Sizes] = {"tiny": (4, 7), "easy": (10, 20), "medium": (20, 40), "hard": (40, 80)}

    def draw(self, random: Random, size: int) -> Instance:
        sets = [set(random.sample(range(size), random.randint(1, max(2, size // 3)))) for _ in range(max(4, size // 2))]
        for element in range(size):
            if not any(element in each for each in sets):
                random.choice(sets).add(element)
        return {"elements": size, "sets": [sorted(each) for each in sets]}

    def text(self, instance: Instance) -> str:
        lines = [f"- set {number}: {', '.join(map(str, each))}" for number, each in enumerate(instance["sets"])]
        return (
            f"These sets hold elements from 0 to {instance['elements'] - 1}:\n"
            + "\n".join(lines)
            + "\nChoose as few sets as you can such that every element is in at least one of them. The answer is the "
            "list of the numbers of these sets."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        fault = not_a_choice(solution, len(instance["sets"]), "set")
        if fault:
            return Verdict(fault=fault)
        held = {element for number in solution for element in instance["sets"][number]}
        missing = sorted(set(range(instance["elements"])) - held)
        return Verdict(fault=f"element {missing[0]} is in none of the sets") if missing else Verdict(len(solution))

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        return min((greedy(instance, random) for _ in range(30)), key=len)


def greedy(instance: Instance, random: Random) -> Solution:
    """The set with most new elements next, ties drawn; then sets that the others make needless are left out."""
    sets = [set(each) for each in instance["sets"]]
    missing, chosen = set(range(instance["elements"])), list[int]()
    while missing:
        number = max(range(len(sets)), key=lambda one: (len(sets[one] & missing), random.random()))
        chosen.append(number)
        missing -= sets[number]
    for number in random.sample(chosen, len(chosen)):
        rest = [other for other in chosen if other != number]
        if set().union(*(sets[other] for other in rest)) >= set(range(instance["elements"])):
            chosen = rest
    return tuple(sorted(chosen))


FAMILY = SetCover()
