"""Subset sum: the most numbers of a list that add up to a target."""

from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice


class SubsetSum(Family):
    """Random numbers up to 50; the target is the sum of a random half of them."""

    goal = "most"
    sizes: ClassVar[Sizes] = {"tiny": (4, 8), "easy": (8, 15), "medium": (15, 25), "hard": (25, 40)}

    def draw(self, random: Random, size: int) -> Instance:
        numbers = [random.randint(1, 50) for _ in range(size)]
        return {"numbers": numbers, "target": sum(random.sample(numbers, size // 2))}

    def text(self, instance: Instance) -> str:
        numbers = ", ".join(f"{place}: {number}" for place, number in enumerate(instance["numbers"]))
        return (
            f"These numbers stand at places of a list, as PLACE: NUMBER: {numbers}.\n"
            f"Choose as many places as you can whose numbers add up to exactly {instance['target']}. The answer is the "
            "list of these places."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        fault = not_a_choice(solution, len(instance["numbers"]), "place")
        if fault:
            return Verdict(fault=fault)
        total = sum(instance["numbers"][place] for place in solution)
        wrong = f"the numbers add up to {total}, not {instance['target']}"
        return Verdict(len(solution)) if total == instance["target"] else Verdict(fault=wrong)

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        """The best there is, by dynamic programming: for every sum the longest list of places."""
        del random
        longest: dict[int, Solution] = {0: ()}
        for place, number in enumerate(instance["numbers"]):
            for total, places in sorted(longest.items(), reverse=True):
                above = total + number
                if above <= instance["target"] and len(places) + 1 > len(longest.get(above, ())):
                    longest[above] = (*places, place)
        return longest[instance["target"]]


FAMILY = SubsetSum()
