"""Loading a model, its adapter and its tokenizer; the policy's two questions; the reference."""

import copy
import re
import shutil
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, Gemma2Config, Gemma2ForCausalLM

from workbench.models import EMBEDDED_FOLDER, LoraSpec, ModelSpec, check, load_policy, spec
from workbench.models.linear import OneDnnLinear, use_onednn
from workbench.models.policy import LocalPolicy
from workbench.types import Encoder, Policy

TOKENS = torch.tensor([[1, 20, 30, 40, 50], [1, 60, 70, 0, 0]])


@pytest.fixture(scope="module")
def policy() -> LocalPolicy:
    """The embedded model; tests leave its weights as they are."""
    return load_policy(ModelSpec())


def test_satisfies_the_protocols(policy):
    assert isinstance(policy, Policy)
    assert isinstance(policy.encoder, Encoder)
    assert not policy.model.training


@pytest.mark.parametrize("linear", ["torch", "onednn"])
def test_head_times_hidden_are_the_models_logits(linear):
    own = AutoModelForCausalLM.from_pretrained(EMBEDDED_FOLDER)
    expected = own(TOKENS).logits
    policy = load_policy(ModelSpec(linear=linear))
    found = policy.logits(policy.hidden(TOKENS).flatten(0, 1)).view(expected.shape)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
    positions = torch.arange(5).expand(2, 5)
    torch.testing.assert_close(policy.hidden(TOKENS, positions), policy.hidden(TOKENS))


def test_padding_on_the_right_changes_no_earlier_token(policy):
    alone = policy.hidden(TOKENS[1:, :3])
    torch.testing.assert_close(policy.hidden(TOKENS)[1:, :3], alone, atol=1e-5, rtol=1e-5)


def test_onednn_gives_the_same_gradients():
    def gradients(linear: str) -> list[torch.Tensor]:
        policy = load_policy(ModelSpec(linear=linear))
        policy.logits(policy.hidden(TOKENS)[:, -1]).log_softmax(-1)[:, 5].sum().backward()
        return [weight.grad for weight in policy.trainable().values()]

    for left, right in zip(gradients("torch"), gradients("onednn"), strict=True):
        torch.testing.assert_close(left, right, atol=1e-4, rtol=1e-4)


def test_onednn_layers_and_torch_layers_agree_with_bias():
    torch.manual_seed(0)
    plain = torch.nn.Sequential(torch.nn.Linear(6, 5))
    fast = copy.deepcopy(plain)
    assert use_onednn(fast) == 1
    assert isinstance(fast[0], OneDnnLinear)
    values = torch.randn(2, 3, 6, requires_grad=True)
    other = values.detach().clone().requires_grad_()
    plain(values).square().sum().backward()
    fast(other).square().sum().backward()
    torch.testing.assert_close(values.grad, other.grad)
    for left, right in zip(plain.parameters(), fast.parameters(), strict=True):
        torch.testing.assert_close(left.grad, right.grad)


def test_lora_trains_the_adapter_alone_and_starts_at_the_base(policy):
    adapted = load_policy(ModelSpec(lora=LoraSpec(rank=2, alpha=4)), seed=1)
    names = adapted.trainable()
    assert names
    assert all("lora_" in name for name in names)
    assert not any("lm_head" in name for name in names)
    base = policy.hidden(TOKENS)
    torch.testing.assert_close(adapted.hidden(TOKENS), base, atol=1e-5, rtol=1e-5)
    again = load_policy(ModelSpec(lora=LoraSpec(rank=2, alpha=4)), seed=1).trainable()
    assert all(torch.equal(weight, again[name]) for name, weight in names.items())
    with torch.no_grad():
        for weight in names.values():
            weight.add_(0.05)
    moved = adapted.hidden(TOKENS)
    assert (moved - base).abs().max() > 0.01
    with adapted.reference():
        torch.testing.assert_close(adapted.hidden(TOKENS), base, atol=1e-5, rtol=1e-5)
        assert not adapted.hidden(TOKENS).requires_grad
    torch.testing.assert_close(adapted.hidden(TOKENS), moved)


def test_lora_on_named_modules():
    adapted = load_policy(ModelSpec(lora=LoraSpec(targets=("q_proj", "v_proj"))))
    assert {name.split(".")[-4] for name in adapted.trainable()} == {"q_proj", "v_proj"}


def test_the_reference_of_full_training_is_a_copy():
    policy = load_policy(ModelSpec())
    with pytest.raises(ValueError, match="keep_reference"), policy.reference():
        pass
    policy.keep_reference()
    before = policy.logits(policy.hidden(TOKENS)[:, -1])
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight.mul_(1.1)
    with policy.reference():
        torch.testing.assert_close(policy.logits(policy.hidden(TOKENS)[:, -1]), before, atol=1e-4, rtol=1e-4)
    assert (policy.logits(policy.hidden(TOKENS)[:, -1]) - before).abs().max() > 0.1


