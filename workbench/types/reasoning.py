"""Where a completion's reasoning ends and its answer begins, in tokens: what rewards read a reference answer after."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.types.protocols import Encoder
from workbench.types.rollouts import Rollout

STANDARD = "answer:"


@dataclass(frozen=True)
class Reasoning:
    """A completion up to its answer. `kept`: the marker stands once in it, with something behind."""

    tokens: tuple[int, ...]
    answer: str  # its own, without the space around it; empty if there is none
    kept: bool


def reasoning(rollout: Rollout, encoder: Encoder, marker: str) -> Reasoning:
    """The reasoning of a rollout with the last marker as its end; one without a marker is given it.

    Tokens stay as they were drawn: only a token across the marker's end is written again.
    """
    tokens = written(rollout.tokens, encoder)
    text = encoder.text(tokens)
    place = text.rfind(marker)
    if place < 0:
        return Reasoning((*tokens, *encoder.answer(f"\n{marker}")), "", kept=False)
    end = place + len(marker)
    answer = text[end:].strip()
    count = reaching(tokens, encoder, end)
    head = encoder.text(tokens[:count])
    found = tuple(tokens[:count])
    if head != text[:end]:
        before = encoder.text(tokens[: count - 1])
        found = (*tokens[: count - 1], *encoder.answer(text[len(before) : end]))
    return Reasoning(found, answer, kept=bool(answer) and text.count(marker) == 1)


def written(tokens: Sequence[int], encoder: Encoder) -> list[int]:
    """The tokens without special ones at their end."""
    found = list(tokens)
    while found and not encoder.text(found[-1:]):
        found.pop()
    return found


def reaching(tokens: Sequence[int], encoder: Encoder, length: int) -> int:
    """How many tokens it takes for a text of so many characters."""
    low, high = 0, len(tokens)
    while low < high:
        middle = (low + high) // 2
        if len(encoder.text(tokens[:middle])) >= length:
            high = middle
        else:
            low = middle + 1
    return low
