"""Methods, pieces, rewards and tasks written in a notebook's cells."""

import inspect
import subprocess
import sys

import pytest
import torch

from tests.batches import assert_close, toy
from tests.cells.cells import CLASSES, HALF, forgetting, run_cell, shell  # noqa: F401
from workbench import METHODS, registry
from workbench.cells import MethodError, Source, load, register, try_out
from workbench.cells.source import SOURCES, missing
from workbench.config import RunConfig
from workbench.kinds import Reward, Surrogate
from workbench.method import advantages, derive, lens
from workbench.pieces.surrogate import Clip

pytestmark = pytest.mark.usefixtures("forgetting")
IMPORTS = """
import torch
from workbench import Batch
from workbench.cells import method
from workbench.ops import group_centre, group_std, spread
from workbench.types import PerToken, Scalar
"""
RISE = '@method("lifted")\ndef advantage(batch: Batch, by: float = 1.0) -> PerToken:\n    return by + 0 * batch.logprob'


def cell(text: str, name: str = "cell") -> None:
    """Loads a cell after the usual imports."""
    load(Source(name, f"{IMPORTS}\n{text}\n"))


# ------------------------------------------------------------------------------------------ one function


def test_a_function_is_a_method_at_once():
    load(Source("half", HALF))
    method = registry.find_method("half")
    assert_close(advantages(method, toy())[:, 0], [0.5, -0.25, -0.25, 0.5])
    assert lens(method, toy())[1, 0] < 0
    assert method.changes == "a wrong answer costs half"
    assert method.surrogate == registry.find_method("grpo").surrogate


def test_its_parameters_are_hyper_parameters():
    load(Source("half", HALF))
    asked = {"method": "half", "advantage": {"wrong": 0.25}}
    config = RunConfig(task="sums", rewards=["exact"], method=asked)
    assert_close(advantages(config.method, toy())[:, 0], [0.5, -0.125, -0.125, 0.5])
    assert RunConfig.from_toml(config.to_toml()) == config
    with pytest.raises(ValueError, match=r"half\.wrong = -1"):
        config.replace(method={"method": "half", "advantage": {"wrong": -1}})


@pytest.mark.parametrize(
    ("text", "slot", "setwise"),
    [
        ('@method("m")\ndef f(batch): return batch.logprob * 0', "advantage", False),
        ('@method("m")\ndef f(batch, ratio, advantage): return -ratio * advantage', "surrogate", False),
        (
            '@method("m")\ndef f(batch, ratio, advantage) -> Scalar: return (-ratio * batch.mask).sum()',
            "surrogate",
            True,
        ),
        ('@method("m")\ndef f(batch, advantage): return torch.ones_like(advantage)', "reduction", False),
        ('@method("m", slot="ratio")\ndef f(batch): return (batch.logprob - batch.old_logprob).exp()', "ratio", False),
        (
            '@method("m", slot="regularisers", needs=("entropy",))\ndef f(batch, k=0.1): return -k * batch["entropy"]',
            "regularisers.1",
            False,
        ),
    ],
)
def test_its_slot_is_found_by_its_parameters_or_named(text, slot, setwise):
    cell(text)
    method = registry.find_method("m")
    assert [place for place, piece in method.pieces() if piece.name == "m"] == [slot]
    assert method.setwise is setwise
    assert method.needs >= (frozenset({"entropy"}) if slot == "regularisers.1" else frozenset())


def test_the_same_name_again_replaces_and_takes_along_what_the_cell_no_longer_defines():
    cell(RISE + '\n@method("other")\ndef second(batch): return batch.logprob * 0', "mine")
    cell(RISE.replace("by: float = 1.0", "by: float = 3.0"), "mine")
    assert_close(advantages(registry.find_method("lifted"), toy()), torch.full((4, 3), 3.0))
    assert "other" not in registry.methods()
    assert len([source for source in SOURCES.values() if source.name == "mine"]) == 2


def test_an_unchanged_cell_run_again_is_the_same():
    load(Source("half", HALF))
    before = registry.find_method("half")
    load(Source("half", HALF))
    assert registry.find_method("half") is before


# ------------------------------------------------------------------------------------------ what is refused

