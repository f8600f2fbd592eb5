"""`workbench plan` and `workbench export`, called as the command line calls them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import typer
from transformers import AutoModelForCausalLM, AutoTokenizer
from typer.testing import CliRunner

from workbench.commands.export import export
from workbench.commands.plan import plan
from workbench.config import RunConfig
from workbench.models.load import load_policy
from workbench.models.shipped import EMBEDDED_FOLDER
from workbench.planning.measure import Timing
from workbench.runs.directory.checkpoint import write_last
from workbench.runs.directory.paths import RunDirectory, write_json
from workbench.training import checkpoint

ROOT = Path(__file__).parents[2]
EMBEDDED = ROOT / "configs" / "embedded-cpu.toml"
TOKENS = torch.tensor([[1, 20, 30, 40, 50]])


def call(command: Any, *words: object) -> Any:
    """Runs a command; its result, with the error if it raised one."""
    app = typer.Typer()
    app.command()(command)
    return CliRunner().invoke(app, [str(word) for word in words])


def made_run(folder: Path, **model: Any) -> tuple[RunDirectory, torch.Tensor]:
    """A run directory with a checkpoint of changed weights; and the logits that the policy then gives to TOKENS."""
    config = RunConfig.load(EMBEDDED).replace(model={"linear": "torch", **model}, seed=3)
    directory = RunDirectory(folder / "made").create()
    directory.config.write_text(config.to_toml(), encoding="utf-8")
    write_json(directory.resolved, config.resolved())
    policy = load_policy(config.model, seed=3)
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight.add_(0.02 * torch.randn_like(weight))
        logits = policy.logits(policy.hidden(TOKENS)[0])
    lines = [
        {"attempt": 1, "step": 0, "time": 1.0, "accuracy": 0.25},
        {"attempt": 1, "step": 1, "time": 2.0, "reward": 0.5, "accuracy": 0.75},
        {"attempt": 1, "step": 2, "time": 3.0, "reward": 0.9, "accuracy": 0.99},
    ]
    directory.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    weights = {**policy.trainable(), "head.value.weight": torch.zeros(1)}
    content = {"step": 1, "attempt": 1, "line": lines[1]}
    write_last(directory, lambda path: checkpoint.write(path, weights, {}), lambda: content, 0)
    return directory, logits


def test_plan_tells_and_prints_json():
    told = call(plan, EMBEDDED, "--memory", 4)
    assert told.exit_code == 0, told.output
    assert "fits: " in told.stdout
    document = json.loads(call(plan, EMBEDDED, "--memory", 4, "--json").stdout.splitlines()[-1])
    assert document["fit"] == "fits"
    assert document["size"]["parameters"] == 845_184
    assert {"weights", "optimiser", "activations", "logits"} <= {part["name"] for part in document["components"]}


def test_plan_ends_with_an_error_code_where_a_run_does_not_fit():
    told = call(plan, EMBEDDED, "--memory", 0.1)
    assert told.exit_code == 1
    assert told.stdout.startswith("does not fit: ")
    assert call(plan, EMBEDDED, "--memory", 0.1, "--json").exit_code == 1
    assert isinstance(call(plan, EMBEDDED, "--memory", -1).exception, ValueError)
    assert isinstance(call(plan, EMBEDDED, "--measure", "--seconds", 0).exception, ValueError)


def test_plan_refuses_what_the_run_would_refuse(tmp_path):
    config = RunConfig.load(EMBEDDED).replace(rollouts={"max_tokens": 999_999})
    (tmp_path / "long.toml").write_text(config.to_toml())
    refused = call(plan, tmp_path / "long.toml").exception
    assert isinstance(refused, ValueError)
    assert "max_tokens" in str(refused)


def test_plan_measures_only_where_it_is_asked_and_the_run_fits(monkeypatch):
    phases = {"rollouts": 1.0, "scoring": 0.1, "update": 2.0, "other": 0.1}
    found = Timing(4.0, phases, 3.2, 6.0, 1.5, 2, 135.0, 4096, 96, 96, "3 whole steps of 16 × 16 rollouts")
    asked = []

    def measured(config, seconds):
        asked.append((config.name, seconds))
        return found

    monkeypatch.setattr("workbench.runs.process.measure.measure", measured)
    assert "seconds" not in call(plan, EMBEDDED, "--memory", 4).stdout
    assert not asked
    told = call(plan, EMBEDDED, "--memory", 4, "--measure", "--seconds", 5).stdout
    assert asked == [("embedded-cpu", 5.0)]
    for text in (
        "a step              3.20",
        "6.00 if every completion had 96 tokens",
        "about 2.2 minutes",
        "3 whole steps",
    ):
        assert text in told, told
    document = json.loads(call(plan, EMBEDDED, "--memory", 4, "--probe", "--json").stdout.splitlines()[-1])
    assert document["time"]["phases"] == phases
    refused = call(plan, EMBEDDED, "--memory", 0.1, "--measure")
    assert (refused.exit_code, len(asked)) == (1, 2)
    assert "not measured, since the run does not fit" in refused.stdout


def test_adapter_loads_in_plain_peft(tmp_path):
    directory, logits = made_run(tmp_path, lora={"rank": 4})
    told = call(export, directory.path)
    assert told.exit_code == 0, told.exception
    folder = directory.path / "export"
    from peft import PeftModel

    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(EMBEDDED_FOLDER), folder)
    torch.testing.assert_close(model(TOKENS).logits[0], logits, atol=1e-4, rtol=1e-4)
    plain = AutoModelForCausalLM.from_pretrained(EMBEDDED_FOLDER)(TOKENS).logits[0]
    assert (plain - logits).abs().max() > 0.01  # the adapter does something
    assert AutoTokenizer.from_pretrained(folder)("a")["input_ids"]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("bfloat16", 0.3)])
def test_merged_weights_load_in_plain_transformers(tmp_path, dtype, tolerance):
    directory, logits = made_run(tmp_path, lora={"rank": 4})
    told = call(export, directory.path, "--out", tmp_path / "out", "--form", "merged", "--dtype", dtype)
    assert told.exit_code == 0, told.exception
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert str(model.dtype) == f"torch.{dtype}"
    assert not list((tmp_path / "out").glob("adapter*"))
    torch.testing.assert_close(model(TOKENS).logits[0].float(), logits, atol=tolerance, rtol=0.1)


def test_a_run_in_4_bit_is_merged_into_the_16_bit_base(tmp_path):
    directory, _ = made_run(tmp_path, lora={"rank": 4}, quantisation="nf4", dtype="bfloat16")
    told = call(export, directory.path, "--out", tmp_path / "out", "--form", "merged")
    assert told.exit_code == 0, told.exception
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert getattr(model.config, "quantization_config", None) is None
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    base = AutoModelForCausalLM.from_pretrained(EMBEDDED_FOLDER, dtype=torch.bfloat16)
    own, others = dict(model.named_parameters()), dict(base.named_parameters())
    torch.testing.assert_close(own["model.embed_tokens.weight"], others["model.embed_tokens.weight"])
    # a low rank is added to the exact base: the difference has the adapter's rank, up to bfloat16's rounding
    name = "model.layers.0.mlp.up_proj.weight"
    values = torch.linalg.svdvals((own[name] - others[name]).float())
    assert values[4] < 0.1 * values[0]


def test_full_weights_load_in_plain_transformers(tmp_path):
    directory, logits = made_run(tmp_path)
    told = call(export, directory.path, "--out", tmp_path / "out", "--dtype", "float32")
    assert told.exit_code == 0, told.exception
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    torch.testing.assert_close(model(TOKENS).logits[0], logits, atol=1e-4, rtol=1e-4)


def test_card_states_task_method_seed_and_results_up_to_the_step(tmp_path):
    directory, _ = made_run(tmp_path, lora={"rank": 4})
    call(export, directory.path)
    card = (directory.path / "export" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: peft\n")
    for text in ("`word_problems`", "exact (weight 1)", "DAPO", "seed 3", "after step 1 of 40", "PeftModel"):
        assert text in card, text
    assert "| held-out accuracy | 0.250 (step 0) | 0.750 (step 1) |" in card
    assert "(step 2)" not in card  # recorded after the checkpoint


def test_card_states_what_was_changed_on_the_way(tmp_path):
    directory, _ = made_run(tmp_path)
    for step, rate in ((0, "1e-4"), (1, "1e-5")):
        line = {"attempt": 1, "step": step, "kind": "set", "text": f"learning_rate: 0.0003 -> {rate}"}
        with directory.events.open("a") as file:
            file.write(json.dumps(line) + "\n")
    assert call(export, "made", "--runs", tmp_path).exit_code == 0  # by its name
    card = (directory.path / "export" / "README.md").read_text(encoding="utf-8")
    assert "with these changes on the way:\n\n- after step 0: learning_rate: 0.0003 -> 1e-4\n\n" in card
    assert "1e-5" not in card  # after the exported step


def test_what_cannot_be_exported_says_why_and_leaves_nothing(tmp_path):
    directory, _ = made_run(tmp_path)
    told = call(export, directory.path, "--form", "adapter")
    assert "the run trained all weights" in str(told.exception)
    assert not (directory.path / "export").exists()
    assert "no checkpoint of step 7; there are: 0-1" in str(call(export, directory.path, "--step", 7).exception)
    assert "learned nothing: give a later step" in str(call(export, directory.path, "--step", 0).exception)
    assert "no run is called 'nix'; in" in str(call(export, "nix", "--runs", tmp_path).exception)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").write_text("mine")
    assert "not empty" in str(call(export, directory.path, "--out", tmp_path / "taken").exception)
    assert (tmp_path / "taken" / "file").read_text() == "mine"
    other = RunConfig.load(EMBEDDED).replace(model={"lora": {"rank": 4}})
    directory.config.write_text(other.to_toml(), encoding="utf-8")
    assert "are not in both" in str(call(export, directory.path).exception)
    assert not (directory.path / "export").exists()
