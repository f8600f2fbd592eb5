"""The local engine writes what the model would, whoever shares the batch."""

import dataclasses

import pytest
import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from tests.engines.engine_models import build, logprobs, make_policy, make_requests, qwen3
from workbench.engines.generate import GenerateEngine
from workbench.engines.local import engine as engine_module
from workbench.engines.local.engine import LocalEngine
from workbench.engines.local.fused import FusedDecoder
from workbench.models import LoraSpec
from workbench.types import Engine, Rollout, Sampling

STOP = tuple(range(300, 330))  # so many that a random model meets one now and then
SAMPLING = Sampling(max_tokens=20, seed=5, step=2, stop=STOP)


def same(left: list[Rollout], right: list[Rollout]) -> None:
    """The same rollouts, and log-probs up to rounding."""
    assert [(a.request.number, a.index, a.tokens, a.finish) for a in left] == [
        (b.request.number, b.index, b.tokens, b.finish) for b in right
    ]
    for a, b in zip(left, right, strict=True):
        torch.testing.assert_close(torch.tensor(a.engine_logprob), torch.tensor(b.engine_logprob), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("decoder", ["fused", "modules"])
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_logprobs_are_those_of_one_pass_over_the_text(decoder, temperature):
    engine = LocalEngine(qwen3(), concurrent=7, decoder=decoder)
    rollouts = engine.generate(make_requests(), dataclasses.replace(SAMPLING, temperature=temperature))
    assert {rollout.finish for rollout in rollouts} == {"stop", "length"}
    for rollout in rollouts:
        expected = logprobs(qwen3(), rollout, temperature)
        torch.testing.assert_close(torch.tensor(rollout.engine_logprob), expected, atol=2e-5, rtol=1e-5)
        assert rollout.sampled_logprob == rollout.engine_logprob
        assert (rollout.tokens[-1] in STOP) == (rollout.finish == "stop")
        assert not set(rollout.tokens[:-1]) & set(STOP)
        assert len(rollout.tokens) <= 20
        assert rollout.text == qwen3().encoder.text(rollout.tokens)


def test_a_rollout_does_not_depend_on_who_shares_the_batch():
    requests = make_requests()
    together = LocalEngine(qwen3()).generate(requests, SAMPLING)
    for concurrent in (1, 3, 5):
        same(LocalEngine(qwen3(), concurrent=concurrent).generate(requests, SAMPLING), together)
    alone = [rollout for request in requests for rollout in LocalEngine(qwen3()).generate([request], SAMPLING)]
    same(alone, together)
    engine = LocalEngine(qwen3(), decoder="modules")
    same(engine.generate(requests, SAMPLING), together)
    same(engine.generate(requests, SAMPLING), together)  # rows used again
    same(GenerateEngine(qwen3(), concurrent=3).generate(requests, SAMPLING), together)


def test_seed_step_and_request_number_key_the_noise():
    engine = LocalEngine(qwen3())
    first = engine.generate(make_requests(1), SAMPLING)
    for other in (dataclasses.replace(SAMPLING, seed=6), dataclasses.replace(SAMPLING, step=3)):
        assert [a.tokens for a in engine.generate(make_requests(1), other)] != [a.tokens for a in first]
    request = make_requests(2)[0]
    left, right = engine.generate([request], SAMPLING)
    assert left.tokens != right.tokens


@pytest.mark.parametrize("engine", [LocalEngine(qwen3(), concurrent=5), GenerateEngine(qwen3())])
def test_given_prefixes_and_limits_of_their_own(engine: Engine):
    requests = make_requests(2, prefix=(50, 60), max_tokens=6)
    for rollout in engine.generate(requests, SAMPLING):
        assert rollout.tokens[:2] == [50, 60]
        assert len(rollout.tokens) <= 6
        assert rollout.trained[:3] == [False, False, True]
        drawn = torch.tensor(rollout.engine_logprob)
        assert drawn[:2].isnan().all()
        torch.testing.assert_close(drawn[2:], logprobs(qwen3(), rollout)[2:], atol=2e-5, rtol=1e-5)


def test_greedy_takes_the_likeliest_token():
    rollouts = LocalEngine(qwen3()).generate(make_requests(1), dataclasses.replace(SAMPLING, temperature=0.0))
    for rollout in rollouts:
        tokens = torch.tensor([[*rollout.prompt, *rollout.tokens]])
        best = qwen3().logits(qwen3().hidden(tokens)[0]).argmax(-1)[len(rollout.prompt) - 1 : -1]
        assert best.tolist() == rollout.tokens
        assert set(rollout.sampled_logprob) == {0.0}
        torch.testing.assert_close(torch.tensor(rollout.engine_logprob), logprobs(qwen3(), rollout), atol=2e-5, rtol=0)


def test_truncated_sampling_records_both_logprobs():
    rollouts = LocalEngine(qwen3()).generate(make_requests(), dataclasses.replace(SAMPLING, top_k=2))
    differ = 0
    for rollout in rollouts:
        torch.testing.assert_close(
            torch.tensor(rollout.engine_logprob), logprobs(qwen3(), rollout), atol=2e-5, rtol=1e-5
        )
        pairs = zip(rollout.sampled_logprob, rollout.engine_logprob, strict=True)
        differ += sum(sampled > engine + 1e-6 for sampled, engine in pairs)
    assert differ > 10


FAMILIES = {
    "llama": (LlamaForCausalLM, LlamaConfig, {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config, {"head_dim": 12, "hidden_size": 48}),
    "mistral": (MistralForCausalLM, MistralConfig, {"sliding_window": None, "num_key_value_heads": 4}),
    "phi3": (Phi3ForCausalLM, Phi3Config, {"sliding_window": None, "hidden_size": 48}),
    "gpt2": (
        GPT2LMHeadModel,
        GPT2Config,
        {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "num_key_value_heads": 4},
    ),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_other_families(family: str):
    kind, config, changes = FAMILIES[family]
    policy = make_policy(build(kind, config, **changes))
    engine = LocalEngine(policy, concurrent=6)
    assert isinstance(engine.decoder, FusedDecoder) == (family in ("llama", "qwen2", "mistral"))
    for rollout in engine.generate(make_requests(2), SAMPLING):
        expected = logprobs(policy, rollout)
        torch.testing.assert_close(torch.tensor(rollout.engine_logprob), expected, atol=5e-5, rtol=1e-4)


@pytest.mark.parametrize("decoder", ["fused", "modules"])
def test_follows_the_weights(decoder):
    policy = make_policy(build(LlamaForCausalLM, LlamaConfig), LoraSpec(rank=4, alpha=8))
    engine = LocalEngine(policy, decoder=decoder)
    before = engine.generate(make_requests(1), SAMPLING)
    for weight in policy.trainable().values():
        weight.data.mul_(1.5)
    engine.sync(policy)
    after = engine.generate(make_requests(1), SAMPLING)
    assert [a.tokens for a in after] != [a.tokens for a in before]
    for rollout in after:
        torch.testing.assert_close(
            torch.tensor(rollout.engine_logprob), logprobs(policy, rollout), atol=5e-5, rtol=1e-4
        )


def test_training_goes_on_after_generating():
    policy = make_policy(build(LlamaForCausalLM, LlamaConfig))
    LocalEngine(policy).generate(make_requests(1), SAMPLING)
    policy.logits(policy.hidden(torch.tensor([[1, 5, 9]]))[0]).logsumexp(-1).sum().backward()
    assert all(weight.grad is not None for weight in policy.trainable().values())


def test_what_it_cannot_keep_rows_for_is_refused():
    windowed = build(MistralForCausalLM, MistralConfig, sliding_window=8)
    with pytest.raises(ValueError, match=r"'mistral'.*sliding window.*rollouts.engine = 'generate'"):
        LocalEngine(make_policy(windowed))
    layers = {"layer_types": ["sliding_attention", "full_attention"], "use_sliding_window": True, "sliding_window": 8}
    with pytest.raises(ValueError, match="sliding_attention"):
        LocalEngine(make_policy(build(Qwen2ForCausalLM, Qwen2Config, **layers)))
    assert GenerateEngine(make_policy(windowed)).generate(make_requests(1), SAMPLING)


def test_a_decoder_that_errs_is_found_at_load(monkeypatch):
    monkeypatch.setattr(FusedDecoder, "normalise", lambda self, values, weight: values)
    with pytest.raises(ValueError, match="does not reproduce model type 'qwen3'"):
        LocalEngine(qwen3())


def test_wrong_orders_are_refused_before_work():
    engine = LocalEngine(qwen3(), concurrent=2, memory=2**30)
    request = make_requests(1)[0]
    assert engine.generate([], SAMPLING) == []
    for wrong, words in (
        ([request, request], "same number"),
        ([dataclasses.replace(request, prompt=())], "no prompt"),
        ([dataclasses.replace(request, prefix=(1, 2, 3), max_tokens=3)], "leaves no token"),
        ([dataclasses.replace(request, max_tokens=126)], "the model has 128"),
    ):
        with pytest.raises(ValueError, match=words):
            engine.generate(wrong, SAMPLING)
    with pytest.raises(ValueError, match="top_p"):
        engine.generate([request], dataclasses.replace(SAMPLING, top_p=0.0))
    with pytest.raises(ValueError, match="memory=100"):
        LocalEngine(qwen3(), memory=100).generate([request], SAMPLING)
    with pytest.raises(ValueError, match="concurrent=0"):
        LocalEngine(qwen3(), concurrent=0)
    with pytest.raises(ValueError, match="another policy"):
        engine.sync(make_policy(build(LlamaForCausalLM, LlamaConfig)))


def test_no_step_is_spent_on_a_finished_row(monkeypatch):
    engine = LocalEngine(qwen3(), concurrent=6)
    stepped = []
    original = engine.decoder.step
    monkeypatch.setattr(
        engine.decoder,
        "step",
        lambda rows, tokens, longest: stepped.append(len(tokens)) or original(rows, tokens, longest),
    )
    rollouts = engine.generate(make_requests(), SAMPLING)
    assert sum(stepped) == sum(len(rollout.tokens) for rollout in rollouts)
    assert engine_module.ROUND % 8 == 0


def test_a_request_may_have_a_temperature_of_its_own():
    requests = make_requests()
    warm = [
        dataclasses.replace(request, temperature=0.0 if place % 2 else None) for place, request in enumerate(requests)
    ]
    plain = LocalEngine(qwen3(), concurrent=5).generate(requests, SAMPLING)
    found = LocalEngine(qwen3(), concurrent=5).generate(warm, SAMPLING)
    own = [rollout.request.temperature is not None for rollout in found]
    same(
        [rollout for rollout, mine in zip(found, own, strict=True) if not mine],
        [rollout for rollout, mine in zip(plain, own, strict=True) if not mine],
    )
    for rollout in (rollout for rollout, mine in zip(found, own, strict=True) if mine):
        given = len(rollout.request.prefix)
        assert set(rollout.sampled_logprob[given:]) == {0.0}
        expected = logprobs(qwen3(), rollout, 1.0)
        torch.testing.assert_close(torch.tensor(rollout.engine_logprob), expected, atol=2e-5, rtol=1e-5, equal_nan=True)
    with pytest.raises(ValueError, match=r"is for temperature 0\.0, and this engine samples all at the run's 1\.0"):
        GenerateEngine(qwen3()).generate(warm, SAMPLING)
