"""Replay: recorded rollouts as a batch again; the run's own method says what it said, any other says its own."""

import dataclasses
import json
import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
import torch

from tests.runs.real_run import make_run
from tests.training.small_runs import make_trainer
from tests.widgets.fake_run import small_run
from workbench.kinds import Reward, Task
from workbench.method import lens
from workbench.registry import find_method
from workbench.runs.directory.record import rollout_table
from workbench.runs.replay import Replay
from workbench.tasks.sums import Sums
from workbench.training.assemble import Scale
from workbench.types import Score

SCALE = Scale(1, 2, 5, 1.0)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def replay(run):
    return Replay.of(run, 2)


@pytest.fixture(scope="module")
def table():
    """What a step of GRPO records, of four groups with four rollouts."""
    return rollout_table(next(iter(make_trainer("grpo"))).columns)


def recorded(table, name):
    """A column per token over all rollouts."""
    return table.column(name).combine_chunks().flatten().to_numpy(zero_copy_only=False)


def replaced(table, name, values):
    """The table with another column."""
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))


@dataclass(frozen=True)
class Worked(Task):
    """Sums with all that a controller may look for."""

    def problem(self, number, split):
        found = Sums(level=1).problem(number, split)
        parts = [{"question": "1 + 1", "answer": "2"}]
        return dataclasses.replace(found, data={"solution": found.answer, "hint": "count", "parts": parts})


@dataclass(frozen=True)
class Mixed(Reward):
    """Given answers are right, and every second one of the others; two problems of three are lost without help."""

    def __call__(self, problem, rollouts, scorer):
        lost = sum(problem.prompt.encode()) % 3 > 0
        found = [r.index % 2 == 0 if r.request.tag else r.index % 2 == 1 and not lost for r in rollouts]
        return [Score(float(right), correct=right) for right in found]


# pacs is set-wise, ppo learns a head, vimpo and rover compare with other policies
@pytest.mark.parametrize("key", ["grpo", "pacs", "ppo", "vimpo", "rover"])
def test_the_push_of_a_runs_own_method_is_the_recorded_lens(key):
    method = find_method(key)
    same_push(method, make_trainer(method))


# five have rows that another policy wrote, scrl has spans, rorecomp advantages of an earlier step
@pytest.mark.parametrize("key", ["luffy", "guide", "icpo", "rl_plus", "recap", "scrl", "rorecomp"])
def test_of_rollouts_that_another_policy_wrote_as_well(key):
    method = find_method(key)
    if key == "recap":
        method = method.override({"controller": {"task": Worked(), "count": 2}})
    if key == "scrl":
        method = method.override({"controller": {"wording": "{parts}"}})
    found = same_push(method, make_trainer(method, reward=Mixed(), task=Worked()))
    fact = "span" if key == "scrl" else "stored_advantage" if key == "rorecomp" else "off_policy"
    assert all(fact in batch for batch in found)
    if fact == "off_policy":
        assert all(batch["off_policy"][batch.mask].unique().tolist() == [0, 1] for batch in found)


def same_push(method, trainer):
    """Asserts that every step's push is the recorded one; the batches."""
    seen = []
    for step in trainer:
        table = rollout_table(step.columns)
        replay = Replay.of_table(table, dataclasses.replace(SCALE, step=step.number))
        replay = dataclasses.replace(replay, earlier=lambda: iter(seen))
        expected = recorded(table, "lens")
        assert np.nanmax(np.abs(expected)) > 0
        scale = np.nanmax(np.abs(expected))
        np.testing.assert_allclose(replay.push(method), expected, rtol=0, atol=1e-4 * scale)
        np.testing.assert_allclose(replay.advantage(method), recorded(table, "advantage"), rtol=1e-4, atol=1e-6)
        seen.append(replay)
    return [replay.batch for replay in seen]


def test_another_method_says_what_it_says_of_the_same_batch(replay):
    found, method = replay.push(find_method("gspo")), find_method("gspo")
    assert found == pytest.approx(lens(method, replay.batch)[replay.batch.mask].numpy())


def test_a_group_is_cut_out_after_the_whole_step_was_asked(run, replay):
    method = find_method("reinforce_pp")  # whitens over the batch
    whole, part = replay.push(method), Replay.of(run, 2, group=1).push(method)
    inside = np.repeat(replay.groups == 1, replay.counts)
    np.testing.assert_array_equal(part, whole[inside])
    alone = lens(method, replay.batch.rows(replay.batch.group == 1))
    assert not np.allclose(part, alone[replay.batch.mask[replay.batch.group == 1]].numpy())


def test_another_reward_moves_its_group_alone(replay):
    method = find_method("dr_grpo")
    before = replay.advantage(method)
    number = int(replay.rollouts[0])
    value = 1 - float(replay.batch.reward[0])
    after = replay.with_rewards({number: value}).advantage(method)
    inside = np.repeat(replay.groups == replay.groups[0], replay.counts)
    assert (before[inside] != after[inside]).any()
    np.testing.assert_array_equal(before[~inside], after[~inside])
    size, first = int((replay.groups == replay.groups[0]).sum()), int(replay.counts[0])
    expected = before[0] + (value - float(replay.batch.reward[0])) * (1 - 1 / size)
    assert after[:first] == pytest.approx(np.full(first, expected), abs=1e-6)
    np.testing.assert_array_equal(replay.advantage(method), before)


def test_another_reward_is_another_verdict(replay):
    first, second = (int(number) for number in replay.rollouts[:2])
    changed = replay.with_rewards({first: 0.5, second: math.nan}).batch
    assert changed.correct[0] == 1
    assert changed.correct[1].isnan()
    assert not changed.scored[1]


