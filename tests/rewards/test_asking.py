"""Rewards that ask: their questions are put together, and a fault costs one rollout."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from tests.rewards.reward_examples import make_group
from workbench.kinds import Reward
from workbench.rewards.asking import MOST, TURNS
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_groups
from workbench.types import Asked, Choose, Encoder, Group, Problem, Question, Read, Reply, Rollout, Say, Score


class Table:
    """A bench that answers from a function, and counts."""

    step = 3

    def __init__(self, answer: Callable[[Question], Reply]) -> None:
        self.answer, self.calls = answer, list[list[Question]]()

    @property
    def encoder(self) -> Encoder:
        return cast(Encoder, None)  # no question here is a text

    def score(self, prompts: Any, answers: Any, signals: Any) -> list[dict[str, list[float]]]:
        raise NotImplementedError

    def uniform(self, key: str) -> float:
        return 0.5

    def ask(self, questions: Sequence[Question]) -> list[Reply]:
        self.calls.append(list(questions))
        return [self.answer(question) for question in questions]


@dataclass(frozen=True)
class Asker(Reward):
    """A test's own reward: a function that yields questions."""

    run: Any = None

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Any) -> list[Score] | Asked:
        return self.run(problem, rollouts)  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def _registry_as_before() -> Iterator[None]:
    yield
    Reward.registry.pop("asker", None)


def graded(problem: Problem, rollouts: Sequence[Rollout]) -> Asked:
    """A number that is said of every rollout."""
    replies = yield [Say(f"Grade: {rollout.text}", of="judge") for rollout in rollouts]
    return [Score(float(reply.text)) for reply in replies]


def twice(problem: Problem, rollouts: Sequence[Rollout]) -> Asked:
    """Asks once more, of what was said."""
    replies = yield [Say(f"Grade: {rollout.text}", of="judge") for rollout in rollouts]
    replies = yield [Say(f"Sure of {reply.text}?", of="judge") for reply in replies]
    return [Score(float(reply.text)) for reply in replies]


def said(question: Question) -> Reply:
    """The length of what is asked about; a refusal where that is empty."""
    assert isinstance(question, Say)
    text = question.prompt.partition(": ")[2] or question.prompt
    return Reply(fault="judge: no reply within 1 s") if "silence" in text else Reply(said=str(len(text)))


def test_one_turn_of_questions_for_all_groups_and_rewards() -> None:
    groups = [make_group("a", "bb"), make_group("ccc", "a"), make_group("dd")]
    bench = Table(said)
    parts = [("one", Asker(graded), 1.0), ("two", Asker(twice), 10.0), ("exact", Exact(), 0.0)]
    assert score_groups(parts, [], groups, bench, 64) == []
    assert [len(call) for call in bench.calls] == [4, 3]  # a, bb, ccc and dd are asked once; two turns
    assert [[rollout.parts["one"].value for rollout in group.rollouts] for group in groups] == [
        [1.0, 2.0],
        [3.0, 1.0],
        [2.0],
    ]
    assert groups[0].rollouts[0].reward == 1.0 + 10 * len("Sure of 1?")


def test_equal_questions_are_asked_once() -> None:
    bench = Table(said)
    score_groups([("one", Asker(graded), 1.0)], [], [make_group("a", "a"), make_group("a")], bench, 64)
    assert [len(call) for call in bench.calls] == [1]


def test_a_fault_costs_one_rollout_and_asks_nothing_again() -> None:
    group, other = make_group("a", "silence", "ccc"), make_group("dd")
    bench = Table(said)
    texts = score_groups([("one", Asker(graded), 1.0)], [], [group, other], bench, 64)
    assert [rollout.reward for rollout in group.rollouts] == pytest.approx([1.0, math.nan, 3.0], nan_ok=True)
    assert other.rollouts[0].reward == 2.0
    assert group.rollouts[1].parts["one"].reason == "one raised UnansweredError: judge: no reply within 1 s"
    assert len(texts) == 1
    assert sum(len(call) for call in bench.calls) == 4


