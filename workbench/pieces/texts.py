"""What pieces read in completions: a problem between marks, answers that rewards extracted, rollouts of a role."""

from collections.abc import Sequence

from workbench.types import Group, Rollout

OPEN, CLOSE = "<problem>", "</problem>"


def answers(rollouts: Sequence[Rollout]) -> list[str]:
    """What the rewards extracted of each rollout; "" where they found no answer."""
    return [next((part.extracted for part in each.parts.values() if part.extracted), "") for each in rollouts]


def between_marks(text: str) -> str:
    """What stands between the first pair of marks.

    >>> between_marks("Here: <problem> What is 3 + 4? </problem> done"), between_marks("What is 3 + 4?")
    ('What is 3 + 4?', '')
    """
    _, found, rest = text.partition(OPEN)
    inside, closed, _ = rest.partition(CLOSE)
    return inside.strip() if found and closed else ""


def plain(text: str) -> str:
    """A text without case and white space."""
    return "".join(text.casefold().split())


def of_role(groups: Sequence[Group], role: str) -> list[Rollout]:
    """The rollouts of a role."""
    return [each for group in groups for each in group.rollouts if each.request.role == role]


def written_problem(rollout: Rollout, longest: int) -> str:
    """The problem between a rollout's marks; "" where there is none, a longer one, or only a copy of what was shown."""
    text = between_marks(rollout.text)
    copied = plain(text) in plain(rollout.request.problem.prompt)
    return text if len(text) <= longest and not copied else ""
