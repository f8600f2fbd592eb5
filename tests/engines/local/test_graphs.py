"""Recorded steps give the rollouts of plain ones, and what a recording is bound to stays where it was."""

import random
from types import SimpleNamespace

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from tests.engines.engine_models import PROMPTS, build, logprobs, make_policy, make_requests, qwen3
from tests.engines.local.tape import Tape, taped
from tests.engines.test_pruning_hook import KeepEven
from workbench.engines.local.engine import LocalEngine, verify
from workbench.engines.local.graphs import GraphDecoder, bucket, obstacle
from workbench.engines.local.rows import Rows
from workbench.engines.options import LocalOptions
from workbench.kinds import BoundPruner
from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.types import Problem, Request, Rollout, Sampling

STOP = tuple(range(300, 330))


@pytest.fixture(autouse=True)
def count() -> None:
    """Recordings are counted from 0."""
    Tape.made = 0


def mix(seed: int) -> tuple[list[Request], Sampling, int]:
    """Requests of any size, prefix and limit, some of one group; how they are sampled, and in how many rows."""
    draw = random.Random(seed)
    requests = []
    for number in range(draw.randint(1, 5)):
        prompt = draw.choice(PROMPTS) + tuple(draw.choices(range(20, 250), k=draw.choice((0, 3, 40))))
        prefix = tuple(draw.choices(range(20, 250), k=draw.choice((0, 0, 2))))
        limit = draw.choice((None, len(prefix) + 1, 9))
        fields = {"n": draw.randint(1, 6), "prefix": prefix, "max_tokens": limit}
        requests.append(Request(Problem(f"p{number}", "", ""), prompt, draw.choice((0, number)), number, **fields))
    shape = draw.choice(({}, {"temperature": 0.7, "top_p": 0.8}, {"top_k": 3}, {"temperature": 0.0}))
    return requests, Sampling(max_tokens=24, seed=seed, stop=STOP, **shape), draw.randint(1, 20)


def same(left: list[Rollout], right: list[Rollout]) -> None:
    """The same rollouts, both log-probs up to rounding."""
    for a, b in zip(left, right, strict=True):
        assert (a.request, a.index, a.tokens, a.finish, a.pruned_at) == (
            b.request,
            b.index,
            b.tokens,
            b.finish,
            b.pruned_at,
        )
        for name in ("engine_logprob", "sampled_logprob"):
            values = (torch.tensor(getattr(side, name)) for side in (a, b))
            torch.testing.assert_close(*values, atol=5e-5, rtol=1e-4, equal_nan=True)


@pytest.mark.parametrize("decoder", ["fused", "modules"])
@pytest.mark.parametrize("seed", range(6))
def test_any_requests_are_answered_as_by_plain_steps(seed, decoder):
    requests, sampling, concurrent = mix(seed)
    plain = LocalEngine(qwen3(), concurrent=concurrent, decoder=decoder)
    recorded = taped(LocalEngine(qwen3(), concurrent=concurrent, decoder=decoder))
    for pruned in (False, True):
        states = [KeepEven().init() for _ in range(2)]
        pruners = [BoundPruner(KeepEven(), state) if pruned else None for state in states]
        same(recorded.generate(requests, sampling, pruners[0]), plain.generate(requests, sampling, pruners[1]))
        for mine, theirs in zip(*(state["seen"] for state in states), strict=True):
            torch.testing.assert_close(mine.hidden, theirs.hidden, atol=1e-4, rtol=1e-4)
    assert Tape.made > 0


def test_recordings_are_used_again():
    engine = taped(LocalEngine(qwen3(), concurrent=24))
    sampling = Sampling(max_tokens=70, stop=(447,))
    engine.generate(make_requests(6), sampling)
    made = Tape.made
    assert 1 < made <= 6  # 24 rows and fewer, 64 tokens and more
    engine.generate(make_requests(6), Sampling(max_tokens=70, stop=(447,), temperature=0.5, top_p=0.9))
    engine.generate(make_requests(3), Sampling(max_tokens=30, seed=3))
    assert Tape.made <= made + 2