def test_a_comparison_is_made_again_without_the_faulty_rollout() -> None:
    def compared(problem: Problem, rollouts: Sequence[Rollout]) -> Asked:
        replies = yield [Say(f"Grade: {rollout.text}", of="judge") for rollout in rollouts]
        mean = sum(float(reply.text) for reply in replies) / len(replies)
        return [Score(float(reply.text) - mean) for reply in replies]

    group = make_group("a", "silence", "ccc")
    score_groups([("one", Asker(compared), 1.0)], [], [group], Table(said), 64)
    assert [rollout.reward for rollout in group.rollouts] == pytest.approx([-1.0, math.nan, 1.0], nan_ok=True)


def forever(problem: Problem, rollouts: Sequence[Rollout]) -> Asked:
    """Asks and asks."""
    turn = 0
    while True:
        turn += 1
        yield [Say(f"turn {turn}")]


def flood(problem: Problem, rollouts: Sequence[Rollout]) -> Asked:
    """Asks too much at once."""
    yield [Say("again")] * (MOST + 1)
    return [Score(0.0)]


def no_scores(problem: Problem, rollouts: Sequence[Rollout]) -> Any:
    """Returns nothing."""
    yield [Say("x")]


def no_question(problem: Problem, rollouts: Sequence[Rollout]) -> Any:
    """Yields what is no question."""
    yield ["who?"]


def too_few(problem: Problem, rollouts: Sequence[Rollout]) -> Asked:
    """Returns a score too many."""
    yield []
    return [Score(0.0)] * 2


BROKEN = [
    (forever, f"asks more than {TURNS} times"),
    (flood, f"asks more than {MOST} questions"),
    (no_scores, "returned no scores"),
    (no_question, "yielded 'who?': yield a list of Read, Say and Choose"),
    (too_few, "2 scores for 1 rollouts"),
]


@pytest.mark.parametrize(("reward", "told"), BROKEN, ids=[told for _, told in BROKEN])
def test_what_a_generator_must_not_do(reward: Any, told: str) -> None:
    group = make_group("a")
    texts = score_groups([("one", Asker(reward), 1.0)], [], [group], Table(lambda question: Reply(said="1")), 64)
    assert told in texts[0]
    assert math.isnan(group.rollouts[0].reward)


def test_without_a_model_it_is_unscored_with_the_reason() -> None:
    group = make_group("a")
    texts = score_groups([("one", Asker(graded), 1.0)], [], [group], None, 64)
    assert "there is no model to ask here" in texts[0]


def test_a_reply_is_read_for_what_it_is() -> None:
    read = Reply(signals={"logprob": (-1.0, -2.0)})
    assert read.logprobs == read["logprob"] == (-1.0, -2.0)
    assert Reply(chosen=(-0.5, -1.5)).logprobs == (-0.5, -1.5)
    for wrong in (lambda: read.text, lambda: read["entropy"], lambda: Reply(fault="gone").logprobs):
        with pytest.raises(ValueError, match=r"nothing was said|was not read|gone"):
            wrong()


def test_the_rollout_that_is_asked_about_is_no_part_of_the_question() -> None:
    assert Say("a", about=(1, 2)) == Say("a")
    assert {Read("a", "b"), Read("a", "b", about=(0, 0)), Choose("a", ("b",))} == {Choose("a", ("b",)), Read("a", "b")}


def test_groups_in_turn_are_scored_as_all_at_once() -> None:
    def values(groups: list[Group]) -> list[float]:
        return [rollout.reward for group in groups for rollout in group.rollouts]

    together, apart = ([make_group("a", "bb"), make_group("ccc", "silence")] for _ in range(2))
    parts = [("one", Asker(twice), 1.0)]
    score_groups(parts, [], together, Table(said), 64)
    for group in apart:
        score_groups(parts, [], [group], Table(said), 64)
    assert values(together) == pytest.approx(values(apart), nan_ok=True)
