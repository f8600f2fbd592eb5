"""The comparison of engine and trainer with moved weights: it finds what a fresh adapter hides, and leaves no trace."""

import contextlib
from typing import Any

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from tests.engines.engine_models import build, make_policy
from workbench.engines import agreement
from workbench.engines.agreement import check_agreement, module_of
from workbench.engines.build import make_engine
from workbench.engines.local.engine import LocalEngine
from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.models.policy import LocalPolicy

TARGETS = ("embed_tokens", "lm_head", "q_proj", "o_proj", "down_proj")
FAMILIES = {"llama": (LlamaForCausalLM, LlamaConfig), "qwen3": (Qwen3ForCausalLM, Qwen3Config)}


def policy(
    family: str, *, tied: bool = True, dtype: torch.dtype = torch.float32, targets: Any = TARGETS
) -> LocalPolicy:
    """A random model with a fresh adapter on these modules; all weights are trained where there are none."""
    model = build(*FAMILIES[family], tie_word_embeddings=tied).to(dtype)
    made = make_policy(model, LoraSpec(rank=4, targets=targets) if targets else None)
    with torch.no_grad():
        for name, weight in made.trainable().items():
            if "lora_B" in name or "lora_embedding_B" in name:
                weight.zero_()  # as an adapter starts
    return made


class Stale(LocalEngine):
    """An engine that keeps a copy of one kind of module from when it was made."""

    def __init__(self, policy: LocalPolicy, kind: str) -> None:
        super().__init__(policy, decoder="modules", concurrent=8)
        self.held = {name: w for name, w in policy.trainable().items() if module_of(name).endswith(kind)}
        self.copies = {name: weight.detach().clone() for name, weight in self.held.items()}

    def generate(self, *given: Any) -> Any:
        with torch.no_grad(), agreement.restored(self.held), contextlib.ExitStack():
            for name, weight in self.held.items():
                weight.copy_(self.copies[name])
            return super().generate(*given)


@pytest.mark.parametrize("engine", ["local", "generate"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("targets", [TARGETS, ("embed_tokens",), ("lm_head",), "all-linear", None], ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_engines_follow_every_weight_and_it_is_put_back(family, targets, tied, dtype, engine):
    made = policy(family, tied=tied, dtype=dtype, targets=targets)
    before = {name: weight.detach().clone() for name, weight in made.trainable().items()}
    make_engine(engine, made, concurrent=8)
    for name, weight in made.trainable().items():
        assert torch.equal(weight, before[name]), name


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("kind", TARGETS)
def test_a_stale_copy_is_found_and_named(kind, dtype):
    made = policy("llama", dtype=dtype)
    engine = Stale(made, kind)
    rows = [agreement.Row(prompt, prompt) for prompt in agreement.prompts(made)]
    with torch.no_grad():
        told = agreement.log_probs(made, rows)
    words = r"changed, .*set rollouts\.engine = 'generate', or leave these modules out of model\.lora\.targets"
    with pytest.raises(ValueError, match=words) as caught:
        check_agreement(engine, made, "local")
    assert kind in str(caught.value)
    assert not {other for other in TARGETS if other != kind and f".{other}" in str(caught.value)}
    with torch.no_grad():
        assert torch.equal(agreement.log_probs(made, rows), told)  # also after a refusal


def test_a_stale_norm_is_found_where_all_weights_are_trained():
    made = policy("llama", targets=None)
    with pytest.raises(ValueError, match=r"weights of model\.norm changed, .*'generate'$"):
        check_agreement(Stale(made, "model.norm"), made, "local")


def test_an_adapter_on_the_embeddings_is_sampled_with():
    """What `fused` read before: the table without the adapter, 1.5 nats a token from the trainer."""
    made = policy("qwen3", targets=("embed_tokens",))
    engine = LocalEngine(made, decoder="fused", concurrent=8)
    with torch.no_grad():
        agreement.move(made.trainable(), 5.0)
        found = agreement.disagreement(engine, made, made.trainable())
    assert found.moved > 0.1
    assert found.difference < 1e-4


def test_only_as_many_weights_are_copied_as_allowed(monkeypatch):
    weights = {str(size): torch.zeros(size) for size in (40, 10, 20, 30)}
    monkeypatch.setattr(agreement, "LIMIT", 4 * 35)
    assert list(agreement.moved_weights(weights)) == ["10", "20"]
    monkeypatch.setattr(agreement, "LIMIT", 1)
    assert list(agreement.moved_weights(weights)) == ["10"]


def test_a_number_that_is_not_finite_is_no_agreement():
    assert not agreement.Found(float("nan"), 1.0).agrees(exact=True)
    assert not agreement.Found(float("nan"), 1.0).agrees(exact=False)


def test_a_policy_as_it_is_loaded_agrees():
    make_engine(
        "local", load_policy(ModelSpec(lora=LoraSpec(rank=2, targets=("embed_tokens", "lm_head")))), concurrent=4
    )
