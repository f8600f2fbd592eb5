r"""The process in which Math-Verify runs: one JSON line in, one JSON line out, until its input ends.

`serve` is the same for another verifier: its process imports it from here.

Started by path and importing nothing of the workbench, so that a replacement for a killed one is ready in a second. A
comparison may use so much processor time and memory, whatever else the machine is doing: a timer of processor time
interrupts Python code, and RLIMIT_CPU ends the process where none is running (arithmetic on numbers with 10^10 digits).
"""

import functools
import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

MEMORY = 2 * 2**30  # bytes of address space
BEYOND = 2  # processor seconds beyond the limit after which the system ends the process
DIGITS = 30  # of numbers compared
NEAR = 1e-12  # relative difference of numbers that were written or computed as decimals
POINTS = ((17, 13), (311, 97))  # where formulas with variables are tried, as fractions
EXACT = 1e-25  # relative difference of numbers that algebra did not find equal and arithmetic cannot tell apart


Verify = Callable[[str, str], tuple[bool | None, str]]  # reference, answer -> correct or not, and the rule


class OutOfTimeError(BaseException):
    """Raised by the timer; no Exception, since Math-Verify catches those."""


def ring(number: int, frame: object) -> None:
    """What the timer does."""
    del number, frame
    raise OutOfTimeError


@functools.lru_cache(maxsize=256)
def read(text: str) -> tuple[Any, ...]:
    """What Math-Verify reads in a formula: an expression and the text, or the text alone, or nothing."""
    from math_verify import LatexExtractionConfig, parse

    whole = LatexExtractionConfig(boxed_match_priority=0, try_extract_without_anchor=False)
    boxed = "\\boxed{" + text + "}"  # the box keeps it from choosing a part of the formula
    return tuple(parse(boxed, [whole], extraction_mode="first_match", parsing_timeout=None))


def compare(reference: str, answer: str) -> tuple[bool | None, str]:
    """Equal or not, and the rule; None where the reference is no mathematics."""
    from math_verify import verify

    gold, given = read(reference), read(answer)
    if all(isinstance(item, str) for item in gold):
        return None, "Math-Verify cannot read the reference"
    if all(isinstance(item, str) for item in given):
        return False, "Math-Verify cannot read the answer"
    if is_number(gold[0]) and is_number(given[0]):
        same = equal_numbers(gold[0], given[0], answer)
        return same, f"computer algebra: {'the same number' if same else 'another number'}"
    same = bool(verify(list(gold), list(given), timeout_seconds=None))
    if is_expression(gold[0]) and is_expression(given[0]):
        same = agree(gold[0], given[0]) if same else vanishes(gold[0], given[0])
    return same, f"computer algebra: {'equal' if same else 'different'}"


def is_expression(item: Any) -> bool:
    """Is this a formula, no set, relation or matrix?"""
    import sympy

    return isinstance(item, sympy.Expr) and not item.is_Matrix


def vanishes(gold: Any, given: Any) -> bool:
    """Is the difference of two formulas nothing, once decimals are fractions and i is the imaginary unit?"""
    import sympy

    difference = sympy.nsimplify((unified(gold) - unified(given)).doit(), rational=True)
    return bool(sympy.expand(difference) == 0)


def unified(formula: Any) -> Any:
    """A formula with one symbol for every name, whatever was assumed of it, and i as the imaginary unit."""
    import sympy

    names = {symbol: sympy.I if symbol.name == "i" else sympy.Symbol(symbol.name) for symbol in formula.free_symbols}
    return formula.subs(names)


def agree(gold: Any, given: Any) -> bool:
    """Have two formulas the same value, relative to its size, at some points? Math-Verify rounds to 6 decimals."""
    import sympy

    gold, given = unified(gold), unified(given)
    symbols = sorted(gold.free_symbols | given.free_symbols, key=str)
    for point in POINTS:
        values = {symbol: sympy.Rational(*point) + place for place, symbol in enumerate(symbols)}
        wanted, found = (sympy.N(item.subs(values).doit(), DIGITS) for item in (gold, given))
        known = wanted.is_number and found.is_number and wanted.is_finite and found.is_finite
        if known and abs(wanted - found) > NEAR * max(abs(wanted), abs(found)):
            return False
    return True


