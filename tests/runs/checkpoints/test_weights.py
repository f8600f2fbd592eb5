"""The changes of a run's weights: against tensors read whole, and against peft's own merging."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from tests.runs.real_run import make_run
from workbench.cli import app
from workbench.models.load import load_policy
from workbench.models.spec import LoraSpec, ModelSpec
from workbench.runs.checkpoints.weights import weight_changes
from workbench.runs.open import Run


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with an adapter."""
    lora = {"rank": 2, "targets": ["q_proj", "up_proj"]}
    return make_run(tmp_path_factory.mktemp("adapted"), model={"lora": lora}, training={"learning_rate": 1e-2})


def stored(run: Run, step: int) -> dict[str, torch.Tensor]:
    """The weights of a checkpoint."""
    return load_file(run.directory.checkpoints / f"step-{step:06d}" / "weights.safetensors")


def test_all_weights_of_a_run_tied_ones_once(run: Run) -> None:
    found = weight_changes(run)
    before = {name: weight.detach() for name, weight in load_policy(ModelSpec()).model.named_parameters()}
    after = stored(run, 3)
    assert [each.name for each in found.changes] == list(before)
    assert (found.start, found.end, found.merged) == (0, 3, False)
    for each in found.changes:
        start, end = before[each.name], after[each.name]
        assert each.unchanged[0].exact == int((start == end).sum())
        assert each.unchanged[0].bfloat16 == int((start.bfloat16() == end.bfloat16()).sum())
        assert each.norm == pytest.approx(float((end - start).norm()))
    document = found.document()
    assert document["total"]["size"] == sum(weight.numel() for weight in before.values())
    assert document["total"]["unchanged"]["exact"] < 0.01 < document["total"]["unchanged"]["bfloat16"]
    assert {row["layer"] for row in document["layers"]} == {None, *range(len(document["layers"]) - 1)}


def test_two_checkpoints_are_compared_without_loading_the_model(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.runs.checkpoints.weights.snapshot", None)
    found = weight_changes(run, 1, 2, ranks=False)
    assert (found.start, found.end) == (1, 2)
    assert all(each.rank is None for each in found.changes)
    assert weight_changes(run, 2, 2, ranks=False).document()["total"]["unchanged"]["exact"] == 1.0


def test_an_adapter_is_compared_merged(adapted: Run) -> None:
    found = weight_changes(adapted)
    assert found.merged
    lora = LoraSpec(rank=2, targets=("q_proj", "up_proj"))
    model = load_policy(ModelSpec(lora=lora)).model
    base = {name.replace(".base_layer", ""): weight.detach().clone() for name, weight in model.named_parameters()}
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in stored(adapted, 3).items():
            own[name].copy_(value)
    merged = model.merge_and_unload().state_dict()
    assert len(found.changes) == 2 * model.config.num_hidden_layers
    for each in found.changes:
        expected = merged[each.name.removeprefix("base_model.model.")] - base[each.name]
        assert each.norm == pytest.approx(float(expected.norm()), rel=1e-4)
        assert each.rank is not None
        assert 0 < each.rank <= 2


def test_the_command_prints_a_table_and_json(run: Run) -> None:
    told = CliRunner().invoke(app, ["weights", str(run.path), "--from", "start", "--to", "last", "--no-ranks"])
    assert told.exit_code == 0, told.output
    assert "step 0 to step 3" in told.output
    assert "self_attn.q_proj" in told.output
    answer = CliRunner().invoke(app, ["weights", str(run.path), "--from", "2", "--json", "--no-ranks"])
    found = json.loads(answer.output.splitlines()[-1])
    assert (found["from"], found["to"]) == (2, 3)
    assert found["factors"][0] == 1.0


@pytest.mark.parametrize(("words", "told"), [(("--from", "first"), "--from first: give"), (("--to", "9"), "of step 9")])
def test_a_step_that_is_not_there_is_named(run: Run, words: tuple[str, str], told: str) -> None:
    answer = CliRunner().invoke(app, ["weights", str(run.path), *words])
    assert isinstance(answer.exception, ValueError)
    assert told in str(answer.exception)


def test_dora_is_refused(tmp_path: Path, adapted: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    del tmp_path
    table = adapted.resolved
    table["model"]["lora"]["dora"] = True
    monkeypatch.setattr(Run, "resolved", property(lambda run: {**table}))
    with pytest.raises(ValueError, match="trains with DoRA, whose merged weights are no sum"):
        weight_changes(adapted)
