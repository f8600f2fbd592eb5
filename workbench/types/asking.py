"""What a reward asks of a model, and what comes back: tokens read, a text said, one of several texts chosen."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from workbench.types.rollouts import Score

POLICY, REFERENCE, START = "policy", "reference", "start"
OWN = frozenset({POLICY, REFERENCE, START})  # members of every run's cast; the last two are the model as it was loaded

Tokens = str | tuple[int, ...]  # a text, which the member encodes, or token ids of the run's own model
Key = tuple[int, int]  # `Rollout.key`


@dataclass(frozen=True)
class Read:
    """Signals of given tokens after a given prompt.

    A prompt that is a text is put as a question, in the model's own template. Token ids are those of the run's model,
    which `policy`, `reference` and `start` understand; any other member is given texts.
    """

    prompt: Tokens
    answer: Tokens
    signals: tuple[str, ...] = ("logprob",)  # of `workbench.signals`; no `old_`, no other prompt
    of: str = POLICY
    about: Key | None = field(default=None, compare=False)  # the rollout it is asked for, for the record


@dataclass(frozen=True)
class Say:
    """A text after a question. Equal questions have equal replies, so further ones differ in `draw`."""

    prompt: str
    of: str = POLICY
    max_tokens: int = 256
    temperature: float = 0.0
    draw: int = 0
    about: Key | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Choose:
    """The log-probs of several texts as what follows a question, each summed over its tokens."""

    prompt: str
    choices: tuple[str, ...]
    of: str = POLICY
    about: Key | None = field(default=None, compare=False)


Question = Read | Say | Choose


class UnansweredError(ValueError):
    """A question has no reply; the message says who was asked and why there is none."""


@dataclass(frozen=True)
class Reply:
    """What came back. Reading one that is none raises `UnansweredError`: who needs it is unscored."""

    said: str | None = None
    signals: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # over the tokens of the answer
    chosen: tuple[float, ...] = ()  # log-probs, one for every choice
    fault: str = ""
    seconds: float = 0.0  # until it came; of questions put together, their time together
    cached: bool = False  # it was on record, and the member was not asked

    @property
    def text(self) -> str:
        """What was said."""
        self.check()
        if self.said is None:
            raise UnansweredError("nothing was said: a text comes after Say")
        return self.said

    @property
    def logprobs(self) -> tuple[float, ...]:
        """Log-probs of the choices, or of the tokens that were read; in nats."""
        self.check()
        return self.chosen or self["logprob"]

    def __getitem__(self, signal: str) -> tuple[float, ...]:
        self.check()
        if signal not in self.signals:
            raise UnansweredError(f"{signal!r} was not read; there is: {', '.join(self.signals) or 'nothing'}")
        return self.signals[signal]

    def check(self) -> None:
        """Raises `UnansweredError` with the reason if there is no reply."""
        if self.fault:
            raise UnansweredError(self.fault)


#: What a reward that asks returns: it yields questions, is sent their replies in order, and returns the scores.
Asked = Generator[Sequence[Question], Sequence[Reply], list[Score]]


@runtime_checkable
class Speaker(Protocol):
    """A member of the cast, ready to be asked."""

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order. It raises nothing: what cannot be answered has a `fault`."""


@dataclass(frozen=True)
class Failing:
    """A speaker that cannot speak: the same fault for every question."""

    reply: Reply

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """The fault, for every question."""
        return [self.reply] * len(questions)
