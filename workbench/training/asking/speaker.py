"""A model of this process as a member of the cast: it reads given tokens, chooses, and writes."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workbench.signals import SIGNALS
from workbench.training.forward import Wanted
from workbench.types import Choose, Encoder, Engine, Problem, Question, Read, Reply, Request, Sampling, Say, Scorer

ASKING_STEP = -5  # key of the random numbers of what is said: a question's own, whatever else is asked


@dataclass(frozen=True)
class ModelSpeaker:
    """Satisfies `types.Speaker`: a model of this process. All that is read of it at a time is one pass of its scorer.

    `prefix` "ref_": the reference, which reads and has no engine to say anything with. `positions`: tokens that the
    model reads at most; None: not known. `foreign`: its tokens are not the run's, so it is given texts only.
    """

    name: str
    scorer: Scorer
    encoder: Encoder
    engine: Engine | None
    sampling: Sampling
    prefix: str = ""
    positions: int | None = None
    foreign: bool = False

    def answer(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order."""
        replies = [Reply(fault=self.fault(question)) for question in questions]
        good = [place for place, reply in enumerate(replies) if not reply.fault]
        for kind, answer in ((Say, self.say), (Read | Choose, self.read)):
            places = [place for place in good if isinstance(questions[place], kind)]
            if not places:
                continue
            start = time.perf_counter()
            try:
                found = answer([questions[place] for place in places])
            except ValueError as error:  # of signals that only the model can tell, or of an engine that cannot
                found = [Reply(fault=f"{self.name}: {error}")] * len(places)
            seconds = time.perf_counter() - start
            for place, reply in zip(places, found, strict=True):
                replies[place] = replace(reply, seconds=seconds)
        return replies

    def fault(self, question: Question) -> str:
        """Why a question cannot be put; empty if it can."""
        if isinstance(question, Say):
            if self.engine is None:
                return f"{self.name} reads and cannot write: ask 'policy', or a member of the cast"
            return self.too_long(len(self.prompt(question)) + question.max_tokens)
        if self.foreign and isinstance(question, Read) and not isinstance(question.prompt, str):
            return f"{self.name} has another tokenizer than the run: give it texts, not token ids"
        odd = [name for name in getattr(question, "signals", ()) if not readable(name)]
        if odd:
            return f"{self.name} cannot read {odd[0]!r}: give one of {', '.join(sorted(SIGNALS))}"
        longest = 0
        for prompt, answer in self.rows(question):
            if not prompt or not answer:
                return f"{self.name}: there is no token {'before' if answer else 'in'} what is to be read"
            longest = max(longest, len(prompt) + len(answer))
        return self.too_long(longest)

    def too_long(self, tokens: int) -> str:
        """Why so many tokens cannot be read; empty if they can."""
        if self.positions is None or tokens <= self.positions:
            return ""
        return f"{self.name}: {tokens} tokens are asked of its {self.positions} positions"

    def prompt(self, question: Question) -> tuple[int, ...]:
        """The prompt as tokens."""
        given = question.prompt
        return self.encoder.prompt(given) if isinstance(given, str) else tuple(given)

    def rows(self, question: Question) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """What is read for a question: a prompt and the tokens after it, for a choice once for each."""
        answers = question.choices if isinstance(question, Choose) else (getattr(question, "answer", ()),)
        prompt = self.prompt(question)
        encoded = [self.encoder.answer(each) if isinstance(each, str) else tuple(each) for each in answers]
        return [(prompt, each) for each in encoded]

    def read(self, questions: Sequence[Question]) -> list[Reply]:
        """Signals and choices, all in one pass."""
        rows = [self.rows(question) for question in questions]
        wanted = {name: None for question in questions for name in signals_of(question)}
        names = [f"{self.prefix}{name}" for name in wanted]
        flat = [row for each in rows for row in each]
        found = iter(self.scorer.score([prompt for prompt, _ in flat], [answer for _, answer in flat], names))
        replies = []
        for question, each in zip(questions, rows, strict=True):
            numbers = [next(found) for _ in each]
            if isinstance(question, Choose):
                replies.append(Reply(chosen=tuple(sum(one[f"{self.prefix}logprob"]) for one in numbers)))
            else:
                own = {name: tuple(numbers[0][f"{self.prefix}{name}"]) for name in signals_of(question)}
                replies.append(Reply(signals=own))
        return replies

    def say(self, questions: Sequence[Question]) -> list[Reply]:
        """Texts, by the engine: what is asked at one temperature in one call."""
        said: dict[int, str] = {}
        assert self.engine is not None
        asked = [question for question in questions if isinstance(question, Say)]
        for temperature in dict.fromkeys(question.temperature for question in asked):
            taken: set[int] = set()
            requests = []
            for place, question in enumerate(asked):
                if question.temperature == temperature:
                    problem = Problem(f"asked/{place}", question.prompt, "")
                    number = number_of(question, taken)
                    prompt = self.encoder.prompt(question.prompt)
                    requests.append(Request(problem, prompt, place, number, max_tokens=question.max_tokens))
            most = max(request.max_tokens or 1 for request in requests)
            sampling = replace(self.sampling, temperature=temperature, max_tokens=most, step=ASKING_STEP)
            for rollout in self.engine.generate(requests, sampling):
                said[rollout.request.group] = rollout.text
        return [Reply(said=said[place]) for place in range(len(asked))]


def signals_of(question: Question) -> tuple[str, ...]:
    """The signals that a question reads."""
    return question.signals if isinstance(question, Read) else ("logprob",)


def readable(name: str) -> bool:
    """Whether a name is that of a signal after its own prompt."""
    wanted = Wanted.parse(name)
    return not wanted.context and not wanted.policy and wanted.signal in SIGNALS


def number_of(question: Say, taken: set[int]) -> int:
    """A number that keys the random numbers of a question by its content, different from those taken."""
    text = f"{question.of}/{question.temperature}/{question.max_tokens}/{question.draw}/{question.prompt}"
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
    while number in taken:
        number += 1
    taken.add(number)
    return number
