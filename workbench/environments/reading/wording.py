"""The prompts of Python self-play: built as those of Absolute Zero are, in words of our own.

A proposer reads, in this order: its role and what the problem is to test, rules of the code, rules of the input, the
form, how the proposal is graded, what may not be used, and numbered references.
"""

from collections.abc import Sequence

#: What makes a program differ from run to run, or reach outside of it.
NAMES = (
    *("random", "secrets", "uuid", "time", "datetime", "os", "sys", "io", "pathlib", "shutil", "tempfile"),
    *(
        "subprocess",
        "socket",
        "threading",
        "multiprocessing",
        "asyncio",
        "signal",
        "ctypes",
        "gc",
        "inspect",
        "logging",
    ),
    *("importlib", "builtins", "pickle", "print", "input", "open", "exec", "eval", "compile", "globals", "locals"),
    *("vars", "id", "hash", "__import__", "__builtins__", "__subclasses__"),
)
GOAL = {
    "predict": "the solver is shown your function and your input, and must say what f returns: it must trace the code",
    "find": "the solver is shown your function and what it returns for your input, and must find an input that gives"
    " it: it must think backwards",
    "write": "the solver is shown half of your inputs with what f returns for them, and your message, and must write a"
    " function that agrees on the other half as well: it must find the rule",
}
RULES = """The function:
- is called f and takes one argument, x; it is the only function at the top
- gives the same value for the same input in every run; keeps no state outside of itself
- ends within {seconds}, prints nothing, and reads nothing
- returns numbers, texts, booleans, None, or lists, tuples, sets and dicts of these"""
INPUT = "An input is one Python literal; texts are in quotes."
FORM = {
    "predict": "Write one block of the function and one block of the input:\n\n```python\ndef f(x):\n    ...\n```\n\n"
    "```input\n...\n```",
    "write": "Write {inputs} blocks of inputs, all different, and one block of a message to the solver that does not"
    " give the function away:\n\n```input\n...\n```\n\n```message\n...\n```",
}
GRADED = (
    "It counts if it runs, and the more, the more often the solver fails; nothing if the solver always fails. It must"
    " differ from the examples."
)
SOLVE = {
    "predict": "What does this Python function return for x = {given}?\n\n{block}\n\nThink first. End with one line:"
    " answer: VALUE",
    "find": "For which x does this Python function return {result}? One is enough.\n\n{block}\n\nThink first. End with"
    " one line: answer: VALUE",
    "write": "Write a Python function f(x) with these results, and with those that follow from the same rule:\n\n"
    "{pairs}{message}\n\nThink first. Put the function into one block of Python code.",
}


def proposer(kind: str, references: Sequence[tuple[str, str, str]], inputs: int, banned: Sequence[str]) -> str:
    """What a proposer reads; a reference is a program with the literals of an input and its output."""
    form = FORM["write" if kind == "write" else "predict"].format(inputs=inputs)
    role = f"You set problems about Python functions. In this one {GOAL[kind]}."
    if kind == "write":
        block = f"The function:\n\n```python\n{references[0][0]}\n```"
        return "\n\n".join([role, block, INPUT, form, GRADED, "Plan first, then write the blocks."])
    rules = RULES.format(seconds="a second or two")
    ban = f"It may not use: {', '.join(banned)}." if banned else ""
    examples = [
        f"Example {number}:\n```python\n{program}\n```\n```input\n{given}\n```\nf(x) = {result}"
        for number, (program, given, result) in enumerate(references, start=1)
    ]
    parts = [role, rules, INPUT, form, GRADED, ban, *examples, "Plan first, then write your two blocks."]
    return "\n\n".join(filter(None, parts))
