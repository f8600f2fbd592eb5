"""What rewards and controllers work with in a run: the scorer, the cast, and a record of what was asked."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from workbench.training.asking.speaker import ModelSpeaker
from workbench.training.forward import Forward
from workbench.training.sampling import Parts
from workbench.training.scorer import PolicyScorer
from workbench.types import Choose, Encoder, Question, Read, Reply, Rollout, Sampling, Scorer, Speaker
from workbench.types.asking import POLICY, REFERENCE, START, Key

QUESTIONS = "questions"  # the journal
BETWEEN = -1  # the step where none is sampled: of evaluations and exams
LONGEST = 8_000  # characters of a question or reply on record
Recorded = Literal["said", "all", "none"]
Journal = Mapping[str, Sequence[Mapping[str, Any]]]  # lines by the name of their file


@dataclass
class Asking:
    """Satisfies `types.Bench`. `record`: which questions are kept: those that say or choose something, all, or none.

    `lines` are those asked since they were last taken.
    """

    scorer: Scorer
    encoder: Encoder
    cast: Mapping[str, Speaker]
    seed: int = 0
    record: Recorded = "said"
    step: int = BETWEEN
    last: int = 0  # the last step that was sampled
    lines: list[dict[str, Any]] = field(default_factory=list)

    @property
    def own(self) -> ModelSpeaker:
        """The policy."""
        found = self.cast[POLICY]
        assert isinstance(found, ModelSpeaker)
        return found

    @classmethod
    def of(cls, forward: Forward, parts: Parts, sampling: Sampling, record: Recorded) -> "Asking":
        """Of a run: the policy, the reference, and whom else its parts name; `sampling` has seed and stop tokens."""
        scorer, positions = PolicyScorer(forward), positions_of(forward.policy)
        own = ModelSpeaker(POLICY, scorer, parts.encoder, parts.engine, sampling, positions=positions)
        before = {name: replace(own, name=name, engine=None, prefix="ref_") for name in (REFERENCE, START)}
        return cls(scorer, parts.encoder, {**parts.cast, POLICY: own, **before}, sampling.seed, record)

    @contextmanager
    def sampling(self, step: int) -> Iterator[None]:
        """Within it a step is sampled; afterwards, until the next one, that step is evaluated."""
        self.step = self.last = step
        yield
        self.step = BETWEEN

    def score(
        self, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]], signals: Sequence[str]
    ) -> list[dict[str, list[float]]]:
        """For every pair, each signal as a list over the completion's tokens."""
        return self.scorer.score(prompts, answers, signals)

    def uniform(self, key: str) -> float:
        """A number in [0, 1) for every text, keyed by seed and step."""
        return random.Random(f"{self.seed}/{self.step}/reward/{key}").random()

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        """A reply to every question, in order: each member of the cast is asked once, for all that is asked of it."""
        replies: dict[int, Reply] = {}
        for name in dict.fromkeys(question.of for question in questions):
            places = [place for place, question in enumerate(questions) if question.of == name]
            asked = [questions[place] for place in places]
            replies |= dict(zip(places, self.asked(name, asked), strict=True))
        self.note(questions, [replies[place] for place in range(len(questions))])
        return [replies[place] for place in range(len(questions))]

    def asked(self, name: str, questions: Sequence[Question]) -> list[Reply]:
        """The replies of one member."""
        if name not in self.cast:
            fault = f"no member of the cast is called {name!r}; there are: {', '.join(sorted(self.cast))}"
            return [Reply(fault=fault)] * len(questions)
        start = time.perf_counter()
        replies = self.cast[name].answer(questions)
        if len(replies) != len(questions):
            raise ValueError(f"{name} gave {len(replies)} replies to {len(questions)} questions: correct its speaker")
        seconds = time.perf_counter() - start
        return [reply if reply.seconds else replace(reply, seconds=seconds) for reply in replies]

    def note(self, questions: Sequence[Question], replies: Sequence[Reply]) -> None:
        """Keeps what was asked and what came back."""
        if self.record == "none":
            return
        for question, reply in zip(questions, replies, strict=True):
            if self.record == "all" or not isinstance(question, Read) or reply.fault:
                self.lines.append(self.line(question, reply))

    def line(self, question: Question, reply: Reply) -> dict[str, Any]:
        """A question and its reply as plain data; long texts are cut."""
        prompt = question.prompt if isinstance(question.prompt, str) else self.encoder.shown(question.prompt)
        where = "evaluation" if self.step == BETWEEN else "step"
        told: dict[str, Any] = {
            "step": self.last,
            "where": where,
            "of": question.of,
            "kind": type(question).__name__.lower(),
            "asked": short(prompt),
        }
        if isinstance(question, Read):
            given = question.answer
            told["answer"] = short(given if isinstance(given, str) else self.encoder.shown(given))
            told["reply"] = {name: sum(values) / len(values) for name, values in reply.signals.items() if values}
        elif isinstance(question, Choose):
            told |= {"choices": list(question.choices), "reply": list(reply.chosen)}
        else:
            told |= {"temperature": question.temperature, "draw": question.draw, "reply": short(reply.said or "")}
        told |= {"seconds": round(reply.seconds, 6), "cached": reply.cached, "fault": reply.fault}
        return {**told, "rollout": question.about}

    def journal(self, journal: Journal, rollouts: Sequence[Rollout] = ()) -> Journal:
        """A step's journal with the lines since it was last called, each with the number of its rollout among these."""
        rows: dict[Key, int] = {rollout.key: row for row, rollout in enumerate(rollouts)}
        lines, self.lines = self.lines, []
        for line in lines:
            line["rollout"] = rows.get(line["rollout"]) if line["rollout"] and line["where"] == "step" else None
        return {**journal, QUESTIONS: [*journal.get(QUESTIONS, ()), *lines]} if lines else journal


def positions_of(policy: Any) -> int | None:
    """Tokens that a model reads, prompt and completion together; None: not known."""
    found: int | None = getattr(getattr(policy, "config", None), "max_position_embeddings", None)
    return found


def short(text: str) -> str:
    """A text of at most `LONGEST` characters: its beginning and its end."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters … {text[-half:]}"