def test_a_model_that_caps_its_logits_is_refused(policy):
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    heads = {"num_key_value_heads": 1, "head_dim": 8, "vocab_size": 64, "initializer_range": 1.0}
    capped = Gemma2ForCausalLM(Gemma2Config(**sizes, **heads, final_logit_softcapping=1.0))
    with pytest.raises(ValueError, match=r"'gemma2'.*capping"):
        LocalPolicy(capped, policy.encoder, ModelSpec())


def test_any_local_model_folder(policy, tmp_path):
    policy.model.save_pretrained(tmp_path)
    policy.encoder.tokenizer.save_pretrained(tmp_path)
    other = load_policy(ModelSpec(name=str(tmp_path), lora=LoraSpec()))
    assert other.encoder.stop == policy.encoder.stop == (2,)
    with other.reference():
        torch.testing.assert_close(other.hidden(TOKENS), policy.hidden(TOKENS), atol=1e-5, rtol=1e-5)


def test_prompts_answers_and_pieces(policy):
    encoder = policy.encoder
    asked = encoder.prompt("What is 3 + 4?")
    assert encoder.shown(asked) == "<|bos|>What is 3 + 4?\n"
    answer = [*encoder.answer(" Café 7."), 2]
    assert encoder.text(answer) == " Café 7."
    assert encoder.texts([answer, []]) == [" Café 7.", ""]
    pieces = encoder.pieces(answer)
    assert len(pieces) == len(answer)
    assert "".join(pieces) == encoder.shown(answer)
    assert pieces[-1] == "<|eos|>"
    assert "" in pieces  # the accented letter takes two tokens
    assert encoder.pieces(answer[: pieces.index("") + 1])[-1] == "\N{REPLACEMENT CHARACTER}"


def test_without_chat_template():
    plain = load_policy(ModelSpec(chat=False)).encoder
    assert plain.shown(plain.prompt("Hi")) == "<|bos|>Hi"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "/nowhere/model"}, r"'/nowhere/model': there is no such folder; give"),
        ({"name": "./model"}, "no such folder"),
        ({"name": "bad name!"}, "possible Hub name"),
        ({"quantisation": "nf4"}, "set model.lora"),
        ({"quantisation": "nf4", "lora": LoraSpec(), "linear": "onednn"}, "model.linear"),
        ({"chat": False, "system": "Be brief."}, "model.system"),
    ],
)
def test_mistakes_are_found_without_reading_weights(fields, words):
    (problem,) = check(ModelSpec(**fields))
    assert re.search(words, problem)
    with pytest.raises(ValueError, match=words):
        load_policy(ModelSpec(**fields))


def test_all_mistakes_at_once():
    assert len(check(ModelSpec(name="/nowhere", quantisation="int8"))) == 2


def test_a_name_that_is_not_cached_offline(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (problem,) = check(ModelSpec(name="nobody/nothing"))
    assert "HF_HUB_OFFLINE" in problem


class LineIsDownError(Exception):
    """What the Hub's client raises is no OSError in every version."""


def test_a_name_that_is_not_cached_without_a_network(monkeypatch):
    def down(*arguments: object, **keywords: object) -> None:
        raise LineIsDownError

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", down)
    (problem,) = check(ModelSpec(name="nobody/nothing"))
    assert "the Hub gave LineIsDownError; set model.name to" in problem


def test_a_folder_without_tokenizer_and_one_with_torn_weights(tmp_path: Path):
    embedded = EMBEDDED_FOLDER
    for name in ("config.json", "model.safetensors"):
        shutil.copy(embedded / name, tmp_path)
    with pytest.raises(ValueError, match="there is no tokenizer beside the weights; put the files there"):
        load_policy(ModelSpec(name=str(tmp_path), device="cpu"))
    (tmp_path / "model.safetensors").write_bytes((embedded / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"its weights cannot be read \(.*; give a folder written by save_pretrained"):
        load_policy(ModelSpec(name=str(tmp_path), device="cpu"))


def test_a_folder_without_config(tmp_path: Path):
    assert "config.json" in check(ModelSpec(name=str(tmp_path)))[0]


@pytest.mark.parametrize("wrong", [{"dtype": "float8"}, {"nmae": "x"}, {"lora": {"rank": 0}}, {"name": ""}])
def test_the_spec_refuses(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ModelSpec(**wrong)


def test_the_embedded_folder():
    assert check(ModelSpec()) == []
    assert spec.ModelSpec().source == str(EMBEDDED_FOLDER)