@pytest.mark.parametrize("decoder", ["fused", "modules"])
@pytest.mark.parametrize("lora", [None, LoraSpec(rank=4, alpha=8)])
def test_updated_weights_are_read_where_they_were(decoder, lora):
    policy = make_policy(build(LlamaForCausalLM, LlamaConfig), lora)
    engine = taped(LocalEngine(policy, decoder=decoder))
    sampling = Sampling(max_tokens=12, stop=(447,))
    before, made = engine.generate(make_requests(2), sampling), Tape.made
    for weight in policy.trainable().values():
        weight.data.mul_(1.3)  # as an optimiser does: in place
    engine.sync(policy)
    after = engine.generate(make_requests(2), sampling)
    assert Tape.made == made
    assert [a.tokens for a in after] != [b.tokens for b in before]
    same(after, LocalEngine(policy).generate(make_requests(2), sampling))


@pytest.mark.parametrize("decoder", ["fused", "modules"])
def test_weights_that_moved_are_recorded_anew(decoder):
    policy = make_policy(build(LlamaForCausalLM, LlamaConfig))
    engine = taped(LocalEngine(policy, decoder=decoder))
    sampling = Sampling(max_tokens=12, stop=(447,))
    engine.generate(make_requests(2), sampling)
    made = Tape.made
    for weight in policy.trainable().values():
        weight.data = weight.data * 1.3  # another tensor
    engine.sync(policy)
    same(engine.generate(make_requests(2), sampling), LocalEngine(policy).generate(make_requests(2), sampling))
    assert Tape.made > made


def test_longer_texts_in_the_same_rows():
    engine = taped(LocalEngine(qwen3()))
    engine.generate(make_requests(2), Sampling(max_tokens=12, stop=(447,)))
    rows, longer = engine.rows, Sampling(max_tokens=40, stop=(447,))  # needs rotations of more positions
    same(engine.generate(make_requests(2), longer), LocalEngine(qwen3()).generate(make_requests(2), longer))
    assert engine.rows is rows


def test_recordings_end_with_their_rows():
    engine = taped(LocalEngine(qwen3()))
    sampling = Sampling(max_tokens=12, stop=(447,))
    first = engine.generate(make_requests(2), sampling)
    engine.sleep()
    assert isinstance(engine.decoder, GraphDecoder)
    assert engine.rows is engine.decoder.recordings is None
    same(engine.generate(make_requests(2), sampling), first)
    small, made = engine.rows, Tape.made
    longer = Sampling(max_tokens=90, stop=(447,))  # needs larger rows
    same(engine.generate(make_requests(3), longer), LocalEngine(qwen3()).generate(make_requests(3), longer))
    assert engine.rows is not small
    assert Tape.made > made


def test_memory_counts_the_context_in_every_row():
    sampling = Sampling(max_tokens=20, stop=(447,))
    request = [Request(Problem("p", "", ""), tuple(range(20, 90)), 0, 0, n=8)]
    bound = 5 * 128 * qwen3_bytes()  # five rows of 128 tokens: prompt and answer
    engine = taped(LocalEngine(qwen3(), memory=bound))
    same(engine.generate(request, sampling), LocalEngine(qwen3()).generate(request, sampling))
    assert engine.rows is not None
    assert (engine.rows.rows, engine.rows.tokens) == (5, 128)


def qwen3_bytes() -> int:
    """Bytes of one token's keys and values."""
    return LocalEngine(qwen3()).decoder.shape.token_bytes()


@pytest.mark.parametrize("decoder", ["fused", "modules"])
def test_free_rows_are_stepped_without_harm(decoder):
    engine = taped(LocalEngine(qwen3(), decoder=decoder))
    inner = engine.decoder.decoder
    rows = Rows(inner.shape, 16, 128)
    [pairs] = inner.prefill([[1, 5, 9]])
    rows.load(slice(0, 3), pairs)
    rows.load(slice(3, 16), torch.randn(2, 2, 2, 127, 8))  # left by rollouts that ended behind the others' bucket
    rows.position[3:] = torch.arange(13) + 110
    engine.decoder.reserve(128)
    kept = rows.pairs.clone()
    tokens = torch.tensor([7, 8, 9])
    with torch.no_grad():
        recorded = engine.decoder.step(rows, tokens, 4).clone()
        again = engine.decoder.step(rows, tokens, 4)
        torch.testing.assert_close(again, recorded)
        torch.testing.assert_close(recorded, inner.step(rows, tokens, 4), atol=1e-5, rtol=1e-5)
    assert rows.position.tolist() == [3] * 3 + [110 + place for place in range(13)]
    changed = (rows.pairs != kept).any(-1).any(1).any(2)[0].nonzero().tolist()  # [row, token] of the first layer
    own = {(row, int(rows.position[row])) for row in range(16)}
    assert {(row, token) for row, token in changed} <= own


