"""CUDA graphs on a GPU: what they write is what the model says, and no step waits but for the tokens."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

from tests.engines.engine_models import build, make_policy, make_requests
from workbench.engines.local.engine import LocalEngine
from workbench.engines.local.graphs import GraphDecoder
from workbench.engines.local.loop import upload
from workbench.engines.local.rows import Rows
from workbench.engines.options import LocalOptions
from workbench.engines.sampling import draw
from workbench.models import LoraSpec
from workbench.models.policy import LocalPolicy
from workbench.types import Rollout, Sampling

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA GPU: there are no CUDA graphs here")
SAMPLING = Sampling(max_tokens=70, seed=5, stop=tuple(range(300, 330)))


def check(policy: LocalPolicy, rollouts: list[Rollout]) -> None:
    """The log-probs are those of one pass over each text."""
    for rollout in rollouts:
        found = torch.tensor(rollout.engine_logprob)
        tokens = torch.tensor([[*rollout.prompt, *rollout.tokens]], device=policy.device)
        with torch.no_grad():
            table = policy.logits(policy.hidden(tokens)[0]).log_softmax(-1).cpu()
        first = len(rollout.prompt)
        expected = table[first - 1 : -1].gather(1, tokens[0, first:, None].cpu())[:, 0]
        torch.testing.assert_close(found, expected, atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("decoder", ["fused", "modules"])
@pytest.mark.parametrize("lora", [None, LoraSpec(rank=4, alpha=8)])
def test_they_write_what_the_model_says_and_follow_its_weights(decoder, lora):
    policy = make_policy(build(LlamaForCausalLM, LlamaConfig).cuda(), lora)
    engine = LocalEngine(policy, concurrent=20, decoder=decoder)
    assert isinstance(engine.decoder, GraphDecoder)
    before = engine.generate(make_requests(6), SAMPLING)
    check(policy, before)
    assert engine.decoder.recordings is not None
    made = dict(engine.decoder.recordings.steps)
    with torch.no_grad():
        for weight in policy.trainable().values():
            weight.mul_(1.3)
    engine.sync(policy)
    after = engine.generate(make_requests(6), SAMPLING)
    check(policy, after)
    assert [a.tokens for a in after] != [b.tokens for b in before]
    assert engine.decoder.recordings.steps.items() >= made.items()


def test_with_and_without_graphs_most_tokens_are_the_same():
    policy = make_policy(build(Qwen3ForCausalLM, Qwen3Config).cuda())
    graphs, plain = (
        LocalEngine(policy, concurrent=7, options=LocalOptions(graphs=graphs)).generate(make_requests(6), SAMPLING)
        for graphs in (None, False)
    )
    alike = sum(left.tokens == right.tokens for left, right in zip(graphs, plain, strict=True))
    assert alike > 0.9 * len(plain)  # rounding may differ by the shape of a product


def test_neither_a_step_nor_a_draw_waits_for_the_device():
    policy = make_policy(build(Qwen3ForCausalLM, Qwen3Config).cuda())
    decoder = LocalEngine(policy).decoder
    rows = Rows(decoder.shape, 16, 64)
    decoder.reserve(64)
    tokens = torch.arange(5, device="cuda")
    with torch.no_grad():
        decoder.step(rows, tokens, 1)  # records
        torch.cuda.set_sync_debug_mode("error")
        try:
            hidden = decoder.step(rows, tokens, 1)
            rows.advance(5)
            uniform = upload(torch.rand(5, dtype=torch.float64).numpy(), hidden.device)
            draw(policy.logits(hidden), uniform, Sampling(top_p=0.9))
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert rows.position.tolist() == [1] * 5 + [0] * 11
