"""A config and its axes: which plays follow, in which order, and what is wrong with an axis."""

import pytest

from workbench.config import ConfigError
from workbench.runs.sweep.plan import read_plan

BASE = {
    "name": "small",
    "task": "sums",
    "rewards": ["exact"],
    "method": "grpo",
    "training": {"steps": 5, "threads": 1},
    "seed": 3,
}


def plan(**axes):
    """The plays of the small config over some axes."""
    return read_plan(BASE, axes)


def values(found, *names):
    """What plays have in some fields of their configs."""
    return [tuple(field_of(play.config, name) for name in names) for play in found.plays]


def field_of(config, name):
    """A field by its dotted name."""
    for part in name.split("."):
        config = getattr(config, part)
    return config


def test_a_grid_is_every_combination_and_the_first_seed_comes_first():
    found = plan(seeds=2, grid={"training.learning_rate": [1e-4, 1e-3], "method": ["grpo", "dapo"]})
    rates = [(1e-4, "grpo"), (1e-4, "dapo"), (1e-3, "grpo"), (1e-3, "dapo")]
    assert values(found, "training.learning_rate", "method.key", "seed") == [
        *((*pair, 3) for pair in rates),
        *((*pair, 4) for pair in rates),
    ]
    assert found.arms[1] == "learning_rate=0.0001, method=dapo"
    assert found.plays[1].name == "learning_rate-0.0001_method-dapo-seed-3" == found.plays[1].config.name
    assert {play.config.training.steps for play in found.plays} == {5}


def test_paired_fields_vary_side_by_side_and_written_arms_stand_alone():
    paired = [{"rollouts": {"problems": [4, 8], "rollouts": [16, 8]}}]
    found = plan(paired=paired, grid={"training.steps": [2, 3]}, seeds=[7])
    names = ("rollouts.problems", "rollouts.rollouts", "training.steps", "seed")
    assert values(found, *names) == [(4, 16, 2, 7), (4, 16, 3, 7), (8, 8, 2, 7), (8, 8, 3, 7)]
    arms = {"plain": {}, "fast": {"method": "dapo", "training": {"learning_rate": 0.5}}}
    found = plan(arms=arms)
    assert found.arms == ("plain", "fast")
    assert values(found, "method.key", "training.learning_rate")[1] == ("dapo", 0.5)


def test_a_grid_over_written_arms_changes_their_tables():
    found = plan(arms={"a": {"training": {"steps": 2}}, "b": {"method": "dapo"}}, grid={"training.warmup": [0, 1]})
    assert values(found, "method.key", "training.steps", "training.warmup") == [
        ("grpo", 2, 0),
        ("grpo", 2, 1),
        ("dapo", 5, 0),
        ("dapo", 5, 1),
    ]


def test_arms_of_one_name_have_folders_of_their_own():
    found = plan(grid={"training.learning_rate": [0.10000001, 0.1]})
    assert [play.name for play in found.plays] == ["learning_rate-0.1-seed-3", "learning_rate-0.1-2-seed-3"]


def test_the_digest_is_of_all_settings():
    first, again = plan(grid={"training.steps": [2, 3]}), plan(grid={"training.steps": [2, 3]}, jobs=2)
    assert [play.digest for play in first.plays] == [play.digest for play in again.plays]
    assert len({play.digest for play in first.plays}) == 2


@pytest.mark.parametrize(
    ("axes", "told"),
    [
        (
            {"grid": {"training.learning_rat": [1.0]}},
            r"arm learning_rat=1: training.learning_rat: no such field.*learning_",
        ),
        ({"grid": {"training.steps": [2, 0, -1]}}, r"arm steps=0: training.steps = 0"),
        ({"grid": {"method": ["grpo", "dappo"]}}, r"arm method=dappo: method: .*'dappo'.*'dapo'"),
        ({"grid": {"training.steps": 3}}, r"sweep.grid.training.steps = 3: give a list of values"),
        ({"grid": {"training.steps": []}}, r"sweep.grid.training.steps = \[\]: give a list"),
        ({"grid": {"training.steps": [3, 3]}}, r"give each value once"),
        ({"grid": {"seed": [1]}}, r"sweep.grid.seed: give the seeds under sweep.seeds"),
        ({"arms": {"a": {"seed": 1}}}, r"sweep.arms.a.seed: give the seeds"),
        (
            {"paired": [{"training.steps": [1, 2], "rollouts.problems": [1]}]},
            r"training.steps has 2, rollouts.problems has 1",
        ),
        ({"paired": [{}]}, r"sweep.paired.0: is empty"),
        ({"grid": {"training.steps": [1]}, "paired": [{"training": {"steps": [2]}}]}, r"training.steps is on two axes"),
        ({"seeds": [1, 1]}, r"sweep.seeds = \[1, 1\]: give one seed or more, each once"),
        ({"seeds": 0}, r"sweep.seeds = 0"),
        ({"sedes": 2}, r"sweep.sedes: no such field.*'seeds'"),
        ({"budget": {"hour": 2}}, r"sweep.budget.hour: no such field.*'hours'"),
        ({"budget": {"hours": 0}}, r"sweep.budget.hours = 0"),
        ({"seeds": 200, "grid": {"training.steps": list(range(1, 60))}}, r"11,800 plays"),
        ({"halving": {"at": [2, 2]}}, r"sweep.halving.at = \[2, 2\]: give steps that rise"),
        ({"halving": {"at": [5]}}, r"sweep.halving.at = 5: give steps before the last, training.steps = 5"),
        ({"halving": {"at": [2], "keep": 1}}, r"sweep.halving.keep = 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_value(axes, told):
    with pytest.raises(ConfigError, match=told):
        plan(**axes)


def test_an_error_of_many_arms_is_told_once():
    with pytest.raises(ConfigError) as error:
        plan(grid={"training.steps": [2, 3], "rollouts.problems": [0]})
    assert error.value.errors == [text for text in error.value.errors if "(2 arms)" in text]
    assert len(error.value.errors) == 1


def test_accuracy_needs_an_evaluation():
    with pytest.raises(ConfigError, match=r"set evaluation.problems above 0"):
        read_plan({**BASE, "evaluation": {"problems": 0}}, {"halving": {"at": [2]}})


def test_axes_come_from_the_file(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(
        'name = "s"\ntask = "sums"\nrewards = ["exact"]\nmethod = "grpo"\n'
        "[sweep]\nseeds = 2\n[sweep.grid]\ntraining.steps = [2, 3]\n"
    )
    assert len(read_plan(path).plays) == 4
    with pytest.raises(ConfigError, match="no axes; give a table"):
        read_plan(BASE)
    with pytest.raises(ConfigError, match=r"absent.toml cannot be read"):
        read_plan(tmp_path / "absent.toml")
