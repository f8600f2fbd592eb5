"""MQR: four wordings for every question, each with its answer; written by the policy and checked."""

import random
import re
from collections import Counter
from dataclasses import replace

import pytest

from tests.methods.rounds import make_round, scored
from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.engines.scripted import ScriptedEngine
from workbench.kinds import Past
from workbench.methods.mqr import (
    RULES,
    SOURCE,
    TRY,
    WRITE,
    AskReformulations,
    KeepReformulations,
    ReformulateByRule,
    part,
    term,
)
from workbench.registry import find_method
from workbench.tasks.sums import Sums
from workbench.types import Group
from workbench.types.memory import Ledger, Stock


def uniform(index: int) -> float:
    return random.Random(f"draw/{index}").random()


def past(groups: list[Group], stock: Stock) -> Past:
    return Past(1, groups, Ledger(), stock, uniform)


def question(number: int, prompt: str) -> Group:
    """A group of a question."""
    group = scored(number, [1.0, 0.0])
    group.problem = replace(group.problem, prompt=prompt)
    return group


def test_three_questions_become_twelve() -> None:
    groups = [question(n, f"What is {n + 2} + {n + 30}?") for n in range(3)]
    stock = Stock()
    made, _ = ReformulateByRule()({}, past(groups, stock))
    lines, faults = stock.lines(made, 1)
    assert (len(lines), faults) == (9, [])
    assert Counter(each.key.split("/")[0] for each in made) == {"p0": 3, "p1": 3, "p2": 3}
    assert {each.answer for each in made} == {"4"}
    assert len({each.prompt for each in made} | {group.problem.prompt for group in groups}) == 12
    for line in lines:
        stock.take(line)
    assert ReformulateByRule()({}, past(groups, stock))[0] == []  # each question once
    again = [replace(group, problem=made[0]) for group in groups]
    assert ReformulateByRule()({}, past(again, Stock()))[0] == []  # and no wording of a wording


@pytest.mark.parametrize("seed", range(40))
def test_a_replaced_number_has_the_same_value(seed: int) -> None:
    def draw(place: int) -> float:
        return random.Random(f"{seed}/{place}").random()

    value = re.compile(r"\((\d+) ([+-]) (\d+)\)")
    text = part("From 17 apples take 0 and 208.", draw)
    found = value.search(text)
    assert found is not None
    left, sign, right = int(found[1]), found[2], int(found[3])
    total = left + right if sign == "+" else left - right
    assert text.replace(found[0], str(total)) == "From 17 apples take 0 and 208."
    worded = re.fullmatch(r"A (\w+) is the number (\d+)\. (.*)", term("From 17 apples take 0 and 208.", draw))
    assert worded is not None
    assert worded[3].replace(f"(one {worded[1]})", worded[2]) == "From 17 apples take 0 and 208."


def test_without_a_whole_number_only_the_story_is_there() -> None:
    plain = "Which is red, at 10:30, v2 or 3.5?"
    assert [bool(rule(plain, uniform)) for rule in RULES.values()] == [True, False, False]
    made, _ = ReformulateByRule()({}, past([question(0, plain)], Stock()))
    assert [each.key for each in made] == ["p0/background"]


def test_the_policy_writes_and_a_wording_without_the_answer_is_not_kept() -> None:
    task, policy = Sums(level=1), tiny_policy()
    first = task.problem(0, "train")
    good = f"answer: {first.answer}"
    answers = {
        first.key: [good, "answer: x"],
        f"{first.key}/background": ["<problem>one more</problem>"],
        f"{first.key}/term": ["<problem>never</problem>"],
        f"{first.key}/part": ["no marks"],
    }

    class Engine(ScriptedEngine):
        """Answers a wording by its text, since it has the key of the request that wrote it."""

        def write(self, job, sampling):  # type: ignore[no-untyped-def]
            if job.request.role == TRY:
                known = self.answers[job.request.problem.key]
                kept = [good, "answer: x"] if "one more" in job.request.problem.prompt else ["answer: x"]
                self.answers[job.request.problem.key] = kept
                super().write(job, sampling)
                self.answers[job.request.problem.key] = known
            else:
                super().write(job, sampling)

    settings = make_settings(
        rollouts={"problems": 1, "rollouts": 4, "max_tokens": 60}, training={"steps": 1, "mismatch_limit": 0.0}
    )
    controller = AskReformulations(wording="{question}!")
    run = make_trainer(
        find_method("mqr_model"), settings, policy, engine=Engine(policy.encoder, answers), controller=controller
    )
    (step,) = list(run)
    assert step.columns is not None
    assert Counter(step.columns["role"]) == {"": 4, WRITE: 3, TRY: 8}
    # the reward of these small runs says that every second rollout is correct, whatever it says
    assert [(each.key, each.answer, each.source) for each in run.parts.stock] == [
        (f"{first.key}/background", first.answer, SOURCE),
        (f"{first.key}/term", first.answer, SOURCE),
    ]


def test_only_wordings_whose_answer_was_found_are_kept() -> None:
    groups = [scored(n, values) for n, values in enumerate([[1.0, 0.0, 0.0, 0.0], [0.0] * 4])]
    for group in groups:
        for rollout in group.rollouts:
            rollout.request = replace(rollout.request, role=TRY)
    assert [each.key for each in KeepReformulations()({}, past(groups, Stock()))[0]] == ["p0"]
    assert AskReformulations()({}, make_round(2, groups)).requests == []
