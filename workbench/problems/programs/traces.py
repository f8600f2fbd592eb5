"""Answers and proposals as the embedded model for programs was taught to write them.

A worked answer has the values on the way first: `[2, 1, 3]; 6`, then `answer: 6`; to find an input they stand
backwards. A guess is the answer alone, mostly incorrect. A program is always written at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from workbench.problems.programs.asking import INPUTS, Kind, belongs, draw_problem, fit_to_write, prompt
from workbench.problems.programs.drawing import LINES, Drawn, draw, tame
from workbench.problems.programs.proposals import proposal_prompt
from workbench.sandbox.exact import RAISED
from workbench.sandbox.small import Value, parse
from workbench.sandbox.values import written

SPARE = 1  # an input more than is needed: a model of this size counts badly
SINGLE = range(-9, 100)  # numbers that may stand alone in a found input
ONE_LINERS = tuple(
    f"def f(x): x = {form.format(d=digit)}; return x"
    for (_, after), forms in LINES.items()
    for form in forms
    for digit in (range(1, 10 if after == "int" else 5) if "{d}" in form else (1,))
)


@dataclass(frozen=True)
class Habits:
    """How often an answer is worked, and how often it errs. All are probabilities."""

    worked: float = 0.5  # the values on the way are written down
    slip: float = 0.04  # one of them is incorrect; what follows is worked from it
    right: float = 0.15  # a guess is correct


CLEAN = Habits(worked=1.0, slip=0.0, right=1.0)


def solved(kind: Kind, drawn: Drawn, habits: Habits, random: Random) -> str:
    """An answer to the problem of a kind, in one of the two habits."""
    drawn = simplest(kind, drawn)
    if random.random() >= habits.worked:
        return f"answer: {guess(kind, drawn, random.random() < habits.right, random)}"
    if kind == "write":
        return f"answer: {drawn.program}"
    values = [drawn.inputs[0], *parse(drawn.program).trace(drawn.inputs[0])[:-1]]
    if random.random() < habits.slip:
        values = slipped(drawn.program, values, random)
    if kind == "find":
        return f"{joined(reversed(values[:-1]))}\nanswer: {written(values[0])}"
    return f"{joined(values[1:])}\nanswer: {written(values[-1])}"


def solution(kind: Kind, drawn: Drawn) -> str:
    """The worked, correct answer: a reference trace for supervised training."""
    return solved(kind, drawn, CLEAN, Random(0))


def joined(values: Iterable[Value]) -> str:
    """Values on one line."""
    return "; ".join(written(value) for value in values)


def simplest(kind: Kind, drawn: Drawn) -> Drawn:
    """The same problem with a simple answer: one line where one fits all pairs; a short input that gives the output."""
    if kind == "write":
        for program in ONE_LINERS:
            if all(result == tame(program, given) for given, result in zip(drawn.inputs, drawn.outputs, strict=True)):
                return Drawn(program, drawn.inputs, drawn.outputs)
    if kind == "find" and isinstance(drawn.inputs[0], list):
        return Drawn(drawn.program, (short_input(drawn.program, drawn.inputs[0], drawn.outputs[0]),), drawn.outputs)
    return drawn


def short_input(program: str, given: list[int], result: Value) -> list[int]:
    """A list with the same result: empty, of one number, the result, or the given one less what does not count."""
    for short in ([], *([number] for number in SINGLE), *([result] if isinstance(result, list) else [])):
        if tame(program, short) == result:
            return short
    found = given
    for place in reversed(range(len(given))):
        shorter = found[:place] + found[place + 1 :]
        found = shorter if tame(program, shorter) == result else found
    for place in range(len(found)):
        plain = [*found[:place], 0, *found[place + 1 :]]
        found = plain if tame(program, plain) == result else found
    return found


def slipped(program: str, values: list[Value], random: Random) -> list[Value]:
    """The values on the way with an incorrect one, from which the program is followed; unchanged where it cannot be."""
    place = random.randrange(1, len(values))
    wrong = near(values[place], random)
    rest = program.removeprefix("def f(x): ").split("; ")[place:]
    try:
        after = parse(f"def f(x): {'; '.join(rest)}").trace(wrong)[:-1]
    except RAISED:
        return values
    return [*values[:place], wrong, *after]


def guess(kind: Kind, drawn: Drawn, right: bool, random: Random) -> str:
    """An answer at once: the correct one, or one that is near it."""
    if kind == "write":
        return drawn.program if right else altered(drawn.program, random)
    true = drawn.outputs[0] if kind == "predict" else drawn.inputs[0]
    return written(true if right else near(true, random))


def near(value: Value, random: Random) -> Value:
    """Another value: a number close by, or a list with one more, one less or another number."""
    if isinstance(value, int):
        return value + random.choice((-3, -2, -1, 1, 2, 3))
    place = random.randrange(len(value) + 1)
    change = random.choice((1, 1, 2, 3))
    if change == 1 and place < len(value):
        return [*value[:place], value[place] + random.choice((-2, -1, 1, 2)), *value[place + 1 :]]
    if change == 2 and place < len(value):
        return value[:place] + value[place + 1 :]
    return [*value[:place], random.randint(0, 9), *value[place:]]


def altered(program: str, random: Random) -> str:
    """Another program: a line less or other, as likely incorrect as not far off."""
    lines = program.removeprefix("def f(x): ").split("; ")[:-1]
    place = random.randrange(len(lines))
    forms = next(forms for forms in LINES.values() if any(matches(form, lines[place]) for form in forms))
    other = random.choice(forms).format(d=random.randint(1, 4))
    return f"def f(x): {'; '.join([*lines[:place], f'x = {other}', *lines[place + 1 :]])}; return x"


def matches(form: str, line: str) -> bool:
    """Whether a line was made of a form."""
    return any(line == f"x = {form.format(d=digit)}" for digit in range(1, 10))


# ------------------------------------------------------------------------------------------------- proposals


def solving(random: Random, kind: Kind, lines: int, habits: Habits) -> tuple[str, str]:
    """A prompt of the train split for the solver, and an answer."""
    drawn = draw_problem(random, kind, lines, "train")
    return prompt(kind, drawn), solved(kind, drawn, habits, random)


def ascending(drawn: Drawn) -> Drawn:
    """With the inputs in their order, so that none stands there twice."""
    pairs = sorted(zip(drawn.inputs, drawn.outputs, strict=True), key=lambda pair: pair[0])
    return Drawn(drawn.program, tuple(given for given, _ in pairs), tuple(result for _, result in pairs))


def proposing(random: Random, kind: Kind, lines: int) -> tuple[str, str]:
    """A prompt for the proposer, with references of the train split, and a proposal."""
    if kind == "write":
        while True:
            drawn = draw(random, lines, "train", INPUTS[kind] + SPARE)
            drawn = drawn if isinstance(drawn.inputs[0], list) else ascending(drawn)
            if fit_to_write(drawn) and belongs(kind, drawn) == "train":
                return proposal_prompt(kind, [(drawn.program, "")]), joined(drawn.inputs)
    count = random.choice((1, 2, 2, 3))
    shown = [draw_problem(random, kind, random.choice((1, 2, 2, 3)), "train") for _ in range(count)]
    references = [(each.program, written(each.inputs[0])) for each in shown]
    new = draw_problem(random, kind, lines, "train")
    return proposal_prompt(kind, references), f"{new.program}\nx = {written(new.inputs[0])}"
