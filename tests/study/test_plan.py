"""A study as data: configs of its arms, what tells plays apart, and what is wrong with one."""

from pathlib import Path

import pytest

from workbench.config import ConfigError
from workbench.study.plan import Plan

SMALL = Path(__file__).with_name("small.toml")


def changed(**tables):
    """The small study with other tables."""
    return Plan(**{**Plan.load(SMALL).model_dump(), **tables})


def test_an_arm_differs_in_its_own_tables_alone():
    plan = Plan.load(SMALL)
    sft, grpo, base = (plan.config(arm, 3) for arm in ("sft", "grpo", "base"))
    assert plan.names == ("base", "sft", "grpo")
    assert (sft.method.key, grpo.method.key, base.method.key) == ("sft", "grpo", "sft")
    assert (sft.rollouts.problems, grpo.rollouts.problems, sft.rollouts.max_tokens) == (16, 4, 32)
    assert (sft.seed, sft.name, grpo.name) == (3, "sft-3", "grpo-3")
    assert sft.alarms == grpo.alarms
    assert sft.alarms[0].tokens == plan.tokens


def test_a_play_is_told_apart_by_all_that_changes_a_number():
    plan = Plan.load(SMALL)
    longer, probed = changed(tokens=9), changed(probes={"problems": 7, "completions": 8})
    digests = [each.digest(arm) for each in (plan, longer, probed) for arm in plan.names]
    assert len(set(digests)) == len(digests)
    assert plan.digest("sft") == Plan.load(SMALL).digest("sft")
    assert plan.digest("sft") == changed(seeds=(7,)).digest("sft")


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"arms": {"base": {}}}, "'base' is the model before training"),
        ({"arms": {}}, "arms: "),
        ({"tokens": 0}, "tokens: "),
        ({"probe": {}}, "probe: "),
    ],
)
def test_what_is_wrong_is_named(tables, told):
    with pytest.raises(ConfigError, match=told):
        changed(**tables)


def test_an_error_of_an_arm_names_it(tmp_path):
    with pytest.raises(ConfigError, match=r"arm typo: method: .*'grpoo'"):
        changed(arms={"typo": {"method": "grpoo"}}).config("typo", 0)
    with pytest.raises(ValueError, match="the study has no arm 'azr'; it has: base, sft, grpo"):
        Plan.load(SMALL).config("azr", 0)
    with pytest.raises(ConfigError, match="give the path of a TOML file"):
        Plan.load(tmp_path / "absent.toml")