REFUSED = {
    "one number a rollout": (
        '@method("bad")\ndef f(batch): return batch.reward',
        r"method bad: bad in slot advantage returned a torch.float32 tensor \[6\].*\[6, 3\].*spread",
    ),
    "no real numbers": (
        '@method("bad")\ndef f(batch): return batch.mask',
        r"bad in slot advantage returned a torch.bool",
    ),
    "nothing": ('@method("bad")\ndef f(batch): pass', r"bad in slot advantage returned a NoneType"),
    "nan in a group without contrast": (
        '@method("bad")\ndef f(batch):\n    g = batch.group\n'
        "    return spread(group_centre(batch.reward, g) / group_std(batch.reward, g), batch.mask)",
        r"method bad: bad in slot advantage: returned nan or infinity; .*groups all correct and all incorrect",
    ),
    "nan of one token": (
        '@method("bad")\ndef f(batch): return batch.logprob / (batch.lengths - 1)[:, None]',
        r"method bad: bad in slot advantage: returned nan or infinity",
    ),
    "a baseline that unscored rollouts spoil": (
        '@method("bad")\ndef f(batch): return spread(batch.reward - batch.reward.mean(), batch.mask)',
        r"method bad: bad in slot advantage: returned nan or infinity.*unscored rollouts",
    ),
    "nan in the gradient alone": (
        '@method("bad")\ndef f(batch, ratio, advantage): return (ratio - ratio.detach()).abs().sqrt()',
        r"method bad, loss: its derivative by logprob contains nan",
    ),
    "a sum that does not say so": (
        '@method("bad")\ndef f(batch, ratio, advantage): return (ratio * advantage).sum()',
        r"method bad: bad in slot surrogate: returned a torch.float32 tensor \[\].*-> Scalar",
    ),
    "a signal it does not name": ('@method("bad")\ndef f(batch): return batch["entropy"]', r"needs=\('entropy',\)"),
    "a signal there is not": (
        '@method("bad", needs=("entropyy",))\ndef f(batch): return batch["entropyy"]',
        r"needs 'entropyy', which is no signal \(did you mean 'entropy'\?\); signals: .*survival.*logprob",
    ),
    "an error of its own": (
        '@method("bad")\ndef f(batch): return batch.reward @ batch.logprob[0]',
        r"method bad: bad in slot advantage: RuntimeError: .*size",
    ),
    "other parameters": (
        '@method("bad")\ndef f(b): return b.logprob',
        r"method 'bad': 'f' fits no slot; .*ratio\(batch\)",
    ),
    "a parameter without default": (
        '@method("bad")\ndef f(batch, lr): return lr * batch.logprob',
        r"method 'bad', f: give 'lr' a default: it is a hyper-parameter, as in lr=0.1$",
    ),
    "two parameters without default after three tensors": (
        '@method("bad", slot="surrogate")\ndef f(batch, ratio, advantage, a, b): return -a * ratio * advantage + b',
        r"give 'a', 'b' a default: they are hyper-parameters",
    ),
    "a tensor too few": ('@method("bad")\ndef f(batch, ratio): return ratio', r"'f' fits no slot; .*surrogate\("),
    "parameters of another slot": (
        '@method("bad", slot="surrogate")\ndef f(batch, a): return a',
        r"f takes \(batch, a\), expected \(batch, ratio, advantage\)",
    ),
    "a slot there is not": (
        '@method("bad", slot="loss")\ndef f(batch): return 0',
        r"no slot is called 'loss'; there are: advantage",
    ),
    "a default out of bounds": (
        "from typing import Annotated\nfrom pydantic import Field\n"
        '@method("bad")\ndef f(batch, k: Annotated[float, Field(gt=0)] = -1.0): return k * batch.logprob',
        r"bad.k = -1.0",
    ),
    "a parent there is not": ('@method("bad", parent="gpro")\ndef f(batch): return 0', r"no method is called 'gpro'"),
    "a name that is none": ('@method("Bad one")\ndef f(batch): return batch.logprob', r"'Bad one' is no valid name"),
    "a method of the project's": (
        '@method("grpo")\ndef f(batch): return batch.logprob',
        r"'grpo' is already defined in workbench",
    ),
    "a piece of the project's": ('@method("group_z")\ndef f(batch): return batch.logprob', r"'group_z', which a file"),
    "names of other cells": (
        '@method("bad")\ndef f(batch): return helper(batch) * SCALE',
        r"uses SCALE, helper, which it does not define.*%%method cell",
    ),
    "methods of other cells": (
        '@method("bad", parent="lifted")\ndef f(batch): return batch.logprob',
        r"no method is called 'lifted'.*another cell defines 'lifted': put it into this one",
    ),
    "no Python": ('@method("bad"\ndef f(batch): return 0', r"cell 'cell', line 8: "),
    "no definition": ("x = 1", r"cell 'cell' defines no method"),
    "an error while it runs": ("torch.ones(2) @ torch.ones(3)", r"cell 'cell', run alone, fails: RuntimeError"),
    "a class that can change": (
        "from workbench.kinds import Surrogate\nclass Bad(Surrogate):\n    def __call__(self, b, r, a): return r",
        r"write @dataclass\(frozen=True\) before class Bad",
    ),
    "a class that lacks its method": (
        "from dataclasses import dataclass\nfrom workbench.kinds import Reward\n"
        "@dataclass(frozen=True)\nclass Bad(Reward):\n    scale: float = 1.0",
        r"Bad has no __call__",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_is_refused_and_changes_nothing(name):
    cell(RISE, "mine")
    known = {kind: dict(kind.registry) for kind in (Surrogate, Reward)}
    before, modules = dict(registry.METHODS), set(sys.modules)
    text, message = REFUSED[name]
    with pytest.raises(MethodError, match=f"(?s){message}") as caught:
        cell(text)
    assert "\n" not in str(caught.value)
    assert before == registry.METHODS
    assert all(kind.registry == old for kind, old in known.items())
    assert "cell" not in {source.name for source in SOURCES.values()}
    assert not [home for home in sys.modules.keys() - modules if home.startswith("workbench_cell")]


def test_every_method_of_the_project_passes_the_trial():
    for key, method in list(registry.methods().items()):
        try_out(method)
        assert registry.HOMES[key].startswith("workbench.methods.")


def test_an_error_while_a_run_trains_names_the_method():
    text = "assert len(batch.mask) < 9, 'too many'"
    cell(f'@method("frail")\ndef f(batch):\n    {text}\n    return batch.logprob * 0')
    batch = toy()
    with pytest.raises(MethodError, match="method frail: frail in slot advantage: AssertionError: too many"):
        registry.find_method("frail").advantage(batch.rows(torch.arange(4).repeat(3)))


# ------------------------------------------------------------------------------------------- classes


def test_classes_of_every_kind_can_be_written_in_a_cell():
    module = load(Source("plain", CLASSES))
    config = RunConfig(
        task="doubles",
        rewards=["short"],
        method={"method": "plain", "surrogate": {"scale": 2.0}},
        rollouts={"problems": 4},
    )
    assert config.task.problem(4, "train").answer == "8"
    assert_close(lens(config.method, toy()), 2 * lens(registry.find_method("plain"), toy()), 1e-9)
    assert inspect.getsource(module.Plain).startswith("@dataclass(frozen=True)\nclass Plain(Surrogate):")


def test_a_method_may_be_exported_as_a_file_does():
    text = """
from workbench import METHODS as ALL, derive
from workbench.pieces.surrogate import Clip
TEXTS = {"title": "t", "paper": "p", "equation": "e", "changes": "c"}
METHODS = {"wide": derive(ALL["grpo"], **TEXTS, surrogate=Clip(low=0.5, high=0.5))}
"""
    load(Source("wide", text))
    assert registry.find_method("wide").surrogate.low == 0.5
    assert registry.HOMES["wide"] == Source("wide", text).module


def test_register_tries_a_method_too():
    made = derive(
        registry.find_method("grpo"), title="w", paper="p", equation="e", changes="c", surrogate=Clip(low=0.5)
    )
    assert register("wide", made).key == "wide"
    assert registry.find_method("wide").surrogate.low == 0.5
    with pytest.raises(MethodError, match=r"'dapo' is already defined in workbench\.methods\.dapo"):
        register("dapo", made)


def test_a_missing_key_of_the_mapping_is_answered_as_by_name_and_none_is_entered_by_assignment():
    with pytest.raises(KeyError) as caught:
        METHODS["dappo"]
    assert str(caught.value).startswith(
        "no method is called 'dappo' (did you mean 'dapo'?); there are: ace, ace_reason"
    )
    assert METHODS.get("dappo") is None
    with pytest.raises(ValueError, match=r"write register\('mine', METHOD\).*METHODS = \{'mine': METHOD\}"):
        METHODS["mine"] = METHODS["grpo"]
    with pytest.raises(MethodError, match=r"cell 'cell', run alone, fails: .*write register\('mine'"):
        cell('from workbench import METHODS\nMETHODS["mine"] = METHODS["grpo"]')
    assert "mine" not in METHODS


def test_names_are_found_wherever_they_stand():
    assert missing(
        "def f(a, *b, **c):\n    d = a\n    return lambda e: [d, e, g for h in b]".replace("[d, e, g for", "[g for")
    ) == ["g"]
    assert missing("class A:\n    x = y\n    def z(self): return x") == ["x", "y"]
    assert missing("import a.b\nfrom c import d\na, d, print, __name__, __file__") == []
    assert missing("def f():\n    global late\n    late = 1\nf(); late") == []
    assert missing("from math import *\npi") == []


def test_a_users_file_is_read_once_and_may_ask_for_methods(tmp_path):
    (tmp_path / "mine.py").write_text(
        'print("read")\nfrom workbench import METHODS\nfrom workbench.cells import method\n'
        '@method("mine", parent="dapo")\ndef f(batch): return 0 * batch.logprob\n'
    )
    code = "from workbench import registry\nprint(len(registry.methods()['mine'].filters), registry.BROKEN)"
    environment = {"WORKBENCH_PATH": str(tmp_path), "PATH": "/usr/bin", "OMP_NUM_THREADS": "1"}
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert answer.stdout == "read\n1 {}\n"
