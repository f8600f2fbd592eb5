"""RunConfig: its TOML, and every mistake in it at once, with field, value and remedy."""

from pathlib import Path
from typing import Any

import pytest

from workbench.config import ConfigError, RunConfig
from workbench.pieces.advantage import GroupZ
from workbench.pieces.surrogate import Clip
from workbench.registry import methods
from workbench.runs.demo import demo_config
from workbench.runs.process.build import errors

PLAIN: dict[str, Any] = {"task": "sums", "rewards": ["exact"], "method": "grpo"}
RICH = """
name = "rich"
seed = 3

[model]
dtype = "bfloat16"
chat = false
[model.lora]
rank = 4
targets = ["q_proj", "v_proj"]

[task]
task = "sums"
level = 3

[[rewards]]
reward = "exact"
weight = 0.8
marker = "so:"

[[rewards]]
reward = "exact"
name = "strict"
weight = 0.2

[method]
method = "dapo"
surrogate_weight = 0.5
[method.surrogate]
high = 0.3
[[method.regularisers]]
piece = "k3"
coefficient = 0.01
[method.regularisers.reduction]
piece = "sequence_mean"

[rollouts]
problems = 4
rollouts = 8
[training]
betas = [0.8, 0.9]
updates = 2
[evaluation]
every = 0
[record]
tokens = "none"
"""


OLD_LIMIT = ("gap_limit", "mismatch_limit")


def mistakes(**changes: Any) -> list[str]:
    """What is wrong with the plain config after these changes."""
    try:
        return RunConfig(**{**PLAIN, **changes}).errors()
    except ConfigError as error:
        return str(error).split("\n")


def test_toml_and_back_is_identity() -> None:
    config = RunConfig.from_toml(RICH)
    again = RunConfig.from_toml(config.to_toml())
    assert again == config
    assert again.to_toml() == config.to_toml()
    assert config.method.surrogate == Clip(low=0.2, high=0.3)
    assert config.method.surrogate_weight == 0.5
    assert [part.key for part in config.rewards] == ["exact", "strict"]
    assert config.training.betas == (0.8, 0.9)
    assert config.errors() == []
    resolved = config.resolved()["method"]
    assert resolved["key"] == "dapo"
    assert resolved["advantage"]["piece"] == "group_z"
    assert resolved["regularisers"][0]["reduction"]["piece"] == "sequence_mean"


@pytest.mark.parametrize("key", sorted(methods()))
def test_every_method_survives_its_toml(key: str) -> None:
    config = RunConfig(**{**PLAIN, "method": key})
    again = RunConfig.from_toml(config.to_toml())
    assert again.method == methods()[key]
    assert again == config


