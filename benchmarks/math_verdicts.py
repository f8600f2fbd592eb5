r"""Processor time of 10,000 verdicts of the `math` reward; one JSON line.

Groups of 16 different completions: whole numbers in sentences, fractions and decimals, quantities with units and sets,
and formulas, which take computer algebra in processes of their own. A quarter of the groups is of each kind. Half of a
group is correct, written in several ways. `seconds` is processor time of this process and of those, on any core.
"""

import sys
import time
from collections.abc import Callable
from random import Random
from typing import Any

from benchmarks.common import options, publish
from benchmarks.grader_pairs import processor_seconds
from workbench.rewards.math import Math
from workbench.types import Problem, Request, Rollout

GROUP = 16
Made = tuple[str, list[str], list[str]]  # reference, correct answers, incorrect ones


def whole(random: Random) -> Made:
    """Whole numbers, as sentences give them."""
    value = random.randint(2, 99_999)
    forms = [
        f"{value}",
        f"{value}.0",
        f"{value:,}",
        f"{value} ",
        f"x = {value}",
        f"${value}$",
        f"+{value}",
        f"{value}.",
    ]
    return str(value), forms, [str(value + shift) for shift in range(1, 9)]


def fractions(random: Random) -> Made:
    """Fractions and decimals."""
    top, bottom = random.randint(1, 99), random.choice((2, 4, 5, 8))
    value = top / bottom
    forms = [
        rf"\frac{{{top}}}{{{bottom}}}",
        f"{value}",
        f"{top}/{bottom}",
        rf"\dfrac{{{top}}}{{{bottom}}}",
        f"{value}0",
    ]
    forms += [f"{value}00", rf"\tfrac{{{top}}}{{{bottom}}}", f"{value:.6f}"]
    return forms[0], forms, [rf"\frac{{{top + shift}}}{{{bottom}}}" for shift in range(1, 9)]


def structured(random: Random) -> Made:
    """Quantities and sets."""
    one, other = random.sample(range(1, 90), 2)
    forms = [rf"\{{{one}, {other}\}}", rf"\{{{other},{one}\}}", f"{{{one}, {other}}}", f"{one}, {other}"]
    forms += [f"{other}, {one}", f"{one} and {other}", rf"x = {one}, {other}", rf"\{{ {other}, {one} \}}"]
    return forms[0], forms, [rf"\{{{one}, {other + shift}\}}" for shift in range(1, 9)]


def formulas(random: Random) -> Made:
    """Polynomials, factored and expanded, and roots."""
    a, b = random.randint(2, 30), random.randint(2, 30)
    forms = [f"(x + {a})(x + {b})", f"x^2 + {a + b}x + {a * b}", f"(x + {b})(x + {a})", f"{a * b} + {a + b}x + x^2"]
    forms += [f"x(x + {a + b}) + {a * b}", f"x^2 + {a}x + {b}x + {a * b}", f"x^2 + {a * b} + {a + b}x"]
    forms += [f"({a} + x)({b} + x)"]
    return forms[1], forms, [f"x^2 + {a + b}x + {a * b + shift}" for shift in range(1, 9)]


KINDS: tuple[Callable[[Random], Made], ...] = (whole, fractions, structured, formulas)


def groups(kind: Callable[[Random], Made], count: int) -> list[tuple[Problem, list[Rollout], int]]:
    """Problems with their completions, and how many of these are correct."""
    random, found = Random(kind.__name__), []
    for number in range(count):
        reference, correct, incorrect = kind(random)
        problem = Problem(f"{kind.__name__}-{number}", "?", reference)
        texts = [rf"Step by step I find \boxed{{{answer}}}." for answer in (*correct, *incorrect)]
        request = Request(problem, (0,), 0, 0, n=len(texts))
        rollouts = [Rollout(request, place, [0], text, [0.0], [0.0], "stop") for place, text in enumerate(texts)]
        found.append((problem, rollouts, len(correct)))
    return found


def measure(kind: Callable[[Random], Made], count: int) -> dict[str, Any]:
    """Time and agreement over some groups of a kind."""
    reward, made = Math(), groups(kind, count)
    before, started = processor_seconds(reward.workers), time.perf_counter()
    scores = [reward(problem, rollouts, None) for problem, rollouts, _ in made]
    seconds, wall = processor_seconds(reward.workers) - before, time.perf_counter() - started
    verdicts = sum(map(len, scores))
    wanted = [place < correct for _, rollouts, correct in made for place in range(len(rollouts))]
    given = [score.value == 1 for group in scores for score in group]
    agree = sum(one == other for one, other in zip(wanted, given, strict=True))
    numbers = {
        "seconds": round(seconds, 2),
        "wall": round(wall, 2),
        "milliseconds": round(1000 * seconds / verdicts, 3),
    }
    return {"verdicts": verdicts, "agree": agree, **numbers}


def main(arguments: list[str]) -> int:
    """Measures every kind; fails beyond 20 s of processor time for 10,000 verdicts."""
    parser = options(__doc__ or "")
    parser.add_argument("--verdicts", type=int, default=10_000)
    given = parser.parse_args(arguments)
    for _, rollouts, _ in groups(formulas, 4):
        Math()(rollouts[0].request.problem, rollouts, None)  # the processes are running before the clock
    count = max(1, given.verdicts // GROUP // len(KINDS))
    kinds = {kind.__name__: measure(kind, count) for kind in KINDS}
    verdicts, seconds = (sum(each[name] for each in kinds.values()) for name in ("verdicts", "seconds"))
    numbers = {"verdicts": verdicts, "seconds": round(seconds, 2), "per_10000": round(10_000 * seconds / verdicts, 2)}
    publish("math_verdicts", {**numbers, "kinds": kinds}, save=given.save)
    return 0 if numbers["per_10000"] < 20 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
