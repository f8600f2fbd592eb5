"""0/1 knapsack: things of the greatest value whose weight stays within a limit."""

from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict, not_a_choice


class Knapsack(Family):
    """Things with random weights and values; the knapsack holds half of the weight of all."""

    goal = "most"
    sizes: ClassVar[Sizes] = {"tiny": (3, 7), "easy": (20, 40), "medium": (50, 70), "hard": (70, 90)}

    def draw(self, random: Random, size: int) -> Instance:
        weights = [random.randint(1, 30) for _ in range(size)]
        values = [random.randint(1, 50) for _ in range(size)]
        return {"weights": weights, "values": values, "limit": max(min(weights), sum(weights) // 2)}

    def text(self, instance: Instance) -> str:
        pairs = zip(instance["weights"], instance["values"], strict=True)
        things = ", ".join(f"{number}: {weight} kg, {value} $" for number, (weight, value) in enumerate(pairs))
        return (
            f"These things have weights and values: {things}.\n"
            f"Choose things that weigh at most {instance['limit']} kg together and are worth as much as you can. The "
            "answer is the list of the numbers of these things."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        fault = not_a_choice(solution, len(instance["weights"]), "thing")
        if fault:
            return Verdict(fault=fault)
        weight = sum(instance["weights"][number] for number in solution)
        if weight > instance["limit"]:
            return Verdict(fault=f"{weight} kg are more than {instance['limit']} kg")
        return Verdict(sum(instance["values"][number] for number in solution))

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        """The best there is, by dynamic programming over the weight."""
        del random
        best: list[tuple[int, Solution]] = [(0, ())] * (instance["limit"] + 1)
        for number, (weight, value) in enumerate(zip(instance["weights"], instance["values"], strict=True)):
            for limit in range(instance["limit"], weight - 1, -1):
                worth, things = best[limit - weight]
                if worth + value > best[limit][0]:
                    best[limit] = (worth + value, (*things, number))
        return best[-1][1]


FAMILY = Knapsack()
