"""Grading by the kind of fault: each reference of `grading_cases` with texts that answer it and texts that do not."""

import pytest

from tests.rewards.grading_cases import ALL, TEXTS, Kind
from tests.rewards.reward_examples import make_rollout
from workbench.rewards.math import Math
from workbench.types import Problem


def differing(kind: Kind, form: str) -> list[str]:
    """The texts that are not graded as they should be, with the reason given."""
    texts = [*kind.correct, *kind.incorrect]
    wanted = [1.0] * len(kind.correct) + [0.0] * len(kind.incorrect)
    found = Math()(Problem("1", "", kind.reference), [make_rollout(form.format(text)) for text in texts], None)
    return [
        f"{text!r}: {one.reason}" for text, one, value in zip(texts, found, wanted, strict=True) if one.value != value
    ]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.reference)
def test_answers_in_a_box(kind: Kind) -> None:
    assert differing(kind, r"So the result is $\boxed{{{}}}$.") == []


@pytest.mark.parametrize("kind", TEXTS, ids=lambda kind: kind.reference)
def test_answers_in_a_text(kind: Kind) -> None:
    assert differing(kind, "{}") == []