def test_the_recorded_decoder_is_checked_against_the_model():
    with torch.no_grad():
        verify(taped(LocalEngine(qwen3())).decoder)
    assert Tape.made == 1
    assert obstacle(qwen3().causal, qwen3().device) == "steps are recorded on NVIDIA GPUs only, and the model is on cpu"
    with pytest.raises(ValueError, match=r"rollouts\.local\.graphs = true: .* is on cpu; leave it out"):
        LocalEngine(qwen3(), options=LocalOptions(graphs=True))
    assert not isinstance(LocalEngine(qwen3()).decoder, GraphDecoder)


def test_positions_that_are_learned():
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "num_key_value_heads": 4}
    policy = make_policy(build(GPT2LMHeadModel, GPT2Config, **sizes))
    sampling = Sampling(max_tokens=20, stop=STOP)
    found = taped(LocalEngine(policy, concurrent=6)).generate(make_requests(3), sampling)
    same(found, LocalEngine(policy, concurrent=6).generate(make_requests(3), sampling))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"is_loaded_in_8bit": True}, "8-bit"),
        ({"rope_parameters": {"rope_type": "dynamic"}}, "'dynamic'"),
        ({"_can_compile_fullgraph": False}, "'some'"),
        ({"num_local_experts": 8}, "'some'"),
    ],
)
def test_what_cannot_be_recorded_is_known_beforehand(changes, words):
    causal = SimpleNamespace(_can_compile_fullgraph=True, config=SimpleNamespace(model_type="some"))
    for name, value in changes.items():
        setattr(causal if name.startswith(("_", "is_")) else causal.config, name, value)
    found = obstacle(causal, torch.device("cuda", 0))
    assert found is None if words is None else words in str(found)


@pytest.mark.parametrize("kind", ["nf4", "int8"])
def test_the_rule_for_quantised_layers_is_what_a_trace_shows(kind):
    policy = load_policy(ModelSpec(quantisation=kind, dtype="bfloat16", lora=LoraSpec(), device="cpu"))
    engine, sampling = taped(LocalEngine(policy, concurrent=8)), Sampling(max_tokens=8, stop=(447,))
    found = obstacle(policy.causal, torch.device("cuda", 0))
    if kind == "nf4":
        assert found is None
        assert len(engine.generate(make_requests(2), sampling)) == 8
    else:
        assert "8-bit" in str(found)
        with pytest.raises(AssertionError, match="changed after it was recorded"):
            engine.generate(make_requests(2), sampling)


def test_buckets_hold_what_they_are_for():
    for number in range(1, 600):
        found = bucket(number, 8, 600)
        assert number <= found <= max(8, number * 3 // 2)
    assert len({bucket(number, 8, 512) for number in range(1, 513)}) == 13


def test_the_tape_notices_what_a_graph_would_not_see():
    place = {"values": torch.ones(3), "number": 1.0}
    replay = Tape()(lambda: place["values"] * place["number"])
    place["values"].fill_(2.0)
    assert replay().tolist() == [2.0] * 3
    for name, value in (("number", 3.0), ("values", torch.ones(3)), ("values", torch.ones(4))):
        kept, place[name] = place[name], value
        with pytest.raises(AssertionError, match="changed after it was recorded"):
            replay()
        place[name] = kept
    with pytest.raises(AssertionError, match="_local_scalar_dense"):
        Tape()(lambda: place["values"] * place["values"][0].item())


def test_small_changes_of_an_adapter_count_in_half_types():
    policy = make_policy(build(LlamaForCausalLM, LlamaConfig).to(torch.bfloat16), LoraSpec(rank=4, alpha=8))
    engine = taped(LocalEngine(policy))
    for rollout in engine.generate(make_requests(2), Sampling(max_tokens=12, stop=(447,))):
        found = torch.tensor(rollout.engine_logprob)
        torch.testing.assert_close(found, logprobs(policy, rollout), atol=0.25, rtol=0.1)
