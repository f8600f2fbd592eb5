"""Runs rewards side by side: those that ask a model yield their questions, which are put together, once a turn.

An *attempt* is one call of a reward. However many rewards and groups there are, each turn asks the bench once, and
equal questions once in all. An attempt that raises has its exception as its result; the others continue.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field

from workbench.types import Asked, Bench, Choose, Problem, Question, Read, Reply, Rollout, Say, Score

TURNS = 32  # most times that an attempt may ask
MOST = 100_000  # questions of an attempt
Attempt = Callable[[], list[Score] | Asked]
Outcome = list[Score] | Exception


@dataclass
class Memo:
    """The replies of one call, so that what was asked is not asked again when a faulty rollout is looked for."""

    bench: Bench | None
    known: dict[Question, Reply] = field(default_factory=dict)

    def ask(self, asked: Sequence[Sequence[Question]]) -> None:
        """Puts the questions of a turn that have no reply yet, all at once."""
        new = dict.fromkeys(each for questions in asked for each in questions if each not in self.known)
        if not new:
            return
        if self.bench is None:
            self.known |= dict.fromkeys(new, Reply(fault="there is no model to ask here"))
            return
        replies = self.bench.ask(list(new))
        self.known |= dict(zip(new, replies, strict=True))


def run(attempts: Sequence[Attempt], memo: Memo) -> list[Outcome]:
    """What every attempt returned, or raised, in order."""
    outcomes: list[Outcome] = [[] for _ in attempts]
    open_: dict[int, tuple[Asked, list[Question]]] = {}
    counts = [0] * len(attempts)
    for place, attempt in enumerate(attempts):
        try:
            found = attempt()
            if isinstance(found, Generator):
                advance(place, found, None, open_, outcomes)
            else:
                outcomes[place] = list(found)
        except Exception as error:  # a reward is anybody's code and may fail in any way; the caller reports it
            outcomes[place] = error
    for turn in range(TURNS + 1):
        for place, (generator, questions) in list(open_.items()):
            counts[place] += len(questions)
            if turn == TURNS or counts[place] > MOST:
                generator.close()
                del open_[place]
                limit = f"{TURNS} times" if turn == TURNS else f"{MOST} questions"
                outcomes[place] = ValueError(f"asks more than {limit}: return the scores")
        if not open_:
            return outcomes
        memo.ask([questions for _, questions in open_.values()])
        for place, (generator, questions) in list(open_.items()):
            del open_[place]
            advance(place, generator, [memo.known[each] for each in questions], open_, outcomes)
    return outcomes


def advance(
    place: int,
    generator: Asked,
    replies: Sequence[Reply] | None,
    open_: dict[int, tuple[Asked, list[Question]]],
    outcomes: list[Outcome],
) -> None:
    """Lets a generator run to its next questions, or to its end."""
    try:
        questions = list(next(generator) if replies is None else generator.send(replies))
        odd = next((each for each in questions if not isinstance(each, Read | Say | Choose)), None)
        if odd is not None:
            raise ValueError(f"yielded {odd!r}: yield a list of Read, Say and Choose")
        open_[place] = (generator, questions)
    except StopIteration as end:
        outcomes[place] = ValueError("returned no scores: end with `return [Score(…), …]`")
        if end.value is not None:
            outcomes[place] = list(end.value)
    except Exception as error:  # as above
        outcomes[place] = error


def bench_of(scorer: Bench | None, name: str) -> Bench:
    """The bench, for a reward that cannot do without; ValueError where there is none."""
    if scorer is None:
        raise ValueError(f"{name} asks a model, and there is none here: score it in a run, or by `workbench reward`")
    return scorer


class ReadsReference:
    """What rewards share that have the policy read the reference after a completion's reasoning."""

    name: str

    @property
    def asks(self) -> frozenset[str]:
        """Whom it asks."""
        return frozenset({"policy"})

    @abstractmethod
    def ask(self, problem: Problem, rollouts: Sequence[Rollout], bench: Bench) -> Asked:
        """The scores, for a problem that has a reference answer."""

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> list[Score] | Asked:
        """Unscored without a reference answer."""
        bench = bench_of(scorer, self.name)
        if not problem.answer.strip():
            return [Score(math.nan, "unscored: the problem has no reference answer") for _ in rollouts]
        return self.ask(problem, rollouts, bench)
