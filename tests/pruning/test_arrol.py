"""The pruner in a world without a model: when it prunes, whom, what it records, and that it can be resumed."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from tests.pruning.worlds import World, sampling, survivors
from workbench.config import ConfigError
from workbench.kinds import Pruner
from workbench.pieces.reduction import TokenMean
from workbench.pruning.arrol import Arrol
from workbench.pruning.weights import Survivors
from workbench.runs.demo import demo_config
from workbench.training.checkpoint import read, write

QUICK = Arrol(detect=16, warm_up=3, learning_rate=1e-2, bins=16, buffer=512)


@pytest.fixture(scope="module")
def taught():
    """A pruner after its warm-up and two steps more, and all groups."""
    return World().run(QUICK, 8)


def test_nobody_is_pruned_while_it_warms_up(taught):
    _, steps = taught
    assert [len(survivors(groups)) for groups in steps] == [64, 64, 64] + [32] * 5
    assert all(len(survivors([group])) == 4 for groups in steps[3:] for group in groups)  # of a fixed size


def test_what_is_recorded(taught):
    _, steps = taught
    assert set(steps[0][0].rollouts[0].extras["pruning"][0]) == {"detection_length", "survival", "u"}  # no head yet
    for rollout in steps[5][0].rollouts:
        record = rollout.extras["pruning"][0]
        assert set(record) == {"detection_length", "score", "posterior", "survival", "u"}
        assert 0.1 <= record["survival"] <= 0.9
        assert 0 <= record["score"] <= 1
        assert 0 < record["posterior"] < 1
    assert sum(r.extras["pruning"][0]["survival"] for r in steps[5][0].rollouts) == pytest.approx(4)
    assert all(r.extras["survival"] == r.extras["pruning"][0]["survival"] for r in steps[5][0].rollouts)


def test_survivors_are_nearer_to_the_target(taught):
    """The mean of r (1 - r) over groups, r the share of right ones: more than chance leaves of it."""
    state, _ = taught
    world, mixed = World(groups=96, seed=3, ease=-0.8), {}
    for rule in ("group", "random", "paper"):
        _, groups = world.step(dataclasses.replace(QUICK, rule=rule), copy.deepcopy(state), 9)
        shares = [np.mean([rollout.correct for rollout in survivors([group])]) for group in groups]
        mixed[rule] = np.mean([share * (1 - share) for share in shares])
    assert state["auc"] > 0.75
    assert mixed["group"] > mixed["random"] + 0.02 > mixed["paper"] + 0.02  # most are wrong: the printed rule harms


def test_the_posterior_is_honest(taught):
    """Over a later step it is right as often as it says, although the head has seen its own training part."""
    state, _ = taught
    world = World(groups=64, seed=5)
    _, correct = world.draw(9)
    judged = [QUICK.judge(state, world.partial(9, number).hidden)["posterior"] for number in range(64)]
    found = torch.from_numpy(np.concatenate(judged))
    for low, high in ((0.0, 0.35), (0.35, 0.65), (0.65, 1.0)):
        rows = (found >= low) & (found < high)
        assert abs(correct.flatten()[rows].float().mean() - found[rows].mean()) < 0.15


def test_a_head_that_has_not_learnt_prunes_nobody_and_says_so():
    pruner = dataclasses.replace(QUICK, min_auc=0.75)
    state, steps = World(skill=0.0).run(pruner, 6)
    assert all(len(survivors(groups)) == 64 for groups in steps)
    assert state["auc"] < 0.75
    assert state["status"] == "no rollout is pruned while the head's AUC is below min_auc = 0.75"


def test_it_says_when_something_changes():
    world, state, said = World(), QUICK.init(), []
    for step in range(1, 6):
        state, _ = world.step(QUICK, state, step)
        said.append(QUICK.events(state))
    assert [len(events) for events in said] == [2, 0, 1, 0, 0]
    assert said[0][0].startswith(
        "pruning: rows are scored and moved by torch, because the kernel runs on an NVIDIA GPU"
    )
    assert said[0][1].startswith("pruning: no rollout is pruned in the first 3 steps, the warm-up; the head's AUC is")
    assert said[2][0].startswith("pruning: on; the head's AUC is 0.")


def test_it_says_when_nobody_was_long_enough():
    state = QUICK.learn(QUICK.init(), [])
    assert QUICK.events(state) == [
        "pruning: no rollout was scored: none reached detect = 16 tokens; the head's AUC is unknown"
    ]
    assert QUICK.events(QUICK.learn(state, [])) == []


def test_groups_with_too_few_at_the_detection_length_are_left_alone(taught):
    state, _ = taught
    partial = World().partial(9, 0)

    def first(count: int) -> list[bool]:
        part = dataclasses.replace(
            partial, requests=partial.requests[:count], index=partial.index[:count], hidden=partial.hidden[:count]
        )
        return QUICK(copy.deepcopy(state), part, sampling(9))[0]

    assert first(3) == [True, True, True]
    assert sum(first(4)) == 2


@pytest.mark.parametrize("draw", ["fixed", "bernoulli"])
@pytest.mark.parametrize("rule", ["group", "sign", "paper", "random"])
def test_every_rule_with_every_draw(taught, rule, draw):
    state, _ = taught
    pruner, world = dataclasses.replace(QUICK, rule=rule, draw=draw), World(groups=32, seed=3)
    groups = world.step(pruner, copy.deepcopy(state), 9)[1]
    kept = [len(survivors([group])) for group in groups]
    assert sum(kept) / 256 == pytest.approx(0.5, abs=0.1)
    if draw == "fixed" and rule != "paper":  # whose probabilities do not add up within a group
        assert set(kept) == {4}
    found = {record["survival"] for group in groups for r in group.rollouts for record in r.extras["pruning"]}
    assert (found == {0.5}) == (rule == "random")


def test_random_needs_no_head():
    state, steps = World(skill=0.0).run(dataclasses.replace(QUICK, rule="random", warm_up=0), 1)
    assert len(survivors(steps[0])) == 32
    assert state["status"] == "on"


def test_the_order_of_groups_and_calls_changes_nothing(taught):
    state, _ = taught
    world = World()
    ways = []
    for order in (range(8), reversed(range(8))):
        own = copy.deepcopy(state)
        ways.append({number: QUICK(own, world.partial(9, number), sampling(9)) for number in order})
    assert ways[0] == ways[1]


def test_seed_step_and_problem_make_the_draw(taught):
    state, _ = taught
    partial = World().partial(9, 0)

    def drawn(step: int, seed: int, group: int) -> list[float]:
        moved = [dataclasses.replace(request, number=group, group=group) for request in partial.requests]
        part = dataclasses.replace(partial, requests=moved, group=group)
        return [record["u"] for record in QUICK(copy.deepcopy(state), part, sampling(step, seed))[1]]

    found = [drawn(9, 7, 0), drawn(10, 7, 0), drawn(9, 8, 0), drawn(9, 7, 1)]
    assert len({tuple(numbers) for numbers in found}) == 4
    assert drawn(9, 7, 0) == found[0]


def test_a_resumed_run_is_the_same_bit_for_bit(tmp_path):
    world = World()
    state, whole = world.run(QUICK, 7)
    half, _ = world.run(QUICK, 4)
    write(tmp_path, {}, {"states": {"pruner": half}})
    resumed = read(tmp_path)[1]["states"]["pruner"]
    rest = []
    for step in range(5, 8):
        resumed, groups = world.step(QUICK, resumed, step)
        rest.append(groups)
    assert repr(rest) == repr(whole[4:])
    write(tmp_path / "a", {}, state)
    write(tmp_path / "b", {}, resumed)
    for name in ("state.json", "state.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert not state["pending"]


def test_the_buffer_is_bounded(taught):
    state, _ = World().run(dataclasses.replace(QUICK, buffer=100), 4)
    assert len(state["memory"]["correct"]) == 100


def test_only_finished_and_judged_rollouts_teach():
    """Pruned ones and those without a verdict do not; without any nothing is learnt, and nothing is left over."""
    world, state = World(), QUICK.init()
    for number in range(8):
        QUICK(state, world.partial(1, number), sampling(1))
    found = QUICK.learn(state, [])
    assert (found["pending"], found["head"], found["auc"]) == ({}, {}, None)
    assert QUICK.metrics(found) == {"pruning.scored": 0.0}


def test_metrics_tell_what_pruning_did(taught):
    state, _ = taught
    found = QUICK.metrics(state)
    assert found["pruning.scored"] == 64
    assert found["pruning.kept"] == 0.5
    assert found["pruning.labels"] == 3 * 64 + 5 * 32
    assert 0.5 < found["pruning.auc_within"] <= 1
    assert abs(found["pruning.correct_after"] - 0.5) < 0.2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keep": 0.0}, r"arrol\.keep = 0\.0"),
        ({"keep": 1.5}, r"arrol\.keep = 1\.5"),
        ({"keep": 0.95}, r"arrol\.keep = 0\.95: .* p_max = 0\.9 cannot have that mean"),
        ({"p_min": 0.6}, r"arrol\.keep = 0\.5: .* p_min = 0\.6"),
        ({"rule": "best"}, r"arrol\.rule = 'best'"),
        ({"min_group": 1}, r"arrol\.min_group = 1"),
    ],
)
def test_mistakes_are_told(fields, message):
    with pytest.raises(ValueError, match=message):
        Pruner.parse({"pruner": "arrol", **fields})


def test_what_does_not_fit_a_run_is_told():
    assert Arrol(detect=16).errors(max_tokens=64, rollouts=8) == []
    late, lonely = Arrol(detect=64).errors(max_tokens=64, rollouts=1)
    assert late.startswith("pruning.detect = 64: completions end at rollouts.max_tokens = 64")
    assert lonely.startswith("rollouts.rollouts = 1: groups below pruning.min_group = 4 are never pruned")


@pytest.mark.parametrize(("max_tokens", "detect"), [(96, 12), (1024, 128), (4096, 512), (32768, 512), (5, 1)])
def test_a_detection_length_left_open_follows_the_answers(max_tokens, detect):
    """An eighth of the most tokens, at most the paper's 512."""
    assert Arrol().errors(max_tokens, rollouts=8) == []
    assert Arrol().fitted(max_tokens) == Arrol(detect=detect)
    assert Arrol(detect=7).fitted(max_tokens) == Arrol(detect=7)
    assert "detect" not in Arrol().to_dict() or Arrol().to_dict()["detect"] is None


