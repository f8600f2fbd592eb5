"""reasoning-gym's verifiers that evaluate the answer: held to what cannot be code, then run in the sandbox."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from workbench.rewards.grading.algebra import Grade
from workbench.rewards.whole.strict import FULL
from workbench.sandbox.gate import formula, literal
from workbench.sandbox.library import ROOMY, Reply, call_library
from workbench.types import Problem

LIBRARY = Path(__file__).with_name("gym_library.py")
#: Data sets whose answers are lists, or words and numbers; those of all others are formulas.
OF_VALUES = frozenset({"binary_matrix", "n_queens", "spiral_matrix", "string_insertion"})
WORDS = re.compile(r"[A-Za-z0-9_\s]*")  # nothing in it can be called


def grades(problem: Problem, answers: Sequence[str], seconds: float, workers: int) -> dict[str, Grade]:
    """The grade of every answer; NoSandboxError where this machine cannot run one."""
    name = problem.data["dataset"]
    faults = {answer: no_answer(name, answer) for answer in answers}
    asked = [answer for answer in answers if not faults[answer]]
    entry = {"answer": problem.answer, "metadata": problem.data["metadata"]}
    calls = [[answer, name, problem.data["settings"], problem.data["level"], entry] for answer in asked]
    replies = call_library(LIBRARY, "score", calls, replace(ROOMY, seconds=seconds), max(2, workers)) if calls else []
    found = {answer: Grade(False, fault) for answer, fault in faults.items() if fault}
    return found | {answer: grade_of(reply) for answer, reply in zip(asked, replies, strict=True)}


def no_answer(dataset: str, answer: str) -> str:
    """Why a text cannot be an answer; empty if it can.

    >>> no_answer("countdown", "(3 + 4) * 2"), no_answer("n_queens", "_ Q _ _")
    ('', '')
    >>> no_answer("countdown", "open('x')"), no_answer("n_queens", "exit()")
    ("'open' is no function of a formula", 'Call is no value: only literals are read')
    """
    if dataset in OF_VALUES:
        return "" if WORDS.fullmatch(answer) else literal(answer)
    return formula(answer)


def grade_of(reply: Reply) -> Grade:
    """What the sandbox says of an answer."""
    if reply.status == "lost":
        return Grade(None, f"unscored: {reply.reason}")
    if not reply.returned:
        return Grade(False, f"the verifier did not accept it ({reply.reason or reply.status})")
    full = reply.value >= FULL
    return Grade(full, f"reasoning-gym's verifier gives {reply.value:.3g}{'' if full else ' of 1'}")
