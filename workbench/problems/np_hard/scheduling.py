"""Meeting scheduling: hold meetings with as many attendees as possible; nobody is in two at once, rooms are few."""

from random import Random
from typing import ClassVar

from workbench.problems.np_hard.family import Family, Instance, Sizes, Solution, Verdict

OUT = -1  # the start of a meeting that is not held
HOURS = 8


class Scheduling(Family):
    """Meetings with a length, the hours between which they may lie, and their attendees; some rooms for all of them."""

    goal = "most"
    sizes: ClassVar[Sizes] = {"tiny": (2, 3), "easy": (3, 5), "medium": (5, 8), "hard": (8, 12)}

    def draw(self, random: Random, size: int) -> Instance:
        people = size + 2
        meetings = []
        for _ in range(size):
            hours, first = random.randint(1, 3), random.randint(0, HOURS - 4)
            last = random.randint(first + hours, HOURS)
            who = sorted(random.sample(range(people), random.randint(1, min(4, people))))
            meetings.append({"hours": hours, "first": first, "last": last, "people": who})
        return {"rooms": random.randint(1, 2), "meetings": meetings}

    def text(self, instance: Instance) -> str:
        lines = [
            f"- meeting {number}: {each['hours']} h, not before hour {each['first']}, over by hour {each['last']}, "
            f"attendees {', '.join(map(str, each['people']))}"
            for number, each in enumerate(instance["meetings"])
        ]
        return (
            f"These meetings are to be held in {instance['rooms']} room(s), starting at whole hours:\n"
            + "\n".join(lines)
            + "\nNobody can be in two meetings at once, and a room holds one meeting at a time. Choose meetings such "
            f"that the sum of their attendees is as large as you can. The answer is a list of {len(lines)} starting "
            f"hours, that of meeting 0 first, with {OUT} for a meeting that is not held."
        )

    def verify(self, instance: Instance, solution: Solution) -> Verdict:
        meetings = instance["meetings"]
        if len(solution) != len(meetings):
            return Verdict(fault=f"the list has {len(solution)} hours for {len(meetings)} meetings")
        held = [number for number, start in enumerate(solution) if start != OUT]
        for number in held:
            each, start = meetings[number], solution[number]
            if start < each["first"] or start + each["hours"] > each["last"]:
                return Verdict(fault=f"meeting {number} may not start at hour {start}")
        for hour in range(HOURS):
            now = [number for number in held if solution[number] <= hour < solution[number] + meetings[number]["hours"]]
            people = [person for number in now for person in meetings[number]["people"]]
            if len(now) > instance["rooms"]:
                return Verdict(fault=f"{len(now)} meetings at hour {hour} for {instance['rooms']} room(s)")
            if len(people) > len(set(people)):
                return Verdict(fault=f"an attendee is in two meetings at hour {hour}")
        return (
            Verdict(sum(len(meetings[number]["people"]) for number in held)) if held else Verdict(fault="none is held")
        )

    def heuristic(self, instance: Instance, random: Random) -> Solution:
        meetings = instance["meetings"]
        best: tuple[float, Solution] = (0.0, ())
        for _ in range(60):
            starts = [OUT] * len(meetings)
            weight = [len(each["people"]) * random.uniform(0.5, 1.5) for each in meetings]
            for number in sorted(range(len(meetings)), key=lambda one: -weight[one]):
                self.put(instance, starts, number)
            value = self.verify(instance, tuple(starts)).value or 0.0
            best = max(best, (value, tuple(starts)))
        return best[1]

    def put(self, instance: Instance, starts: list[int], number: int) -> None:
        """Holds a meeting at the first hour that suits all others, or not at all."""
        each = instance["meetings"][number]
        for hour in range(each["first"], each["last"] - each["hours"] + 1):
            starts[number] = hour
            if self.verify(instance, tuple(starts)).value is not None:
                return
        starts[number] = OUT


FAMILY = Scheduling()
