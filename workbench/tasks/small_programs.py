"""Small programs from three sides: say what one returns, find what it was given, write one. (AZR, arXiv:2505.03335)"""

from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.sandbox.values import written
from workbench.tasks.small_lines import Drawn, Split, draw, split_of
from workbench.types import Problem

Kind = Literal["predict", "find", "write"]
KINDS: tuple[Kind, ...] = ("predict", "find", "write")
SHOWN, HIDDEN = 3, 3  # pairs of a program to write: in the prompt, and those only the reward knows
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


@dataclass(frozen=True)
class SmallPrograms(Task):
    """Programs of one to eight lines over whole numbers and lists of them, from up to three sides.

    `predict`: program and input are shown, the output is asked for (deduction). `find`: program and output are shown;
    any input that gives it is correct (abduction). `write`: three pairs of input and output are shown, a program is
    asked for that fits three hidden ones as well (induction). `all` draws one of the three. The reward is `by_running`.
    One program in eight is held out, by its text.
    """

    asks: Annotated[
        Literal["predict", "find", "write", "all"], Field(description="what is asked; all: any of the three")
    ] = "all"
    lines: Annotated[int, Field(ge=1, le=8, description="a program has one to so many lines")] = 2
    wording: Annotated[
        Literal["short", "spoken"], Field(description="short: a word and the program; spoken: a request in English")
    ] = "short"
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="problem i is drawn from Random(seed + i)")] = 0

    def problem(self, number: int, split: Split) -> Problem:
        """The problem drawn from `Random(seed + number)`."""
        random = Random(self.seed + number)
        kind: Kind = random.choice(KINDS) if self.asks == "all" else self.asks
        while True:
            pairs = SHOWN + HIDDEN if kind == "write" else 1
            drawn = draw(random, random.randint(1, self.lines), split, pairs)
            prompt = self.prompt(kind, drawn)
            if kind != "write" or (len(set(map(str, drawn.outputs[:SHOWN]))) > 1 and split_of(prompt) == split):
                break
        key = f"small_programs-{kind}-{self.lines}-{split}-{self.seed + number}"
        return Problem(key, prompt, reference(kind, drawn), data(kind, drawn))

    def prompt(self, kind: Kind, drawn: Drawn) -> str:
        """What the model reads."""
        pairs = zip(drawn.inputs[:SHOWN], drawn.outputs[:SHOWN], strict=True)
        return {"short": SHORT, "spoken": SPOKEN}[self.wording][kind].format(
            program=drawn.program,
            block=f"```python\n{lines_of(drawn.program)}\n```",
            given=written(drawn.inputs[0]),
            result=written(drawn.outputs[0]),
            pairs="\n".join(f"f({written(given)}) = {written(result)}" for given, result in pairs),
        )


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