def is_number(item: Any) -> bool:
    """Is this a finite real number without variables?"""
    return bool(getattr(item, "is_number", False)) and bool(getattr(item, "is_real", False))


def equal_numbers(gold: Any, given: Any, answer: str) -> bool:
    """Are two numbers the same, exactly, or to all digits of an answer that has enough of them?"""
    import sympy

    inexact = gold.has(sympy.Float) or given.has(sympy.Float)
    wanted, found = sympy.sympify(gold).doit(), sympy.sympify(given).doit()
    if wanted.is_Rational and found.is_Rational:
        return bool(wanted == found)
    difference = abs((wanted - found).evalf(DIGITS, maxn=400))
    size = abs(wanted.evalf(DIGITS))
    if not difference.is_number or not size.is_number or not difference.is_finite:
        return False
    whole, _, decimals = answer.strip().lstrip("-").partition(".")
    if whole.isdigit() and decimals.isdigit() and len(decimals) >= 6 and len((whole + decimals).lstrip("0")) >= 6:
        return bool(difference <= sympy.Rational(1, 10 ** len(decimals)))
    return bool(difference <= (NEAR if inexact else EXACT) * size)


def answer_line(line: str, verify: Verify, ready: Callable[[str], None]) -> dict[str, Any]:
    """The reply to one order: `correct` (null: not decided), `rule`, and `exhausted` where it used up its limits."""
    order = json.loads(line)
    try:
        ready(order["reference"])
        limit_processor(order["limit"])
        signal.setitimer(signal.ITIMER_PROF, order["limit"])
        correct, rule = verify(order["reference"], order["answer"])
        signal.setitimer(signal.ITIMER_PROF, 0)
    except (OutOfTimeError, MemoryError, RecursionError) as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        return {"correct": None, "rule": exhaustion(error, order["limit"]), "exhausted": True}
    except Exception as error:  # whatever answer a model invents: the reason is kept, the pool asks whose fault it is
        signal.setitimer(signal.ITIMER_PROF, 0)
        rule = f"the verifier raised {type(error).__name__}: {str(error)[:200]}"
        return {"correct": None, "rule": rule, "exhausted": True}
    return {"correct": correct, "rule": rule, "exhausted": False}


def exhaustion(error: BaseException, limit: float) -> str:
    """What was used up, in words."""
    if isinstance(error, OutOfTimeError):
        return f"not compared within {limit:g} s of processor time"
    return "not compared within the memory limit" if isinstance(error, MemoryError) else "nested too deeply to compare"


def limit_processor(seconds: float) -> None:
    """Lets the system end this process once it has used so much more processor time, and a little."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + 1 + BEYOND
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def limit_memory() -> None:
    """Lets huge numbers end in a MemoryError; elsewhere than on Linux the limit is not dependable."""
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def prepare() -> None:
    """Loads Math-Verify and reads a first formula, which builds the parser's tables."""
    limit_memory()
    compare("\\frac{1}{2}", "0.5")
    compare("x^2", "x + 1")


def serve(
    load: Callable[[], None], verify: Verify, remedy: str, ready: Callable[[str], None] = lambda reference: None
) -> None:
    """Answers orders until there are no more; the first line out says that it is ready, or why not.

    `ready` makes what a reference needs, before the time of its answer begins to count.
    """
    logging.disable(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the parent, which closes the input
    signal.signal(signal.SIGPROF, ring)
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    sys.stdout = sys.stderr  # what a library prints must not be read as a reply

    def send(reply: dict[str, Any]) -> None:
        replies.write(json.dumps(reply) + "\n")

    try:
        load()
    except Exception as error:
        send({"ready": False, "reason": f"{type(error).__name__}: {error}", "remedy": remedy})
        raise SystemExit(1) from error
    send({"ready": True})
    for line in sys.stdin:
        send(answer_line(line, verify, ready))


if __name__ == "__main__":
    serve(prepare, compare, "pip install 'math-verify[antlr4_13_2]'")
