"""Rewards that ask, in a trainer: one pass of the model a round, the reference, and the record of what was asked."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.kinds import Reward
from workbench.rewards.asking import bench_of
from workbench.rewards.scoring import score_groups
from workbench.training.scorer import PolicyScorer
from workbench.types import Asked, Bench, Choose, Group, Problem, Read, Reply, Rollout, Say, Score


@dataclass(frozen=True)
class Liked(Reward):
    """How likely one thinks the completion's own tokens."""

    of: str = "policy"

    @property
    def asks(self) -> frozenset[str]:
        return frozenset({self.of})

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        bench_of(scorer, self.name)
        replies = yield [Read(each.request.prompt, tuple(each.tokens), of=self.of, about=each.key) for each in rollouts]
        return [Score(sum(reply.logprobs) / len(reply.logprobs)) for reply in replies]


@dataclass(frozen=True)
class Talked(Reward):
    """What the policy says and chooses, once for a problem."""

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Bench | None) -> Asked:
        question = f"{problem.prompt}?"
        replies = yield [Say(question, max_tokens=4, temperature=1.0), Choose(question, ("yes", "no"))]
        return [Score(float(len(replies[0].text)) + replies[1].logprobs[0]) for _ in rollouts]


@pytest.fixture(autouse=True)
def _registry_as_before() -> Iterator[None]:
    yield
    for name in ("liked", "talked"):
        Reward.registry.pop(name, None)


def asked_by(rewards: Sequence[tuple[str, Reward, float]], **tables: Any) -> Any:
    """A trainer whose rewards ask."""
    trainer = make_trainer("grpo", make_settings(training={"steps": 1}, **tables))

    def scored(groups: Sequence[Group]) -> list[str]:
        return score_groups(rewards, (), groups, trainer.parts.scorer, 5)

    trainer.parts.score = scored
    return trainer


def test_one_pass_a_round_whatever_the_rewards_and_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    passes: Counter[str] = Counter()
    plain = PolicyScorer.score

    def counted(self: PolicyScorer, prompts: Any, answers: Any, signals: Any) -> Any:
        passes[signals[0]] += 1
        return plain(self, prompts, answers, signals)

    monkeypatch.setattr(PolicyScorer, "score", counted)
    trainer = asked_by([("one", Liked(), 1.0), ("two", Liked(), 0.5), ("base", Liked("reference"), 1.0)])
    trainer.policy.keep_reference()
    step = next(iter(trainer))
    assert passes == {"logprob": 1, "ref_logprob": 1}
    own = [rollout["parts"] for rollout in rows(step)]
    assert all(abs(parts[0]["value"] - parts[2]["value"]) < 1e-5 for parts in own)  # before the first update


def rows(step: Any) -> list[dict[str, Any]]:
    """The rollouts of a step."""
    count = len(step.columns["reward"])
    return [{name: step.columns[name][row] for name in ("parts", "text", "reward")} for row in range(count)]


def test_what_is_read_is_what_the_engine_wrote() -> None:
    trainer = asked_by([("one", Liked(), 1.0)])
    step = next(iter(trainer))
    bounds = step.columns["offsets"]
    for row, rollout in enumerate(rows(step)):
        own = step.columns["engine_logprob"][bounds[row] : bounds[row + 1]]
        assert rollout["reward"] == pytest.approx(float(own.mean()), abs=1e-4)


def test_without_a_reference_the_rollouts_are_unscored_with_the_reason() -> None:
    trainer = asked_by([("base", Liked("reference"), 1.0)])
    sampled = trainer.sample(1, __import__("workbench.training.sampling", fromlist=["Clock"]).Clock())
    assert all("there is no reference" in rollout.parts["base"].reason for rollout in sampled.rollouts)


def test_what_was_said_and_chosen_is_on_record_and_the_same_again() -> None:
    first, again = (next(iter(asked_by([("talk", Talked(), 1.0)]))) for _ in range(2))
    lines = first.journal["questions"]
    assert Counter(line["kind"] for line in lines) == {"say": 4, "choose": 4}
    assert {line["where"] for line in lines} == {"step"}
    assert all(line["of"] == "policy" and line["seconds"] > 0 and not line["fault"] for line in lines)
    plain = [[{**line, "seconds": 0} for line in step.journal["questions"]] for step in (first, again)]
    assert plain[0] == plain[1]


def test_reads_are_on_record_where_asked_for_with_their_rollout() -> None:
    step = next(iter(asked_by([("one", Liked(), 1.0)], record={"questions": "all"})))
    lines = step.journal["questions"]
    assert {line["rollout"] for line in lines} <= set(range(16))
    found = {line["rollout"]: line["reply"]["logprob"] for line in lines}
    assert all(rows(step)[row]["reward"] == pytest.approx(value) for row, value in found.items())
    assert "questions" not in next(iter(asked_by([("one", Liked(), 1.0)], record={"questions": "none"}))).journal


def test_an_evaluation_asks_too() -> None:
    trainer = asked_by([("talk", Talked(), 1.0)], evaluation={"problems": 2, "every": 1, "probes": 0})
    steps = list(trainer)
    where = [[line["where"] for line in step.journal.get("questions", ())] for step in steps]
    assert where == [["evaluation"] * 4, ["step"] * 8 + ["evaluation"] * 4]


def test_who_is_asked_in_vain_says_so() -> None:
    bench = make_trainer("grpo", policy=tiny_policy()).bench
    too_long = "word " * 4000
    questions = [
        Say("hello", of="judge"),
        Say("hello", of="reference"),
        Read((1, 2), (3,), ("old_logprob",)),
        Read((1, 2), (3,), ("nothing",)),
        Read((1, 2), ()),
        Say(too_long),
        Read((1, 2), (3,)),
    ]
    faults = [reply.fault for reply in bench.ask(questions)]
    told = ["no member of the cast is called 'judge'", "reference reads and cannot write", "cannot read 'old_logprob'"]
    told += ["cannot read 'nothing'", "there is no token in what is to be read", "positions"]
    assert all(text in fault for text, fault in zip(told, faults, strict=False)), faults
    assert faults[-1] == ""


def test_a_question_has_the_same_reply_whatever_is_asked_beside_it() -> None:
    bench = make_trainer("grpo", policy=tiny_policy()).bench
    asked = Say("2 + 2", max_tokens=6, temperature=1.0)
    alone = bench.ask([asked])[0]
    among = bench.ask(
        [Say("3 + 1", temperature=1.0), Say("4 + 4"), asked, Say("2 + 2", max_tokens=6, temperature=1.0, draw=1)]
    )
    assert among[2].text == alone.text
    assert among[3].text != alone.text


def test_choices_are_summed_over_their_tokens() -> None:
    trainer = make_trainer("grpo", policy=tiny_policy())
    reply = trainer.bench.ask([Choose("2 + 2", ("yes", "no no"))])[0]
    encoder = trainer.parts.encoder
    read = trainer.bench.score([encoder.prompt("2 + 2")], [encoder.answer("no no")], ["logprob"])[0]["logprob"]
    assert reply.logprobs[1] == pytest.approx(sum(read))
    assert isinstance(reply, Reply)
    assert torch.tensor(reply.logprobs).isfinite().all()
