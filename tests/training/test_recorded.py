"""What a step records beside its signals: what the method was told, who was left out, and what the update did."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training.small_runs import make_settings, make_trainer, tiny_policy
from workbench.engines.local.engine import LocalEngine
from workbench.kinds import Filter, Reward, Verdict, WeightEdit
from workbench.method import derive
from workbench.pieces.correction import Truncated
from workbench.registry import find_method
from workbench.runs.directory.record import rollout_table
from workbench.runs.replay import Replay
from workbench.training.assemble import Scale
from workbench.training.step import MISMATCH, Learned, Step
from workbench.training.watching.metrics import token_metrics
from workbench.types import AXES, Group, Problem, Request, Rollout, Row, Sampling, Score, Scorer, State

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
GRPO = find_method("grpo")
FACTS = {"off_policy", "behaviour_logprob", "span", "stored_advantage", "token_reward", "tag_number"}
ONE = {"steps": 1, "learning_rate": 1e-2}


def first_step(method: Any, **changes: Any) -> Step:
    """The first step of a run."""
    return next(iter(make_trainer(method, make_settings(**{"training": ONE, **changes}))))


def columns_of(step: Step) -> dict[str, Any]:
    """What it recorded."""
    assert step.columns is not None
    return step.columns


# ------------------------------------------------------------------------------------------- facts


def test_what_the_method_was_not_told_is_null() -> None:
    columns = columns_of(first_step("grpo"))
    assert not (FACTS | {"engine_top_ids"}) & columns.keys()
    table = rollout_table(columns)
    for name in FACTS:
        assert table.column(name).null_count == table.num_rows, name
    assert columns["length"] == [float(length) for length in np.diff(columns["offsets"])]
    assert columns["truncated"] == [float(finish == "length") for finish in columns["finish"]]


@dataclass(frozen=True)
class Helped(Reward):
    """Every second rollout is right, and every one that was helped."""

    def __call__(self, problem: Problem, rollouts: Sequence[Rollout], scorer: Scorer | None) -> list[Score]:
        found = [rollout.index % 2 == 1 or rollout.request.tag != "" for rollout in rollouts]
        return [Score(float(right), correct=right) for right in found]


def test_who_wrote_a_token_is_recorded_as_the_method_was_told() -> None:
    columns = columns_of(next(iter(make_trainer("icpo", make_settings(training=ONE), reward=Helped()))))
    foreign = np.repeat([tag != "" for tag in columns["tag"]], np.diff(columns["offsets"]))
    assert 0 < foreign.sum() < len(foreign)
    np.testing.assert_array_equal(columns["off_policy"], foreign)
    np.testing.assert_array_equal(columns["behaviour_logprob"], columns["engine_logprob"])


@pytest.mark.parametrize("key", ["icpo", "ssb", "cepo", "temporal_schedule"])
def test_the_recorded_lens_can_be_had_again(key: str) -> None:
    """Of methods with foreign rows, with contexts, and with signals of the sampling policy."""
    method = find_method(key)
    trainer = make_trainer(method, make_settings(training=ONE), reward=Helped())
    table = rollout_table(columns_of(next(iter(trainer))))
    kept = table.column("lens").combine_chunks().flatten().to_numpy()
    found = Replay.of_table(table, Scale(1, 1, 5, 1.0)).push(method)
    assert np.nanmax(np.abs(kept)) > 0
    np.testing.assert_allclose(found, kept, atol=1e-4 * np.nanmax(np.abs(kept)))


def test_what_the_sampling_policy_was_asked_is_kept_where_several_updates_are_made() -> None:
    columns = columns_of(first_step("steer", training={**ONE, "updates": 2}))
    assert np.isfinite(columns["old_entropy"]).all()
    assert (np.abs(columns["old_entropy"] - columns["entropy"]) > 1e-6).any()
    assert "old_entropy" not in columns_of(first_step("grpo", training={**ONE, "updates": 2}))


def test_every_column_of_a_fact_is_named_as_the_batch_names_it() -> None:
    assert FACTS - {"tag_number"} <= AXES.keys()


# ---------------------------------------------------------------------------------------- left out


@dataclass(frozen=True)
class Even(Filter):
    """Keeps every second group."""

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        return ["drop" if group.number % 2 else "keep" for group in groups]


@dataclass(frozen=True)
class Nobody(Filter):
    """Keeps no group."""

    def __call__(self, state: State, groups: Sequence[Group]) -> list[Verdict]:
        return ["drop" for _ in groups]


def test_a_group_that_was_filtered_out_is_told_from_one_that_was_trained() -> None:
    columns = columns_of(first_step(derive(GRPO, **TEXTS, filters=(Even(),))))
    assert columns["excluded"] == [None if group % 2 == 0 else "filtered" for group in columns["group"]]
    trained = np.repeat([group % 2 == 0 for group in columns["group"]], np.diff(columns["offsets"]))
    np.testing.assert_array_equal(columns["trained"], trained)
    np.testing.assert_array_equal(np.isnan(columns["logprob"]), ~trained)


@dataclass(frozen=True)
class Counted(WeightEdit):
    """Counts the steps it saw."""

    def init(self) -> State:
        return {"seen": 0}

    def __call__(self, state: State, weights: Any, step: int) -> tuple[Any, State]:
        return {}, {"seen": state["seen"] + 1}


def test_weights_are_edited_after_a_step_with_nothing_to_learn_from_too() -> None:
    method = derive(GRPO, **TEXTS, filters=(Nobody(),), edits=(Counted(),))
    trainer = make_trainer(method)
    steps = list(trainer)
    assert trainer.states["edits.0"] == {"seen": len(steps)}
    assert columns_of(steps[0])["excluded"] == ["filtered"] * 16


# ------------------------------------------------------------------------------- what the update did


def test_the_first_groups_are_scored_again_after_the_updates() -> None:
    training = {**ONE, "updates": 2, "micro_batch": 64}
    trainer = make_trainer("grpo", make_settings(training=training, record={"after": 2}))
    columns = columns_of(next(iter(trainer)))
    offsets = columns["offsets"]
    inside = np.arange(offsets[-1]) < offsets[8]
    np.testing.assert_array_equal(np.isnan(columns["after_logprob"]), ~inside)
    rows = [
        Row(columns["prompt_ids"][row], columns["token_ids"][offsets[row] : offsets[row + 1]].tolist())
        for row in range(8)
    ]
    now = trainer.learner.forward.read_all(rows, ["logprob"])["logprob"]
    lengths = np.diff(offsets)[:8]
    found = np.concatenate([now[row, :length].numpy() for row, length in enumerate(lengths)])
    np.testing.assert_allclose(columns["after_logprob"][inside], found, atol=1e-6)
    moved = (columns["after_logprob"] - columns["logprob"])[inside]
    assert np.corrcoef(moved, columns["lens"][inside])[0, 1] > 0.5  # a step goes where the lens points
    assert "after_logprob" not in columns_of(first_step("grpo"))


def spied(trainer: Any) -> list[set[str]]:
    """The names of every pass with gradient from now on."""
    seen: list[set[str]] = []
    read = trainer.learner.forward.read

    def spy(rows: Any, names: Any, gradient: Any = (), **more: Any) -> dict[str, Tensor]:
        if gradient:
            seen.append(set(names))
        return read(rows, names, gradient, **more)

    trainer.learner.forward.read = spy
    return seen


def test_what_is_recorded_is_read_in_the_last_pass_alone() -> None:
    training = {"steps": 1, "learning_rate": 1e-2, "epochs": 3, "micro_batch": 10**6}
    trainer = make_trainer("grpo", make_settings(training=training))
    seen = spied(trainer)
    columns = columns_of(next(iter(trainer)))
    assert seen[:2] == [{"logprob"}, {"logprob"}]
    assert {"logprob", "entropy", "top_ids"} <= seen[2]
    assert np.isfinite(columns["max_prob"]).all()


def test_what_is_not_recorded_is_not_read() -> None:
    trainer = make_trainer("grpo", make_settings(record={"every": 2}))
    seen = spied(trainer)
    steps = list(trainer)
    assert [step.columns is None for step in steps] == [True, False]
    assert seen[0] == {"logprob", "entropy"}
    assert "max_prob" in seen[-1]
    assert math.isfinite(steps[0].metrics["entropy"])


# -------------------------------------------------------------------------- the engine's alternatives


class Talkative(LocalEngine):
    """Tells the likeliest tokens of every place as well."""

    told = 3

    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        rollouts = super().generate(requests, sampling, pruner)
        for rollout in rollouts:
            rollout.extras["engine_top_ids"] = [list(range(self.told))] * len(rollout.tokens)
            rollout.extras["engine_top_logprobs"] = [[-1.0] * self.told] * len(rollout.tokens)
        return rollouts


@pytest.mark.parametrize("told", [3, 20])
def test_what_the_engine_told_of_other_tokens_is_recorded(told: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Talkative, "told", told)
    policy = tiny_policy()
    trainer = make_trainer("grpo", make_settings(training=ONE), policy, engine=Talkative(policy, decoder="modules"))
    table = rollout_table(columns_of(next(iter(trainer))))
    first = table["engine_top_ids"][0].as_py()
    assert first[:5] == ([0, 1, 2, -1, -1] if told == 3 else [0, 1, 2, 3, 4])
    assert len(first) == 5 * len(table["token_ids"][0].as_py())
    assert table["engine_top_logprobs"][0].as_py()[0] == -1.0


# ------------------------------------------------------------------------------------------ the gap


class Deaf(LocalEngine):
    """Says that every token was `shift` nats likelier than it was."""

    shift = 0.8

    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        rollouts = super().generate(requests, sampling, pruner)
        for rollout in rollouts:
            rollout.engine_logprob = [value + self.shift for value in rollout.engine_logprob]
        return rollouts


def deaf(method: Any = GRPO, **training: Any) -> Any:
    """A trainer with such an engine."""
    policy = tiny_policy()
    engine = Deaf(policy, concurrent=16, decoder="modules")
    return make_trainer(method, make_settings(training={**ONE, **training}), policy, engine=engine)


def test_an_engine_that_is_too_far_off_stops_the_run() -> None:
    with pytest.raises(ValueError, match=r"differ by 0\.8 nats .* training.mismatch_limit = 0\.5 allows: .*, or raise"):
        next(iter(deaf()))
    for limit in (0.0, 1.0):
        metrics = next(iter(deaf(mismatch_limit=limit))).metrics
        assert metrics["mismatch_mean"] == pytest.approx(0.8, abs=1e-4)
        assert metrics["mismatch_kl"] == pytest.approx(math.exp(-0.8) - 1 + 0.8, abs=1e-4)


def test_the_correction_weighs_what_such_an_engine_drew() -> None:
    method = dataclasses.replace(GRPO, correction=Truncated())
    plain, weighed = (columns_of(next(iter(deaf(item, mismatch_limit=0)))) for item in (GRPO, method))
    np.testing.assert_allclose(weighed["lens"], plain["lens"] * math.exp(-0.8), rtol=1e-3, atol=1e-7)


def test_the_mismatch_by_hand() -> None:
    """|gap| 0.5, 1.5, 0; k3 is e^-0.5 - 0.5, e^1.5 - 2.5, 0. One token is not known."""
    gap = torch.tensor([[0.5, -1.5, 0.0, math.nan]])
    zeros = torch.zeros(1, 4)
    learned = Learned([], {MISMATCH: gap, "advantage": zeros}, mask=torch.ones(1, 4, dtype=torch.bool))
    found = token_metrics(learned)
    assert found["mismatch_mean"] == pytest.approx(2 / 3)
    assert found["mismatch_p99"] == pytest.approx(0.5)
    expected = (math.exp(-0.5) - 0.5 + math.exp(1.5) - 2.5) / 3
    assert found["mismatch_kl"] == pytest.approx(expected)