def test_a_file_is_read_and_a_missing_or_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text(RICH, encoding="utf-8")
    assert RunConfig.load(path) == RunConfig.from_toml(RICH)
    with pytest.raises(ConfigError, match=r"nowhere.toml: No such file or directory; give the path of a TOML file"):
        RunConfig.load(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match=r"^not valid TOML: .* line 1"):
        RunConfig.from_toml("name = = 3")
    path.write_text("name = = 3", encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"^{path}: not valid TOML: .* line 1"):
        RunConfig.load(path)
    path.write_bytes("name = 'Fu\xdf'".encode("latin-1"))
    with pytest.raises(ConfigError, match=rf"^{path}: byte 10 is no UTF-8 text; save the file as UTF-8$"):
        RunConfig.load(path)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"nam": 3}, ["nam: no such field (did you mean 'name'?); fields: name, seed, model, task"]),
        ({"name": "a/b"}, ["name = 'a/b': use letters, digits, '.', '_' and '-', a letter or digit first"]),
        (
            {"training": {"lerning_rate": 1}},
            ["training.lerning_rate: no such field (did you mean 'learning_rate'?); fields: steps, target_accuracy"],
        ),
        (
            {"model": {"lora": {"rnk": 1}}},
            ["model.lora.rnk: no such field (did you mean 'rank'?); fields: rank, alpha"],
        ),
        ({"rollouts": {"local": {"xyz": 1}}}, ["rollouts.local.xyz: no such field; fields: graphs"]),
        ({"seed": "x"}, ["seed = 'x': give a whole number"]),
        ({"rollouts": {"vllm": {"memory": 5}}}, ["rollouts.vllm.memory = 5: give 1048576 or more"]),
        ({"training": {"steps": 1.5}}, ["training.steps = 1.5: give a whole number"]),
        ({"training": {"clip_norm": "x"}}, ["training.clip_norm = 'x': give a number"]),
        ({"training": {"schedule": "cosin"}}, ["training.schedule = 'cosin': give 'constant', 'linear' or 'cosine'"]),
        ({"training": {"betas": [0.9]}}, ["training.betas.1: is missing; give it"]),
        ({"training": {"betas": 3}}, ["training.betas = 3: give a list"]),
        ({"model": {"chat": 3}}, ["model.chat = 3: give true or false, or 'auto'"]),
        ({"model": {"name": 3}}, ["model.name = 3: give a string"]),
        ({"model": {"lora": 3}}, ["model.lora = 3: give a table of its fields"]),
        ({"rewards": "exact"}, ["rewards = 'exact': name one, as in [[rewards]] reward = \"exact\""]),
        (
            {"task": {"task": "jsonl", "shuffle": "x"}},
            ["task: jsonl.path: is missing", "task: jsonl.shuffle = 'x': give"],
        ),
        (
            {"training": {"learning_rate": 0, "steps": 0}},
            ["training.steps = 0: give 1 or more", "training.learning_rate = 0: give a number above 0"],
        ),
        ({"training": {"betas": (1.5, 0.9)}}, ["training.betas.0 = 1.5: give a number below 1"]),
        ({"training": {"learning_rate": float("inf")}}, ["training.learning_rate = inf: give a finite number"]),
        ({"rollouts": 5}, ["rollouts = 5: give a table of its fields"]),
        ({"rollouts": {"top_p": 0}}, ["rollouts.top_p = 0: "]),
        ({"model": {"lora": {"rank": 0}}}, ["model.lora.rank = 0: give 1 or more"]),
        ({"task": "summs"}, ["task: no task is called 'summs' (did you mean 'sums'?); there are: "]),
        (
            {"task": {"task": "sums", "level": 9, "lvl": 1}},
            ["task: sums.level = 9: give 3 or less", "task: sums has no field 'lvl' (did you mean 'level'?)"],
        ),
        ({"rewards": []}, ["rewards = []: name one, as in [[rewards]]"]),
        ({"rewards": [5]}, ["rewards.0: 5 is not a reward: give a name or a table with reward = NAME"]),
        ({"rewards": ["exakt"]}, ["rewards.0: no reward is called 'exakt' (did you mean 'exact'?); there are: "]),
        ({"rewards": ["exact", "exact"]}, ["rewards: two parts are called 'exact'; give one a name"]),
        ({"rewards": [{"reward": "exact", "weight": "x"}]}, ["rewards.0.weight = 'x': "]),
        ({"method": "grop"}, ["method: no method is called 'grop' (did you mean 'grpo'?); there are: "]),
        ({"method": 5}, ["method: 5 is not a method: give a name or a table with method = NAME"]),
        ({"method": {"surrogate": "clip"}}, ['method: name one under `method`, as in method = "grpo"']),
        ({"method": {"method": "grpo", "loss": 1}}, ["method.loss: there is no such slot; slots: advantage, "]),
        ({"method": {"method": "grpo", "advantage": {"eps": -1}}}, ["method.advantage: group_z.eps = -1: "]),
        ({"rollouts": {"rollouts": 1}}, ["rollouts.rollouts = 1: grpo compares rollouts; set 2 or more"]),
        ({"training": {"updates": 17}}, ["training.updates = 17: an update needs whole groups; set at most"]),
        ({"training": {"warmup": 9, "steps": 8}}, ["training.warmup = 9: more than training.steps = 8"]),
        ({"rollouts": {"temperature": 0}}, ["rollouts.temperature = 0: all rollouts of a group would be identical"]),
        ({"task": {"task": "jsonl", "path": "/nowhere.jsonl"}}, ["task: jsonl.path = '/nowhere.jsonl': there is no"]),
    ],
)
def test_a_mistake_names_field_value_and_remedy(changes: dict[str, Any], expected: list[str]) -> None:
    found = mistakes(**changes)
    assert len(found) == len(expected), found
    for text, start in zip(found, expected, strict=True):
        assert text.startswith(start), text


