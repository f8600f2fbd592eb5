"""What cannot be planned: one message each, with cause and remedy."""

import json
import sys
from pathlib import Path

import httpx
import pytest
import torch
import transformers
from huggingface_hub.errors import GatedRepoError
from transformers import dynamic_module_utils

from workbench.models import load
from workbench.models.spec import ModelSpec
from workbench.planning.forecast import forecast
from workbench.planning.memory import GIB
from workbench.runs.demo import demo_config
from workbench.runs.process.build import errors

FIXTURES = Path(__file__).parents[1] / "models" / "configs"
WHOLE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab_size": 100}


def config_with(name: object, **model):
    """The demonstration with another model."""
    return demo_config().replace(model={"name": str(name), "device": "cpu", **model})


def message_of(folder: Path, **fields) -> str:
    """What is said of a model whose config.json has these fields."""
    (folder / "config.json").write_text(json.dumps(fields))
    with pytest.raises(ValueError, match=r"model\.name = ") as caught:
        forecast(config_with(folder), GIB)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_model_that_is_nowhere():
    with pytest.raises(ValueError, match=r"there is no such folder; give one that holds config\.json"):
        forecast(config_with("/nowhere/at/all"), GIB)


def test_a_config_json_that_is_no_model(tmp_path):
    assert "cannot be read" in message_of(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="not a valid JSON file"):
        forecast(config_with(tmp_path), GIB)


@pytest.mark.parametrize("name", WHOLE)
def test_a_config_json_without_a_number_is_not_filled_up_with_another_models(tmp_path, name):
    fields = {key: value for key, value in WHOLE.items() if key != name}
    assert f"lacks {name}; put back" in message_of(tmp_path, model_type="qwen2", **fields)


def test_other_names_of_the_same_numbers_are_known(tmp_path):
    fields = {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": 100, "n_positions": 64}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    assert load.architecture(ModelSpec(name=str(tmp_path))).hidden_size == 32


def test_numbers_that_make_no_model_and_models_without_attention(tmp_path):
    told = message_of(tmp_path, model_type="qwen2", num_key_value_heads=0, **WHOLE)
    assert "no causal language model can be made from its config.json (ZeroDivisionError" in told
    (tmp_path / "mamba").mkdir()
    fields = {"model_type": "mamba", "hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 100}
    (tmp_path / "mamba" / "config.json").write_text(json.dumps(fields))
    with pytest.raises(ValueError, match="'mamba' has no attention heads"):
        forecast(config_with(tmp_path / "mamba", attention="eager"), GIB)


def test_a_gated_model_names_terms_and_login(tmp_path, monkeypatch):
    def refuse(*given, **options):
        request = httpx.Request("HEAD", "https://huggingface.co")
        cause = GatedRepoError("401", response=httpx.Response(401, request=request))
        raise OSError("You are trying to access a gated repo.") from cause

    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setattr(transformers.AutoConfig, "from_pretrained", refuse)
    with pytest.raises(ValueError, match="hf auth login") as caught:
        forecast(config_with(tmp_path), GIB)
    assert f"accept the model's terms at https://huggingface.co/{tmp_path}" in str(caught.value)


def test_a_device_that_is_not_here(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="--memory"):
        forecast(demo_config().replace(model={"device": "cuda"}))


def test_code_that_comes_with_a_model_is_run_only_where_it_is_trusted(tmp_path, monkeypatch):
    """`errors` reads the configuration as the model is loaded: with the spec's own options."""
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    folder = tmp_path / "own-code"
    folder.mkdir()
    fields = {"model_type": "own_code", "auto_map": {"AutoConfig": "own.OwnConfig"}, **WHOLE}
    (folder / "config.json").write_text(json.dumps({**fields, "max_position_embeddings": 50}))
    (folder / "own.py").write_text(
        "from transformers import Qwen2Config\n\nclass OwnConfig(Qwen2Config):\n    model_type = 'own_code'\n"
    )
    [refused] = errors(config_with(folder))
    assert refused.endswith("if you trust that code, set model.trust_remote_code = true")
    [told] = errors(config_with(folder, trust_remote_code=True))
    assert told.startswith("rollouts.max_tokens = 96: the model reads 50 tokens")