def test_rollouts_that_the_update_did_not_read_stay_unknown(table):
    grpo = find_method("grpo")
    lists = table.column("logprob").to_pylist()
    lists[3] = [math.nan] * len(lists[3])
    replay = Replay.of_table(replaced(table, "logprob", lists), SCALE)
    assert len(replay.batch.mask) == table.num_rows - 1
    push = replay.push(grpo)
    unread = np.repeat(np.arange(table.num_rows) == 3, replay.counts)
    assert np.isnan(push[unread]).all()
    assert np.isfinite(push[~unread]).all()
    with pytest.raises(ValueError, match="did not read rollout 3: change one"):
        replay.with_rewards({3: 1.0})


def test_a_step_recorded_without_numbers_is_unknown_throughout(table):
    bare = table.drop_columns(["logprob"]).append_column("logprob", pa.nulls(len(table), pa.list_(pa.float32())))
    replay = Replay.of_table(bare, SCALE)
    assert np.isnan(replay.push(find_method("grpo"))).all()


def test_a_missing_signal_is_named_with_the_remedy(replay):
    with pytest.raises(ValueError, match="signal kl was not recorded: compute it with workbench signals RUN --add kl"):
        replay.push(find_method("vimpo"))


def test_of_several_updates_the_last_policy_is_not_taken_for_the_sampling_one(table):
    canon = find_method("canon")  # reads old_entropy
    Replay.of_table(table, SCALE).push(canon)
    with pytest.raises(ValueError, match="signal old_entropy was not recorded"):
        Replay.of_table(table, SCALE, one_update=False).push(canon)


def test_facts_of_rollouts_are_those_the_trainer_tells(table):
    survival = [0.5, *[None] * (table.num_rows - 1)]
    batch = Replay.of_table(replaced(table, "survival", survival), SCALE).batch
    assert batch["survival"].tolist() == [0.5, *[1.0] * (table.num_rows - 1)]
    assert batch["length"].tolist() == [len(ids) for ids in table.column("token_ids").to_pylist()]
    assert batch["truncated"].tolist() == [float(name == "length") for name in table.column("finish").to_pylist()]
    assert "survival" not in Replay.of_table(table, SCALE).batch


def test_what_a_piece_remembers_comes_from_the_steps_before(run):
    recap = find_method("recap")
    assert Replay.of(run, 1).memory(recap)["surrogate"] == {"reasoning": [], "replay": []}
    remembered = Replay.of(run, 4).memory(recap)["surrogate"]
    batches = [Replay.of(run, number).batch for number in (1, 2, 3)]
    assert remembered["reasoning"] == [1 - float(batch.correct.nanmean()) for batch in batches]


def test_methods_do_not_share_what_they_remember(replay):
    for key in ("grpo", "recap", "ppo"):
        assert replay.memory(find_method(key)).keys() == find_method(key).init().keys()


def test_a_list_of_another_length_is_refused(table):
    lists = table.column("entropy").to_pylist()
    lists[0] = lists[0][1:]
    with pytest.raises(ValueError, match="column entropy does not have one entry for every token"):
        Replay.of_table(replaced(table, "entropy", lists), SCALE)


def test_steps_and_groups_that_are_not_there_are_named(run, replay):
    with pytest.raises(ValueError, match=r"no rollouts of step 99; there are: 1-8"):
        Replay.of(run, 99)
    with pytest.raises(ValueError, match=r"no group 77; there are: 0-3"):
        replay.of_group(77)


def test_the_scale_is_the_configs(run):
    path = run.directory.resolved
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "rollouts": {"max_tokens": 500, "temperature": 0.7}}))
    batch = Replay.of(run, 3).batch
    path.write_text(json.dumps(config))
    assert (batch.step, batch.total_steps, batch.budget, batch.temperature) == (3, 8, 500, 0.7)
    assert torch.equal(batch.problem, batch.problem.sort().values)


# --------------------------------------------------------------------------------------------------- probes


@pytest.fixture(scope="module")
def probed(tmp_path_factory):
    """A run of two steps whose probes are scored again."""
    tables = {"training": {"steps": 2}, "evaluation": {"problems": 4, "probes": 3, "probe_rollouts": 4, "every": 1}}
    return make_run(tmp_path_factory.mktemp("probed"), record={"after": 1}, **tables)


def test_probes_are_asked_what_the_next_update_would_ask_of_them_alone(probed):
    method = find_method("grpo")
    replay = Replay.of_probes(probed, 1)
    frame = probed.probes(1)
    rewards, groups = torch.tensor(frame["reward"].to_list()), torch.tensor(frame["group"].to_list())
    assert torch.equal(replay.batch.reward, rewards)
    assert torch.equal(replay.batch.logprob, replay.batch.old_logprob)
    assert (replay.batch.step, replay.batch.total_steps) == (2, 2)
    counts = [len(ids) for ids in frame["token_ids"]]
    wanted = []  # GRPO on its own samples: the z-score of the reward, over all tokens
    for reward, group in zip(rewards, groups, strict=True):
        same = rewards[groups == group]
        wanted.append(float((reward - same.mean()) / (same.std() + 1e-4)) / sum(counts))
    np.testing.assert_allclose(replay.push(method), np.repeat(wanted, counts), rtol=1e-3, atol=1e-7)


def test_probes_of_a_step_without_an_evaluation_are_refused(probed, run):
    with pytest.raises(ValueError, match=r"has no probes of step 7; there are: 0-2"):
        Replay.of_probes(probed, 7)
    with pytest.raises(ValueError, match=r"has no probes of step 2; there are: none"):
        Replay.of_probes(run, 2)


def test_a_method_that_remembers_has_seen_the_steps_before_the_probes(probed):
    seen = [len(list(Replay.of_probes(probed, step).earlier())) for step in (0, 1, 2)]
    assert seen == [0, 1, 2]
