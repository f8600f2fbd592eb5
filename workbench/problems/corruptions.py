"""Incorrect solutions made of a correct one, alike in length and wording: RewardMATH's nine, by rule.

RewardMATH (arXiv:2410.01729) takes its nine from models. These are made: a number misread, a wrong result carried on, a
step left out, and ends that contradict the steps. No end equals the correct answer.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

WHOLE = re.compile(r"-?[0-9]{1,9}")
NUMBER = re.compile(r"(?<![\w.,])[0-9]{1,9}(?![\w.]*[0-9])")  # a whole number that stands alone
RESULT = re.compile(r"(=\s*\$?)([0-9]{1,9})(?![\w.,]*[0-9])")
TRIES = 400  # draws before a solution is said to have too few


@dataclass(frozen=True)
class Solution:
    """The steps of a solution, a line each, and its whole-numbered answer; `end` has `{answer}` in it."""

    steps: tuple[str, ...]
    answer: str
    end: str = "answer: {answer}"

    @property
    def text(self) -> str:
        """The solution as it is written."""
        return "\n".join((*self.steps, self.end.replace("{answer}", self.answer)))


def near(value: int, random: Random) -> int:
    """Another number, not far away and of the same sign or 0."""
    reach = max(3, abs(value) // 10)
    low = max(0, value - reach) if value >= 0 else value - reach
    return random.choice([number for number in range(low, value + reach + 1) if number != value])


def misread(found: Solution, random: Random) -> Solution:
    """A number of the text copied wrongly; the end follows it by as much."""
    return replaced(found, NUMBER, 0, random)


def slipped(found: Solution, random: Random) -> Solution:
    """The result of a calculation is wrong, and carried on."""
    return replaced(found, RESULT, 2, random)


def replaced(found: Solution, pattern: re.Pattern[str], part: int, random: Random) -> Solution:
    """A match of a pattern with another number in it, here and in the steps after it; another answer at the end."""
    places = [(place, match) for place, step in enumerate(found.steps) for match in pattern.finditer(step)]
    if not places:
        return ended(found, random)
    place, match = random.choice(places)
    old, start, stop = match[part], match.start(part), match.end(part)
    new = str(near(int(old), random))
    step = found.steps[place]
    later = [re.sub(rf"(?<![\w.,]){old}(?![\w.]*[0-9])", new, each) for each in found.steps[place + 1 :]]
    steps = (*found.steps[:place], step[:start] + new + step[stop:], *later)
    answer = new if old == found.answer else str(int(found.answer) + int(new) - int(old))
    return Solution(steps, answer, found.end)


def shortened(found: Solution, random: Random) -> Solution:
    """A step left out; the end is what the step before the end found, or near the answer."""
    if len(found.steps) < 2:
        return ended(found, random)
    gone = random.randrange(len(found.steps))
    steps = found.steps[:gone] + found.steps[gone + 1 :]
    last = RESULT.findall(steps[-1])
    answer = last[-1][1] if last else str(near(int(found.answer), random))
    return Solution(steps, answer, found.end)


def ended(found: Solution, random: Random) -> Solution:
    """The steps are correct, and another answer stands at the end."""
    return Solution(found.steps, str(near(int(found.answer), random)), found.end)


def scaled(found: Solution, random: Random) -> Solution:
    """An answer ten times as large, or its digits the other way round."""
    turned = found.answer[::-1] if found.answer.isdigit() else found.answer
    return Solution(found.steps, turned if random.random() < 0.5 else f"{found.answer}0", found.end)


def hedged(found: Solution, random: Random) -> Solution:
    """The correct answer and another one: who gives both has given none."""
    both = [found.answer, str(near(int(found.answer), random))]
    random.shuffle(both)
    return Solution(found.steps, " or ".join(both), found.end)


#: By name; a reward that falls for one of them says so by its name.
CORRUPTIONS: dict[str, Callable[[Solution, Random], Solution]] = {
    "misread": misread,
    "slipped": slipped,
    "shortened": shortened,
    "ended": ended,
    "scaled": scaled,
    "hedged": hedged,
}


def corrupted(found: Solution, count: int, random: Random) -> list[tuple[str, str]]:
    """`count` different incorrect solutions with the names of what was done to each, all kinds in turn.

    ValueError where the answer is no whole number of up to nine digits, or the solution has too few.
    """
    if not WHOLE.fullmatch(found.answer):
        raise ValueError(f"the answer {found.answer[:40]!r} is no whole number: give incorrect solutions")
    made: dict[str, str] = {}
    kinds = list(CORRUPTIONS)
    for number in range(TRIES):
        if len(made) == count:
            break
        name = kinds[number % len(kinds)]
        other = CORRUPTIONS[name](found, random)
        if wrong(other.answer, found.answer):
            made.setdefault(other.text, name)
    if len(made) < count:
        raise ValueError(f"only {len(made)} different incorrect solutions can be made of it: ask for fewer")
    return [(name, text) for text, name in made.items()]


def wrong(answer: str, correct: str) -> bool:
    """Whether an end is incorrect: another number, or more than one."""
    return not WHOLE.fullmatch(answer) or int(answer) != int(correct)