def test_an_open_detection_length_is_not_guessed():
    with pytest.raises(ValueError, match=r"arrol\.detect is not set: call fitted\(max_tokens\)"):
        Arrol().detection_lengths  # noqa: B018


def test_it_is_found_by_its_name():
    pruner = Pruner.parse({"pruner": "arrol", "keep": 0.25, "detect": 24})
    assert pruner == Arrol(keep=0.25, detect=24)
    assert pruner.detection_lengths == (24,)


def test_importance_weights_are_a_reduction():
    assert Arrol().reduction(TokenMean()) == TokenMean()
    assert Arrol(importance=True).reduction(TokenMean()) == Survivors(inner=TokenMean(), keep=0.5)


@pytest.mark.parametrize(
    ("pruning", "rollouts", "message"),
    [
        ({"detect": 96}, 16, "pruning.detect = 96: completions end at rollouts.max_tokens = 96"),
        ({"detect": 12}, 1, "rollouts.rollouts = 1: groups below pruning.min_group = 4 are never pruned"),
        ({"keep": 1.5}, 16, "arrol.keep = 1.5"),
        ({"keep": 0.05}, 16, "arrol.keep = 0.05: survival probabilities between p_min = 0.1"),
        ({"slope_max": 100.0}, 16, "arrol.slope_max = 100"),
        ({}, 16, ""),
    ],
)
def test_a_run_with_such_a_mistake_is_not_started(pruning, rollouts, message):
    demo = demo_config()
    try:
        found = demo.replace(pruning={"pruner": "arrol", **pruning}, rollouts={"rollouts": rollouts}).errors()
    except ConfigError as error:
        found = error.errors
    assert any(message in text for text in found) if message else not found
