"""The verifiers of the NP-hard families against brute force on small instances; one JSON line.

Each instance is verified with random, optimal and corrupted solutions. `wrong` counts verdicts (feasible or not, and
the value) that differ from those computed by other means; `reached` is the share of instances on which the heuristic
finds the optimum, `ratio` its mean quality against it.
"""

import sys
import time
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

from benchmarks.common import options, publish
from benchmarks.np_brute import CHECKS, Answer, candidates
from workbench.problems.np_hard.family import Family, families, read_list, write_list

RANDOM = 20  # random answers of an instance


def corrupted(random: Random, answer: Answer) -> Iterator[Answer]:
    """A solution with a number twice, out of range, left out, changed, added, and in another order."""
    place = random.randrange(len(answer))
    yield (*answer, answer[place])
    yield (*answer[:place], 10_000, *answer[place + 1 :])
    yield (*answer[:place], -2, *answer[place + 1 :])
    yield (*answer[:place], *answer[place + 1 :])
    yield (*answer[:place], random.randrange(12), *answer[place + 1 :])
    yield (*answer, random.randrange(12))
    yield tuple(random.sample(answer, len(answer)))
    yield answer[::-1]
    yield (answer[place],) * len(answer)


def shuffled(random: Random, answer: Answer) -> Answer:
    """An answer like another: as many numbers or a few more or less, drawn from as many."""
    most = max(answer, default=0) + 2
    length = max(0, len(answer) + random.choice((-1, 0, 0, 0, 1)))
    return tuple(random.randrange(-1, most) for _ in range(length))


def agrees(family: Family, name: str, instance: dict[str, Any], answer: Answer) -> bool:
    """Whether verifier and brute force say the same of an answer, and its text is read as it was written."""
    wanted, verdict = CHECKS[name](instance, answer), family.verify(instance, answer)
    read = read_list(write_list(answer)) == (answer or None)
    if wanted is None or verdict.value is None:
        return read and wanted is verdict.value and bool(verdict.fault)
    return read and abs(wanted - verdict.value) < 1e-9


def best_of(family: Family, name: str, instance: dict[str, Any]) -> Answer:
    """The best answer of all."""
    sign = 1.0 if family.goal == "most" else -1.0
    values = ((CHECKS[name](instance, answer), answer) for answer in candidates(name, instance))
    return max((sign * value, answer) for value, answer in values if value is not None)[1]


def examine(name: str, count: int) -> dict[str, Any]:
    """One family."""
    family = families()[name]
    wrong, verdicts, reached, ratios = 0, 0, 0, list[float]()
    for number in range(count):
        random = Random(f"{name} {number}")
        instance = dict(family.draw(random, random.randint(*family.sizes["tiny"])))
        best, found = best_of(family, name, instance), tuple(family.heuristic(instance, random))
        other = random.sample(list(islice(candidates(name, instance), 5000)), 3)
        answers = [(), best, found, *other, *corrupted(random, best), *(shuffled(random, best) for _ in range(RANDOM))]
        wrong += sum(not agrees(family, name, instance, answer) for answer in answers)
        verdicts += len(answers)
        values = [family.verify(instance, answer).value or 0.0 for answer in (found, best)]
        ratios.append(family.quality(*values))
        reached += abs(values[0] - values[1]) < 1e-9
    return {
        "wrong": wrong,
        "verdicts": verdicts,
        "reached": reached / count,
        "ratio": round(sum(ratios) / count, 5),
    }


def main(arguments: list[str]) -> int:
    """Examines every family; fails where a verdict is wrong."""
    parser = options(__doc__ or "")
    parser.add_argument("--count", type=int, default=1000, help="instances of each family")
    given = parser.parse_args(arguments)
    started = time.process_time()
    found = {name: examine(name, given.count) for name in families()}
    wrong = sum(each["wrong"] for each in found.values())
    seconds = round(time.process_time() - started, 1)
    numbers = {"instances": given.count, "wrong": wrong, "seconds": seconds, "families": found}
    publish("np_verifiers", numbers, save=given.save)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
