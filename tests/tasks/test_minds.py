"""Beliefs: the solver against a second one over every short history; families with answers that were thought out."""

from collections.abc import Iterator, Sequence

import pytest

from tests.exams.test_exams import make_rollout
from workbench.exams.minds import Minds as MindsExam
from workbench.problems.minds import Event, after, possible
from workbench.rewards.exact import Exact
from workbench.rewards.scoring import score_group
from workbench.tasks.minds import ALTERATIONS, Minds
from workbench.types import Group

PEOPLE, BOXES = ("a", "b"), ("x", "y")


def histories(length: int, glass: bool, events: tuple[Event, ...] = ()) -> Iterator[tuple[Event, ...]]:
    """Every history of so many events."""
    yield events
    if length:
        for event in possible(after(PEOPLE, events, glass=glass), BOXES):
            yield from histories(length - 1, glass, (*events, event))


def replayed(chain: Sequence[str], events: Sequence[Event], glass: bool) -> str | None:
    """The same by another way: the last sight or word that everyone in the chain had, each knowing it of the next.

    Presence is found anew for every event by counting back; nothing is carried along.
    """
    for time in range(len(events) - 1, -1, -1):
        event = events[time]
        if event.kind == "tell" and {event.who, event.whom} >= set(chain):
            return replayed((event.who,), events[:time], glass)
        shown = event.kind == "put" or (event.kind == "enter" and glass)
        if shown and perceives(chain, events[: time + 1]):
            places = [one.place for one in events[: time + 1] if one.kind == "put"]
            if places:
                return places[-1]
    return None


def perceives(chain: Sequence[str], events: Sequence[Event]) -> bool:
    """Whether the first in the chain is in the room or watches, and all the others are in the room."""
    first, *others = chain
    return state(first, events) in ("in", "watching") and all(state(other, events) == "in" for other in others)


def state(person: str, events: Sequence[Event]) -> str:
    """Where a person is, by the last own step."""
    own = [event.kind for event in events if event.who == person and event.kind in ("leave", "enter", "watch")]
    return {"leave": "out", "enter": "in", "watch": "watching"}[own[-1]] if own else "in"


@pytest.mark.parametrize("glass", [False, True])
def test_every_short_history_has_the_beliefs_of_a_second_solver(glass: bool) -> None:
    count = 0
    for events in histories(4, glass):
        room = after(PEOPLE, events, glass=glass)
        for chain in (("a",), ("b",), ("a", "b"), ("b", "a")):
            assert room.belief(*chain) == replayed(chain, events, glass), (chain, events)
            count += 1
    assert count > 5_000


#: Worked out by reading the stories: the place where the thing was first, or the one it was moved to.
EXPECTED = {
    "plain": "first", "glass": "second", "informed": "second", "watching": "second", "deceived": "first",
    "returned": "first", "stayed": "second", "mover": "second", "second_order": "first", "distracted": "first",
    "real": "second",
}  # fmt: skip


def test_the_answers_of_a_family_are_those_of_a_careful_reader() -> None:
    assert set(EXPECTED) == set(ALTERATIONS)
    for family in range(40):
        problems = [Minds(seed=1).problem(family * len(ALTERATIONS) + place, "test") for place in range(11)]
        assert len({problem.data["family"] for problem in problems}) == 1
        first, second = problems[0].answer, next(p for p in problems if p.data["alteration"] == "real").answer
        assert first != second
        for problem in problems:
            expected = {"first": first, "second": second}[EXPECTED[str(problem.data["alteration"])]]
            assert problem.answer == expected, problem.prompt
            assert {first, second} < set(problem.data["places"])


def test_no_answer_wins_a_family() -> None:
    """Who always says the first place, or always the last one named, is right in some stories and in no family."""
    for place in (0, 1, 2):
        groups = []
        for number in range(110):
            problem = Minds().problem(number, "test")
            group = Group(number, problem, [make_rollout(f"answer: {problem.data['places'][place]}")])
            score_group([("exact", Exact(), 1.0)], (), group, None, 10)
            groups.append(group)
        found = MindsExam().measures(groups, None)
        assert max(found["strict"]) == 0
        assert 0 < sum(found["loose"]) / len(found["loose"]) < 0.6


def test_measures_by_hand() -> None:
    groups = []
    for number in range(22):  # the usual story by heart: always where the thing was first
        problem = Minds().problem(number, "test")
        usual = Minds().problem(number - number % 11, "test").answer
        group = Group(number, problem, [make_rollout(f"answer: {usual}"), make_rollout(f"answer: {problem.answer}")])
        score_group([("exact", Exact(), 1.0)], (), group, None, 10)
        groups.append(group)
    found = MindsExam().measures(groups, None)
    assert found["first"] == [1.0, 1.0]
    assert found["strict"] == [0.5**6, 0.5**6]  # six of eleven answers are the other place
    assert found["glass"] == [0.5, 0.5]
    assert found["drop"] == pytest.approx([1 - (4 + 6 * 0.5) / 10] * 2)
    assert "drop" not in MindsExam().measures(groups[:1], None)


@pytest.mark.parametrize("said", ["basket or box", "not the {x}", "{x} and {y}", "", "the container"])
def test_hedged_answers_are_incorrect(said: str) -> None:
    problem = Minds().problem(0, "test")
    x, y, _ = (problem.answer, *[place for place in problem.data["places"] if place != problem.answer])
    rollout = make_rollout("answer: " + said.format(x=x, y=y))
    assert Exact()(problem, [rollout], None)[0].correct is False
    assert Exact()(problem, [make_rollout(f"answer: the {x}")], None)[0].correct in (True, False)
    assert Exact()(problem, [make_rollout(f"answer: {x.upper()}.")], None)[0].correct


def test_what_cannot_happen_is_refused() -> None:
    for event in (Event("enter", "a"), Event("put", "c", "x"), Event("tell", "a", whom="b"), Event("watch", "a")):
        with pytest.raises(ValueError, match=r"can neither|nobody"):
            after(PEOPLE, [event])
