"""A member of the cast that answers from a table: for tests, demonstrations, and gradings made elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from workbench.kinds import Member
from workbench.types import Choose, Question, Read, Reply, Say

LOWEST = -30.0  # log-prob of a choice that is not the one


@dataclass(frozen=True)
class Scripted(Member):
    """Replies with the text of the first key that stands in the question, else with `otherwise`; no model.

    Of choices it prefers the one that its reply begins with. A question without a reply is a fault, as is one for
    log-probs of given tokens.
    """

    replies: Annotated[Mapping[str, str], Field(description="replies by a text that the question holds")] = field(
        default_factory=dict
    )
    otherwise: Annotated[str | None, Field(description="the reply to every other question; none: it is a fault")] = None

    def open(self) -> "Scripted":
        return self

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order."""
        return [self.reply(question) for question in questions]

    def reply(self, question: Question) -> Reply:
        """The reply to one question."""
        if isinstance(question, Read):
            return Reply(fault="a scripted member of the cast reads no log-probs: ask a model")
        found = next((text for key, text in self.replies.items() if key in question.prompt), self.otherwise)
        if found is None:
            return Reply(fault=f"no reply is scripted for {question.prompt[:80]!r}")
        if isinstance(question, Say):
            return Reply(said=found)
        return chosen(found, question)


def chosen(text: str, question: Choose) -> Reply:
    """A text as log-probs of choices: 0 for the one that it begins with; a fault where it begins with none."""
    stripped = text.strip().casefold()
    found = [stripped.startswith(choice.strip().casefold()) for choice in question.choices]
    if sum(found) != 1:
        return Reply(fault=f"{text[:80]!r} begins with {'none' if not any(found) else 'several'} of {question.choices}")
    return Reply(chosen=tuple(0.0 if each else LOWEST for each in found))
