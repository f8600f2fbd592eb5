"""Reference traces that a method trains on: whether every problem has one, and room for it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from workbench.errors import Finding
from workbench.kinds import Piece
from workbench.models.encoder import TextEncoder
from workbench.types import Problem

END = 1  # the token that ends a completion, which follows every trace


@runtime_checkable
class GivesReferences(Protocol):
    """A controller that trains on texts of the data; a problem without one cannot be trained on."""

    solution: str  # the column

    def references(self, problem: Problem) -> Sequence[str]:
        """The texts of a problem."""


def reference_errors(
    piece: Piece | None, problems: Iterable[tuple[str, Problem]], encoder: TextEncoder, budget: int
) -> Iterator[Finding]:
    """Training problems, each with its place, that have no reference trace, or one of more than `budget` tokens."""
    if not isinstance(piece, GivesReferences):
        return
    column = piece.solution
    for place, problem in problems:
        texts = piece.references(problem)
        longest = max((len(encoder.answer(text)) + END for text in texts), default=0)
        if not texts:
            there = ", ".join(name for name, value in problem.data.items() if isinstance(value, str)) or "none"
            what = f"there is no reference trace in the column {column!r} (columns with a text: {there})"
            yield Finding("reference", place, what, "name the column with method.controller.solution")
        elif longest > budget:
            what = f"its reference trace has {longest:,} tokens, more than rollouts.max_tokens = {budget:,}"
            yield Finding("long reference", place, what, "raise rollouts.max_tokens, or remove the problem")
