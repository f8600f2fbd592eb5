"""A fact that a piece brings: from the extras of a rollout into batch, record, replay and lens, with no list edited."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.small_runs import make_settings, make_trainer
from workbench.descriptions import DESCRIPTIONS
from workbench.kinds import Advantage, Controller, Orders, Round
from workbench.method import Method, advantages, carries_gradient, derive, lens
from workbench.pieces.advantage import GroupZ
from workbench.registry import find_method
from workbench.runs.directory.record import COLUMNS, rollout_table
from workbench.runs.replay import Replay
from workbench.training.assemble import Scale
from workbench.training.step import Step
from workbench.types import AXES, FACTS, OWNERS, Batch, Fact, PerToken, State, axes
from workbench.types.facts import RESERVED

TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
WEIGHT = Fact("keep_weight", missing=1.0, help="How much the rollout counts.")
PLACE = Fact("place_in_text", "token", missing=-1.0, help="Where in the completion a token stands.")


@dataclass(frozen=True)
class Weighing(Controller):
    """Gives every second rollout a weight of its own, and each of its tokens a place."""

    facts = (WEIGHT, PLACE)
    weight: float = 3.0
    places: int = 0  # further places, one too many each

    def __call__(self, state: State, round: Round) -> Orders:
        for group in round.groups:
            for rollout in group.rollouts[1::2]:
                rollout.extras["keep_weight"] = self.weight
                rollout.extras["place_in_text"] = [float(n) for n in range(len(rollout.tokens) + self.places)]
        return Orders(state=state)


@dataclass(frozen=True)
class Weighed(Advantage):
    """GRPO's advantage, times the weight; tokens without a place count as they are."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"keep_weight", "place_in_text"})

    def __call__(self, batch: Batch) -> PerToken:
        share = 1 + batch["place_in_text"].clamp(min=0.0)
        return GroupZ()(batch) * batch["keep_weight"][:, None] * share


@pytest.fixture(autouse=True)
def forgotten_facts() -> Iterator[None]:
    """Facts and pieces that a test declares are gone after it."""
    tables: tuple[dict[str, Any], ...] = (FACTS, AXES, OWNERS, DESCRIPTIONS, Controller.registry)
    before = [dict(table) for table in tables]
    yield
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.update(old)


def method(**fields: Any) -> Method:
    """GRPO with the two pieces above."""
    return derive(find_method("grpo"), **TEXTS, advantage=Weighed(), controller=Weighing(**fields), regularisers=())


def first_step(chosen: Method) -> Step:
    """The first step of a small run."""
    return next(iter(make_trainer(chosen, make_settings(training={"steps": 1, "learning_rate": 1e-2}))))


def test_a_fact_reaches_record_replay_and_lens() -> None:
    step = first_step(method())
    assert step.columns is not None
    assert step.columns["keep_weight"] == [1.0, 3.0] * 8
    table = rollout_table(step.columns)
    assert table.column("keep_weight").to_pylist() == [1.0, 3.0] * 8
    tokens = np.diff(step.columns["offsets"]).tolist()
    expected = [list(range(count)) if row % 2 else [-1] * count for row, count in enumerate(tokens)]
    assert table.column("place_in_text").to_pylist() == expected
    replay = Replay.of_table(table, Scale(1, 1, 5, 1.0))
    assert replay.batch["keep_weight"].tolist() == [1.0, 3.0] * 8
    recorded = table.column("lens").combine_chunks().flatten().to_numpy()
    assert np.nanmax(np.abs(recorded)) > 0
    np.testing.assert_allclose(replay.push(method()), recorded, atol=1e-5)
    plain = replay.push(derive(method(), **TEXTS, advantage=GroupZ()))
    heavy = np.repeat([row % 2 == 1 for row in range(16)], tokens) & (np.abs(plain) > 1e-9)
    first = np.concatenate([np.arange(count) == 0 for count in tokens])
    np.testing.assert_allclose((recorded / plain)[heavy & first], 3.0, rtol=1e-4)


def test_a_fact_is_told_by_its_own_words_and_carries_no_gradient() -> None:
    field = rollout_table({"offsets": [0], "place_in_text": np.zeros(0, dtype=np.float32)}).schema.field(-1)
    assert field.name == "place_in_text"
    assert DESCRIPTIONS["keep_weight"].help == WEIGHT.help
    assert axes("keep_weight") == ("rollout",)
    assert not carries_gradient("place_in_text")


def test_without_any_the_missing_value_stands_for_all() -> None:
    logprob = torch.full((2, 3), -1.0)
    batch = Batch(logprob, logprob, torch.ones(2, 3, dtype=torch.bool), torch.tensor([1.0, 0.0]), torch.zeros(2).long())
    assert batch["keep_weight"].tolist() == [1.0, 1.0]
    assert batch["place_in_text"].tolist() == [[-1.0] * 3] * 2
    torch.testing.assert_close(advantages(method(), batch), advantages(find_method("grpo"), batch))
    assert lens(method(), batch).shape == (2, 3)
    with pytest.raises(ValueError, match="signal span was not recorded"):
        batch["span"]


def test_a_wrong_number_of_values_is_named() -> None:
    with pytest.raises(ValueError, match=r"fact 'place_in_text' has \d values for \d tokens: give one for every token"):
        first_step(method(places=1))


def test_an_undeclared_extra_is_named_with_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"extra 'my_number' has no axes: declare it where it is written"):
        axes("my_number")


@pytest.mark.parametrize("name", ["reward", "old_thing", "two words", "posterior", "lens"])
def test_a_name_that_has_a_meaning_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="has a meaning of its own"):
        type("Bad", (Controller,), {"facts": (Fact(name),)})


def test_two_pieces_may_share_a_fact_and_not_disagree_on_it() -> None:
    type("Also", (Controller,), {"facts": (replace(WEIGHT, help="the same"),)})
    with pytest.raises(ValueError, match="'keep_weight' per token: also has it per rollout"):
        type("Other", (Controller,), {"facts": (Fact("keep_weight", "token"),)})
    with pytest.raises(ValueError, match="'entropy' per rollout: the workbench has it per rollout and token"):
        type("Other", (Controller,), {"facts": (Fact("entropy"),)})


def test_every_column_with_a_meaning_of_its_own_is_reserved() -> None:
    signals = {name for name in AXES if name not in FACTS}
    known = RESERVED | FACTS.keys() | signals
    assert not [c.name for c in COLUMNS if c.name not in known and not c.name.startswith(("old_", "ref_", "engine_"))]
