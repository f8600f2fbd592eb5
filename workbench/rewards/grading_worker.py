r"""The process in which Math-Verify runs: one JSON line in, one JSON line out, until its input ends.

Started by path and importing nothing of the workbench, so that a replacement for a killed one is ready in a second. A
comparison that takes too long is broken off by SIGALRM where Python code is running, and by the death of this process
where it is not (arithmetic on numbers with 10^10 digits): the parent kills it, and should the parent be gone, the
profiling timer does, whose signal needs no Python code to run.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

MEMORY = 3 * 2**30  # bytes of address space
ORPHAN = 5.0  # processor seconds beyond the limit after which it ends by itself
#: Two numbers that Math-Verify calls equal must also agree relative to their size: it rounds to 6 decimals, and so
#: takes all tiny numbers for the same.
TOLERANCE = 1e-4


class OutOfTimeError(BaseException):
    """Raised by the alarm; no Exception, since Math-Verify catches those."""


def ring(number: int, frame: object) -> None:
    """What the alarm does."""
    del number, frame
    raise OutOfTimeError


def read(text: str) -> list[Any]:
    """What Math-Verify reads in a formula: an expression and the text, or the text alone, or nothing."""
    from math_verify import LatexExtractionConfig, parse

    whole = LatexExtractionConfig(boxed_match_priority=0, try_extract_without_anchor=False)
    boxed = "\\boxed{" + text + "}"  # the box keeps it from choosing a part of the formula
    return list(parse(boxed, [whole], extraction_mode="first_match", parsing_timeout=None))


def compare(reference: str, answer: str) -> tuple[bool | None, str]:
    """Verdict and reason; None where the reference is no mathematics."""
    from math_verify import verify

    gold, given = read(reference), read(answer)
    if all(isinstance(item, str) for item in gold):
        return None, "Math-Verify cannot read the reference"
    if all(isinstance(item, str) for item in given):
        return False, "Math-Verify cannot read the answer"
    if not verify(gold, given, timeout_seconds=None):
        return False, "Math-Verify: different"
    if apart(gold[0], given[0]):
        return False, "Math-Verify: equal to 6 decimals, but different relative to their size"
    return True, "Math-Verify: equal"


def apart(gold: Any, given: Any) -> bool:
    """Are these two numbers, and different ones relative to their size, as shares or as percentages?"""
    if not all(getattr(item, "is_number", False) and getattr(item, "is_real", False) for item in (gold, given)):
        return False
    wanted, found = gold.doit(), given.doit()
    return not any(
        bool(abs((wanted - found * factor).evalf(20)) <= TOLERANCE * abs(wanted.evalf(20))) for factor in (1, 100, 0.01)
    )


def answer_line(line: str) -> dict[str, Any]:
    """The reply to one order: `correct` (null: could not be judged) and `reason`."""
    order = json.loads(line)
    signal.setitimer(signal.ITIMER_PROF, order["limit"] + ORPHAN)
    signal.setitimer(signal.ITIMER_REAL, order["limit"])
    try:
        correct, reason = compare(order["reference"], order["answer"])
        signal.setitimer(signal.ITIMER_REAL, 0)
    except OutOfTimeError:
        return {"correct": None, "reason": f"no verdict within {order['limit']:g} s"}
    except Exception as error:  # whatever formula a model invents, the verdict is missing and the reason is kept
        signal.setitimer(signal.ITIMER_REAL, 0)
        return {"correct": None, "reason": f"Math-Verify raised {type(error).__name__}: {str(error)[:200]}"}
    return {"correct": correct, "reason": reason}


def limit_memory() -> None:
    """Lets huge numbers end in a MemoryError; elsewhere than on Linux the limit is not dependable."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def prepare() -> None:
    """Loads Math-Verify and reads a first formula, which builds the parser's tables."""
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the parent, which closes the input
    signal.signal(signal.SIGALRM, ring)
    limit_memory()
    compare("\\frac{1}{2}", "0.5")


def main() -> None:
    """Answers orders until there are no more; the first line out says that it is ready, or why not."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    sys.stdout = sys.stderr  # what a library prints must not be read as a reply

    def send(reply: dict[str, Any]) -> None:
        replies.write(json.dumps(reply) + "\n")

    start(prepare, send)
    for line in sys.stdin:
        send(answer_line(line))


def start(prepare: Callable[[], None], send: Callable[[dict[str, Any]], None]) -> None:
    """Runs the preparation and tells the parent how it went."""
    try:
        prepare()
    except Exception as error:
        send({"ready": False, "reason": f"{type(error).__name__}: {error}"})
        raise SystemExit(1) from error
    send({"ready": True})


if __name__ == "__main__":
    main()
