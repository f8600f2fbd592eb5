"""How a proposer is asked for a problem about a small program, and what its proposal must be. (AZR, arXiv:2505.03335)

For `predict` and `find` it reads programs with an input each and writes a new program with an input. For `write` it
reads one program and writes six inputs or more: the outputs of the first three different ones will be shown, those of
the next three only the reward knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from workbench.problems.programs.asking import INPUTS, Kind, Wording, belongs, fit_to_write, lines_of
from workbench.problems.programs.drawing import Drawn, canonical
from workbench.sandbox.exact import RAISED
from workbench.sandbox.small import LONGEST, SmallError, Value, held, parse
from workbench.sandbox.values import read, written

FIRST = {"predict": "propose run", "find": "propose find", "write": "propose write"}
CHARACTERS = 1_000  # of a proposal
FENCE = "```"
ASKED = {
    "predict": "Write another Python function f(x) and an input x, so that what f returns takes some thought.",
    "find": "Write another Python function f(x) and an input x, so that finding x from f(x) takes some thought.",
    "write": "Write {count} inputs for this function, so that the function can be found from them and its results.",
}
FORM = "{block}\nx = {given}"
LAST_LINES = {
    "predict": "Give one block of Python code, and after it a line: x = VALUE",
    "find": "Give one block of Python code, and after it a line: x = VALUE",
    "write": "Give them on one line: VALUE; VALUE; …",
}

Fault = Literal["form", "program", "input", "error", "plain", "held out"]


@dataclass(frozen=True)
class Refusal:
    """Why a proposal is no problem.

    `form`: not what was asked for. `program`: not in the language. `input`: no value of it, or too few different ones.
    `error`: the program raises, or exceeds a bound, on an input. `plain`: every shown output is the same. `held out`:
    a problem like any other, which belongs to the test split; the proposer is not to blame.
    """

    fault: Fault
    reason: str

    @property
    def held_out(self) -> bool:
        """Whether the proposal was in order: to be left unscored instead of punished."""
        return self.fault == "held out"


def proposal_prompt(kind: Kind, references: Sequence[tuple[str, str]], wording: Wording = "short") -> str:
    """What the proposer reads; a reference is a program with the literal of one of its inputs.

    `write` needs exactly one reference, whose program it is about (its input is not shown); ValueError otherwise.

    >>> proposal_prompt("predict", [("def f(x): x = x + 1; return x", "4")])
    'propose run\\ndef f(x): x = x + 1; return x\\nx = 4\\nnew\\n'
    """
    if kind == "write" and len(references) != 1:
        raise ValueError(f"propose write: give the one program it is about, not {len(references)} references")
    if wording == "spoken":
        return spoken(kind, references)
    if kind == "write":
        return f"{FIRST[kind]}\n{references[0][0]}\n"
    shown = "".join(f"{program}\nx = {given}\n" for program, given in references)
    return f"{FIRST[kind]}\n{shown}new\n"


def spoken(kind: Kind, references: Sequence[tuple[str, str]]) -> str:
    """The same as a request in English."""
    blocks = [f"{FENCE}python\n{lines_of(program)}\n{FENCE}" for program, _ in references]
    if kind == "write":
        return f"{ASKED[kind].format(count=INPUTS[kind])}\n\n{blocks[0]}\n\n{LAST_LINES[kind]}"
    shown = [FORM.format(block=block, given=given) for block, (_, given) in zip(blocks, references, strict=True)]
    return "\n\n".join([*shown, ASKED[kind], LAST_LINES[kind]])


def parse_proposal(kind: Kind, text: str, program: str = "") -> Drawn | Refusal:
    """What a proposer wrote, read and run: a program with its inputs and outputs, or why not. Nothing is evaluated.

    `program` is the one that the prompt of `write` was about. The program of the result is written in one way
    (`canonical`), so that equal texts are equal programs, and another spelling does not evade the split.
    """
    if len(text) > CHARACTERS:
        return Refusal("form", f"the proposal has {len(text)} characters, at most {CHARACTERS}")
    parts = (program, text.strip()) if kind == "write" else apart(text)
    if isinstance(parts, Refusal):
        return parts
    try:
        body = canonical(parts[0].strip())
    except SmallError as error:
        return Refusal("program", str(error))
    try:
        inputs = values(parts[1], INPUTS[kind])
    except ValueError as error:
        return Refusal("input", str(error))
    try:
        outputs = tuple(parse(body)(given) for given in inputs)
    except RAISED as error:
        return Refusal("error", f"{type(error).__name__}: {error}")
    return admitted(kind, Drawn(body, inputs, outputs))


def apart(text: str) -> tuple[str, str] | Refusal:
    """Program and input of a proposal: what stands before the last line `x = VALUE`, and the value."""
    above, newline, last = text.rstrip().rpartition("\n")
    if not newline or not last.startswith("x = "):
        return Refusal("form", f"the proposal does not end with a line 'x = VALUE': {last[:60]!r}")
    above = above.strip()
    if FENCE in above:
        _, _, rest = above.partition(FENCE)
        language, _, block = rest.partition("\n")
        inner, closed, after = block.partition(FENCE)
        if not closed or after.strip() or language.strip().lower() not in ("", "python"):
            return Refusal("form", "the proposal is not one closed block of Python code and a line 'x = VALUE'")
        above = inner
    return above, last.removeprefix("x = ")


def values(text: str, count: int) -> tuple[Value, ...]:
    """The first so many different values of the language, parted by semicolons. Raises ValueError."""
    if "\n" in text:
        raise ValueError("the inputs stand on several lines; write them on one")
    parts = text.split(";") if count > 1 else [text]
    found = dict[str, Value]()
    for part in parts:
        value = read(part, 20 * LONGEST)
        try:
            found.setdefault(written(value), held(value))
        except (TypeError, ArithmeticError) as error:
            raise ValueError(f"{part.strip()[:60]!r}: {error}") from None
    if len(found) < count:
        raise ValueError(f"{len(found)} different inputs, where {count} are needed")
    return tuple(found.values())[:count]


def admitted(kind: Kind, drawn: Drawn) -> Drawn | Refusal:
    """The proposal, unless its shown outputs are all the same or it belongs to the test split."""
    if kind == "write" and not fit_to_write(drawn):
        return Refusal("plain", "the three shown outputs are the same")
    if belongs(kind, drawn) != "train":
        return Refusal("held out", "the program, or the problem about it, belongs to the test split")
    return drawn
