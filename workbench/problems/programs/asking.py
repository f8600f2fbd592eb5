"""How a solver is asked about a small program, from three sides. (AZR, arXiv:2505.03335)

Predict the output (deduction), find an input (abduction), write the program (induction). Short: a first word says what
is asked, and the answer is expected behind `answer:`, as the embedded model for programs was taught.
"""

from random import Random
from typing import Literal

from workbench.problems.programs.drawing import Drawn, Split, draw, split_of
from workbench.sandbox.values import written
from workbench.types import Problem

Kind = Literal["predict", "find", "write"]
Wording = Literal["short", "spoken"]
KINDS: tuple[Kind, ...] = ("predict", "find", "write")
SHOWN, HIDDEN = 3, 3  # pairs of a program to write: in the prompt, and those only the reward knows
INPUTS = {"predict": 1, "find": 1, "write": SHOWN + HIDDEN}  # of a problem
SHORT = {
    "predict": "run\n{program}\nx = {given}\n",
    "find": "find\n{program}\nf(x) = {result}\n",
    "write": "write\n{pairs}\n",
}
LAST_LINE = "End with one line: answer: VALUE"
SPOKEN = {
    "predict": f"What does this Python function return for x = {{given}}?\n\n{{block}}\n\n{LAST_LINE}",
    "find": f"For which x does this Python function return {{result}}? One is enough.\n\n{{block}}\n\n{LAST_LINE}",
    "write": "Write a Python function f(x) with these results, and with those that follow from the same rule:\n\n"
    "{pairs}\n\nPut it into one block of Python code.",
}


def known_kind(kind: str) -> Kind:
    """A text as one of the kinds. ValueError for any other."""
    for each in KINDS:
        if each == kind:
            return each
    raise ValueError(f"there are no problems of kind {kind!r}: choose among {', '.join(KINDS)}")


def posed(kind: Kind, drawn: Drawn, key: str, wording: Wording = "short") -> Problem:
    """The problem of a kind that a program with its inputs poses, for the reward `by_running`."""
    return Problem(key, prompt(kind, drawn, wording), reference(kind, drawn), data(kind, drawn), source=kind)


def draw_problem(random: Random, kind: Kind, lines: int, split: Split) -> Drawn:
    """A program of so many lines, with inputs, that poses a problem of the kind in the split."""
    while True:
        drawn = draw(random, lines, split, INPUTS[kind])
        if belongs(kind, drawn) == split and (kind != "write" or fit_to_write(drawn)):
            return drawn


def belongs(kind: Kind, drawn: Drawn) -> Split | Literal["neither"]:
    """The split of a problem: of its program, if that has several lines; of its prompt, if it has one, or is to be
    written. `neither`, where the two disagree.
    """
    several = drawn.program.count(";") > 1
    texts = [drawn.program] * several + [prompt(kind, drawn)] * (kind == "write" or not several)
    splits = {split_of(text) for text in texts}
    return splits.pop() if len(splits) == 1 else "neither"


def prompt(kind: Kind, drawn: Drawn, wording: Wording = "short") -> str:
    """What the solver reads."""
    pairs = zip(drawn.inputs[:SHOWN], drawn.outputs[:SHOWN], strict=True)
    return {"short": SHORT, "spoken": SPOKEN}[wording][kind].format(
        program=drawn.program,
        block=f"```python\n{lines_of(drawn.program)}\n```",
        given=written(drawn.inputs[0]),
        result=written(drawn.outputs[0]),
        pairs="\n".join(f"f({written(given)}) = {written(result)}" for given, result in pairs),
    )


def fit_to_write(drawn: Drawn) -> bool:
    """Whether the shown pairs say something of the program: their outputs differ."""
    return len(set(map(str, drawn.outputs[:SHOWN]))) > 1


def reference(kind: Kind, drawn: Drawn) -> str:
    """A correct answer: the output, the input, or the program."""
    return {"predict": written(drawn.outputs[0]), "find": written(drawn.inputs[0]), "write": drawn.program}[kind]


def data(kind: Kind, drawn: Drawn) -> dict[str, object]:
    """What the reward reads: the kind, the program, and pairs of literals."""
    pairs = [[written(given), written(result)] for given, result in zip(drawn.inputs, drawn.outputs, strict=True)]
    return {"kind": kind, "program": drawn.program, "pairs": pairs, "lines": drawn.program.count(";")}


def lines_of(program: str) -> str:
    """A program on lines of its own.

    >>> print(lines_of("def f(x): x = x + 1; return x"))
    def f(x):
        x = x + 1
        return x
    """
    return program.replace(": ", ":\n    ", 1).replace("; ", "\n    ")