def test_the_demonstration_keeps_the_checkpoint_that_the_readme_forks_from() -> None:
    training = demo_config().training
    assert 20 % training.checkpoint == 0
    assert training.checkpoint < training.steps


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig()
    assert [text.split(":")[0] for text in caught.value.errors] == ["task", "rewards", "method"]
    assert 'name one, as in [method] method = "grpo"' in str(caught.value)


def test_every_mistake_is_told_at_once() -> None:
    found = mistakes(
        method="grop",
        task={"task": "jsonl", "path": "/nowhere.jsonl"},
        model={"name": "/no/such/model"},
        training={"updates": 99},
        record={"every": 0},
        nam=1,
    )
    places = sorted(text.split(" = ")[0].split(":")[0] for text in found)
    assert places == ["method", "model.name", "nam", "record.every", "task", "training.updates"]


def test_the_rooms_are_asked_as_well() -> None:
    assert errors(RunConfig(**PLAIN)) == []
    wrong = RunConfig(**PLAIN, model={"name": "/no/such/model"}, rollouts={"engine": "steam"}, training={"updates": 99})
    found = errors(wrong)
    assert [text.split(" = ")[0] for text in found] == ["training.updates", "model.name", "rollouts.engine"]
    long = errors(RunConfig(**PLAIN, rollouts={"max_tokens": 100_000}))
    assert len(long) == 1
    assert long[0].startswith("rollouts.max_tokens = 100000: the model reads ")


def test_a_pool_too_small_is_told(tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text('{"prompt": "1 + 1?", "answer": "2"}\n' * 4, encoding="utf-8")
    found = mistakes(task={"task": "jsonl", "path": str(path)}, rollouts={"problems": 10})
    assert any(text.startswith("rollouts.problems = 10: the task has") for text in found), found


def test_replace_changes_the_fields_it_names_alone() -> None:
    config = RunConfig.from_toml(RICH)
    assert config.replace(training={"steps": 7}).training.betas == (0.8, 0.9)
    model = config.replace(model={"system": None, "dtype": "float32"}).model
    assert (model.dtype, model.lora) == ("float32", config.model.lora)
    task = config.replace(task={"seed": 5}).task
    assert (task.name, task.fields()) == ("sums", {"level": 3, "seed": 5})
    method = config.replace(method={"advantage": {"population": True}}).method
    assert (method.key, method.advantage) == ("dapo", GroupZ(population=True))
    assert method.surrogate == config.method.surrogate
    assert config.replace(method="grpo").method == methods()["grpo"]
    assert config.replace(name="other").name == "other"
    with pytest.raises(ConfigError, match=r"training.steps = 0"):
        config.replace(training={"steps": 0})


def test_a_renamed_field_is_read_under_its_old_name_with_a_warning() -> None:
    for section, (old, new), value in (("rollouts", ("slots", "concurrent"), 7), ("training", OLD_LIMIT, 0.25)):
        with pytest.warns(FutureWarning, match=f"{old} is now called {new}"):
            config = RunConfig(**{**PLAIN, section: {old: value}})
        assert config == RunConfig(**PLAIN, **{section: {new: value}})
        assert f"{old} = " not in config.to_toml()
        with pytest.warns(FutureWarning):
            assert RunConfig(**PLAIN).replace(**{section: {old: value}}) == config
        both = mistakes(**{section: {old: value, new: value}})
        assert both == [f"{section}: {old} is the old name of {new}: leave out {old}"]
