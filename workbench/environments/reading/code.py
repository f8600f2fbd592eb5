"""A proposal of Python taken apart: blocks, one function, no banned name. Nothing is run, and nothing evaluated."""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from workbench.problems.programs.asking import Kind, belongs
from workbench.problems.programs.drawing import Drawn, canonical, split_of
from workbench.sandbox.small import SmallError
from workbench.sandbox.values import read

LONGEST = 20_000  # characters of a proposal
LONGEST_MESSAGE = 300  # characters
BLOCK = re.compile(r"```([a-z]*)[^\S\n]*\n(.*?)```", re.DOTALL)
BROKEN = (SyntaxError, ValueError, MemoryError, RecursionError)


@dataclass(frozen=True)
class Code:
    """A program, the literals of its inputs, and what its author says of it."""

    program: str
    inputs: tuple[str, ...]
    message: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree. Raises what `BROKEN` names."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(self.program)

    @cached_property
    def plain(self) -> str:
        """The program without comments, in one spelling."""
        return ast.unparse(self.tree)

    def faults(self, banned: Sequence[str]) -> Iterator[str]:
        """What is wrong with the program."""
        try:
            functions = [each for each in self.tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
            written = self.plain
        except BROKEN as error:
            yield f"the program does not parse: {type(error).__name__}"
            return
        if not written:
            yield "the program is empty"
        if [each.name for each in functions] != ["f"] or not isinstance(functions[0], ast.FunctionDef):
            yield "the program does not define one function, called f"
        elif not one_argument(functions[0].args):
            yield "f does not take one argument"
        for name in names(self.tree):
            if name in banned:
                yield f"{name} may not be used"


def one_argument(arguments: ast.arguments) -> bool:
    """Whether a function is called with one value."""
    needed = len(arguments.posonlyargs) + len(arguments.args)
    return needed == 1 and not (arguments.vararg or arguments.kwarg or arguments.kwonlyargs)


def names(tree: ast.AST) -> Iterator[str]:
    """Every name that a program uses, and every part of a module's name that it imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Import):
            yield from (part for each in node.names for part in each.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            yield from [*(node.module or "").split("."), *(each.name for each in node.names)]


def code_of(text: str, program: str, inputs: int, think_end: str) -> Code | str:
    """What a proposal holds, or why it is none; with `program` given it has inputs and a message alone."""
    if len(text) > LONGEST:
        return f"the proposal has {len(text)} characters, at most {LONGEST}"
    if think_end and think_end.replace("/", "", 1) in text.rpartition(think_end)[2]:
        return f"the thinking never ended: no {think_end}"
    blocks = [(language, body.strip()) for language, body in BLOCK.findall(text.rpartition(think_end)[2])]
    given = tuple(body for language, body in blocks if language == "input")
    messages = [body for language, body in blocks if language == "message"]
    programs = [body for language, body in blocks if language in ("python", "py")]
    if len(given) != inputs:
        return f"{len(given)} closed blocks of input, where {inputs} are needed"
    if program:
        if len(messages) != 1 or len(messages[0]) > LONGEST_MESSAGE:
            return f"not one closed block of a message of at most {LONGEST_MESSAGE} characters"
        return Code(program, given, " ".join(messages[0].split()))
    return Code(programs[0], given) if len(programs) == 1 else f"{len(programs)} closed blocks of python, not one"


def skeleton(program: str) -> str:
    """A program that parses, without its constants.

    >>> skeleton("def f(x):\\n    return x + 2  # two") == skeleton("def f(x): return x + 77")
    True
    """
    tree = ast.parse(program)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            node.value, node.kind = 0, None
    return ast.unparse(tree)


def held_out(kind: Kind, code: Code, results: Sequence[str]) -> bool:
    """Whether a proposal poses a problem of the test split of `small_programs`, in any spelling."""
    try:
        program = canonical(code.program)
    except SmallError:
        return False
    drawn = Drawn(program, tuple(map(read, code.inputs)), tuple(map(read, results)))
    return (split_of(program) if kind == "write" else belongs(kind, drawn)) != "train"
