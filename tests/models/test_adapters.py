"""What an adapter may be: scaled otherwise, with lengths of its own, on 4-bit weights, or one that goes on."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import bitsandbytes
import pytest
import torch
from bitsandbytes.functional import dequantize_4bit
from transformers import Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

from workbench.config import RunConfig
from workbench.engines.options import LOCAL, VLLM
from workbench.models import EMBEDDED_FOLDER, LoraSpec, ModelSpec, check, load_policy
from workbench.models.export import export
from workbench.models.policy import LocalPolicy
from workbench.models.size import embedding_targets, quantised_bytes, size_of
from workbench.runs.process.build import build, embedding_errors
from workbench.types import Row

ROWS = [Row([1, 20, 30], [40, 50, 60, 2]), Row([1, 20, 30], [41, 2]), Row([1, 70], [41, 42, 2])]
SMALL = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "vocab_size": 448, "initializer_range": 0.3}  # fmt: skip


def nudged(policy: LocalPolicy, amount: float = 0.05) -> LocalPolicy:
    """The policy with every trained number moved, as training would."""
    torch.manual_seed(0)
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight.add_(amount * torch.randn_like(weight))
    return policy


def config(**changes: object) -> RunConfig:
    """A short run of the embedded model."""
    tables: dict[str, object] = {
        "task": "word_problems", "rewards": ["exact"], "method": "grpo",
        "rollouts": {"problems": 4, "rollouts": 4, "max_tokens": 48}, "evaluation": {"problems": 0},
        "training": {"steps": 2, "threads": 1, "learning_rate": 1e-3},
    }  # fmt: skip
    return RunConfig(**{**tables, **changes})


def test_rank_stabilised_scaling_divides_by_the_root_of_the_rank():
    plain = load_policy(ModelSpec(lora=LoraSpec(rank=4, alpha=8)))
    stable = load_policy(ModelSpec(lora=LoraSpec(rank=4, alpha=8, rslora=True)))
    scale = {policy: policy.model.base_model.model.model.layers[0].mlp.up_proj.scaling for policy in (plain, stable)}
    assert scale[plain]["default"] == pytest.approx(8 / 4)
    assert scale[stable]["default"] == pytest.approx(8 / math.sqrt(4))


def test_dora_learns_lengths_and_the_engine_writes_with_them():
    trainer = build(config(model={"lora": {"rank": 4, "dora": True}}))
    names = trainer.policy.trainable()
    assert any("magnitude" in name for name in names)
    before = {name: weight.detach().clone() for name, weight in names.items()}
    metrics = [step.metrics for step in trainer][-1]
    assert metrics["mismatch_p99"] < 1e-3  # what the engine wrote is what the trainer reads
    assert any(not torch.equal(before[name], weight) for name, weight in names.items() if "magnitude" in name)


@pytest.mark.parametrize("lora", [None, LoraSpec(rank=2), LoraSpec(rank=2, dora=True)], ids=["full", "lora", "dora"])
@pytest.mark.parametrize("packed", [True, False])
def test_checkpointed_layers_give_the_same_gradients(lora: LoraSpec | None, packed: bool):
    def gradients(checkpointing: bool) -> list[torch.Tensor]:
        policy = nudged(load_policy(ModelSpec(lora=lora, gradient_checkpointing=checkpointing)))
        tokens = torch.tensor([[1, 20, 30, 40, 50], [1, 60, 70, 0, 0]])
        hidden = policy.before(ROWS) if packed else policy.hidden(tokens).flatten(0, 1)
        policy.logits(hidden).log_softmax(-1)[:, 5].sum().backward()
        return [weight.grad for weight in policy.trainable().values() if weight.grad is not None]

    plain, again = gradients(False), gradients(True)
    assert len(plain) == len(again) > 0
    for left, right in zip(plain, again, strict=True):
        torch.testing.assert_close(left, right, atol=1e-5, rtol=1e-5)


def test_checkpointed_layers_keep_less():
    def kept(checkpointing: bool) -> int:
        policy = load_policy(ModelSpec(gradient_checkpointing=checkpointing))
        total = 0

        def count(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal total
            total += tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
            policy.before([Row([1] * 8, [5] * 64) for _ in range(4)])
        return total

    assert kept(True) < 0.4 * kept(False)


def test_a_checkpointed_run_learns_the_same():
    def trained(checkpointing: bool) -> dict[str, torch.Tensor]:
        trainer = build(config(model={"gradient_checkpointing": checkpointing}))
        list(trainer)
        return {name: weight.detach() for name, weight in trainer.policy.trainable().items()}

    plain, again = trained(False), trained(True)
    for name, weight in plain.items():
        torch.testing.assert_close(weight, again[name], atol=1e-5, rtol=1e-4)


def test_an_adapter_goes_on_and_its_reference_is_what_it_was(tmp_path: Path):
    first = nudged(load_policy(ModelSpec(lora=LoraSpec(rank=2, alpha=4))))
    export(first.spec, first.trainable(), tmp_path / "adapter", "adapter")
    spec = ModelSpec(lora=LoraSpec(rank=2, alpha=4, start=str(tmp_path / "adapter")))
    policy = load_policy(spec)
    as_saved = first.before(ROWS).detach()
    torch.testing.assert_close(policy.before(ROWS), as_saved)
    nudged(policy, 0.1)
    moved = policy.before(ROWS).detach()
    assert (moved - as_saved).abs().max() > 0.01
    with policy.reference():
        torch.testing.assert_close(policy.before(ROWS), as_saved)
    torch.testing.assert_close(policy.before(ROWS), moved)


@pytest.mark.parametrize(
    ("lora", "words"),
    [
        ({"start": "/nowhere"}, r"model\.lora\.start = '/nowhere'.*give a folder that peft wrote"),
        ({"dropout": 0.1}, r"model\.lora\.dropout = 0\.1: dropout is off in every pass"),
    ],
)
def test_adapters_that_cannot_be_are_refused_before_loading(lora: dict[str, object], words: str):
    with pytest.raises(ValueError, match=words):
        load_policy(ModelSpec(lora=LoraSpec(**lora)))


def test_an_adapter_of_another_shape_or_a_torn_one_is_refused(tmp_path: Path):
    first = load_policy(ModelSpec(lora=LoraSpec(rank=2, alpha=4, targets=("q_proj",))))
    export(first.spec, first.trainable(), tmp_path, "adapter")
    other = ModelSpec(lora=LoraSpec(rank=3, alpha=4, start=str(tmp_path)))
    assert "the adapter in" in check(other)[0]
    with pytest.raises(ValueError, match="other targets"):
        load_policy(ModelSpec(lora=LoraSpec(rank=2, alpha=4, start=str(tmp_path))))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"torn")
    with pytest.raises(ValueError, match="cannot be read"):
        load_policy(ModelSpec(lora=LoraSpec(rank=2, alpha=4, targets=("q_proj",), start=str(tmp_path))))


def test_targets_that_match_nothing_name_what_there_is():
    with pytest.raises(ValueError, match=r"model\.lora\.targets = \('query',\).*called q_proj, k_proj"):
        load_policy(ModelSpec(lora=LoraSpec(targets=("query",))))


def test_missing_packages_are_named_before_loading(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (problem,) = check(ModelSpec(quantisation="nf4", lora=LoraSpec()))
    assert "pip install bitsandbytes" in problem
    (problem,) = check(ModelSpec(attention="flash_attention_2"))
    assert "pip install flash-attn" in problem


def test_double_quantisation_takes_less_and_answers_nearly_the_same():
    spec = ModelSpec(quantisation="nf4", lora=LoraSpec(rank=2))
    double = ModelSpec(quantisation="nf4", double_quantisation=True, lora=LoraSpec(rank=2))
    assert quantised_bytes((512, 512), double) == 512 * 512 // 2 + 4096 + 4 * 16 + 1024 + 64
    assert size_of(double).weights < size_of(spec).weights
    one, other = (load_policy(each).before(ROWS) for each in (spec, double))
    assert not torch.equal(one, other)
    assert torch.nn.functional.cosine_similarity(one, other).min() > 0.99
    assert "model.quantisation = 'nf4'" in check(ModelSpec(double_quantisation=True))[0]


@pytest.mark.parametrize("biased", [False, True], ids=["qwen3", "qwen2"])
def test_four_bits_train_on_a_cpu(tmp_path: Path, biased: bool):
    """Qwen2's layers have a bias, Qwen3's have none."""
    kind, settings = (Qwen2ForCausalLM, Qwen2Config) if biased else (Qwen3ForCausalLM, Qwen3Config)
    torch.manual_seed(0)
    kind(settings(**SMALL, head_dim=16) if not biased else settings(**SMALL)).save_pretrained(tmp_path)
    load_policy(ModelSpec()).encoder.tokenizer.save_pretrained(tmp_path)
    spec = ModelSpec(name=str(tmp_path), lora=LoraSpec(rank=2), linear="torch")
    policies = [nudged(load_policy(dataclasses.replace(spec, quantisation=kind))) for kind in ("nf4", None)]
    with torch.no_grad():  # the plain model gets what the 4 bits stand for
        for packed, plain in zip(*(policy.model.modules() for policy in policies), strict=True):
            if isinstance(packed, bitsandbytes.nn.Linear4bit):
                plain.weight.copy_(dequantize_4bit(packed.weight.data, packed.weight.quant_state))
    gradients = []
    for policy in policies:
        policy.logits(policy.before(ROWS)).log_softmax(-1)[:, 5].sum().backward()
        gradients.append([weight.grad for weight in policy.trainable().values()])
    for of_packed, of_plain in zip(*gradients, strict=True):
        torch.testing.assert_close(of_packed, of_plain, atol=1e-4, rtol=1e-3)


def test_the_thinking_switch_reaches_the_template():
    policy = load_policy(ModelSpec(thinking=False))
    policy.encoder.tokenizer.chat_template = "{{ 'on' if enable_thinking else 'off' }}"
    assert policy.encoder.shown(policy.encoder.prompt("x")).strip() == "off"
    assert "model.thinking needs a chat template" in check(ModelSpec(thinking=True, chat=False))[0]


def test_code_of_others_runs_only_when_asked(tmp_path: Path):
    text = (EMBEDDED_FOLDER / "config.json").read_text().replace('"model_type": "qwen3"', '"model_type": "own"')
    (tmp_path / "config.json").write_text(text.replace("{", '{"auto_map": {"AutoConfig": "own.OwnConfig"},', 1))
    (tmp_path / "own.py").write_text("raise SystemExit('ran')\n")
    with pytest.raises((ValueError, OSError), match="trust_remote_code"):
        load_policy(ModelSpec(name=str(tmp_path)))


def test_four_bits_with_an_adapter_learn():
    """The mean reward of the last three of twelve steps is at least .3 above that of the first three."""
    model = {"quantisation": "nf4", "lora": {"rank": 16, "alpha": 32}}
    rollouts = {"problems": 8, "rollouts": 8, "max_tokens": 64}
    trainer = build(config(model=model, rollouts=rollouts, training={"steps": 12, "threads": 1, "learning_rate": 2e-3}))
    rewards = [step.metrics["reward"] for step in trainer]
    assert sum(rewards[-3:]) / 3 >= sum(rewards[:3]) / 3 + 0.3


@pytest.mark.parametrize("lora", [None, LoraSpec(rank=2)], ids=["full", "lora"])
def test_float16_trains_an_adapter_alone(lora: LoraSpec | None):
    found = check(ModelSpec(dtype="float16", lora=lora))
    if lora is None:
        assert "model.dtype = 'bfloat16', or train an adapter" in found[0]
    else:
        assert not found
        trained = load_policy(ModelSpec(dtype="float16", lora=lora)).trainable().values()
        assert {weight.dtype for weight in trained} == {torch.float32}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (("q_proj", "embed_tokens"), ["embed_tokens"]),
        (("lm_head", "model.embed_tokens"), ["lm_head", "model.embed_tokens"]),
        (("q_proj",), []),
        ("all-linear", []),
    ],
)
def test_vllm_does_not_take_an_adapter_on_the_embeddings(targets: Any, expected: list[str]):
    spec = ModelSpec(lora=LoraSpec(rank=2, targets=targets))
    assert embedding_targets(spec) == expected
    run = config(model={"lora": {"rank": 2, "targets": targets}})
    found = embedding_errors(run, VLLM)
    assert [target for target in expected if f"model.lora.targets has {target!r}" in " ".join(found)] == expected
    assert not embedding_errors(run, LOCAL)
