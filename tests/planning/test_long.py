"""Answers of 8,192 tokens: logits exist a chunk at a time, and the update's peak is the forecast's."""

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen2Config

from workbench.models.shipped import EMBEDDED_FOLDER
from workbench.models.size import size_of
from workbench.planning.memory import Assumed, components, peak
from workbench.runs.demo import demo_config
from workbench.runs.process.build import build
from workbench.signals import reading
from workbench.training.sampling import Clock, Sampled
from workbench.types import Group, Problem, Request, Rollout

TOKENS, PROMPT, VOCABULARY, CHUNK = 8192, 32, 1200, 256
DURING = ("updating", "comparing", "reading", "passing", "stepping")


class Tables(TorchDispatchMode):
    """The most tokens that any tensor with a vocabulary axis holds, and the most numbers of any tensor."""

    def __init__(self):
        super().__init__()
        self.tokens = self.most = 0

    def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
        answer = function(*arguments, **(keywords or {}))
        for item in tree_leaves(answer):
            if isinstance(item, Tensor):
                self.most = max(self.most, item.numel())
                if VOCABULARY in item.shape:
                    self.tokens = max(self.tokens, item.numel() // VOCABULARY)
        return answer


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    shape = Qwen2Config(
        vocab_size=VOCABULARY, hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=2 * TOKENS, tie_word_embeddings=True,
    )  # fmt: skip
    AutoModelForCausalLM.from_config(shape).save_pretrained(folder)
    AutoTokenizer.from_pretrained(EMBEDDED_FOLDER).save_pretrained(folder)
    return demo_config().replace(
        model={"name": str(folder), "device": "cpu", "lora": {}, "gradient_checkpointing": True, "linear": "torch"},
        method={"method": "grpo"},
        rollouts={"problems": 1, "rollouts": 2, "max_tokens": TOKENS},
        training={"micro_batch": PROMPT + TOKENS, "threads": 1},
    )


def forced(config):
    """A scored answer that is as long as it may be, and a short one to compare it with."""
    request = Request(Problem("0", "", ""), (1,) * PROMPT, group=0, number=0, n=2)
    rollouts = [
        Rollout(request, place, [5] * count, "", [-1.0] * count, [-1.0] * count, "length", reward=float(place))
        for place, count in enumerate((TOKENS, 3))
    ]
    return Sampled([Group(0, request.problem, rollouts)], {0})


def test_logits_of_a_long_answer_never_exist_at_once(config, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK_ELEMENTS", CHUNK * VOCABULARY)
    trainer = build(config)
    before = {name: weight.detach().clone() for name, weight in trainer.policy.trainable().items()}
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler, Tables() as tables:
        learned = trainer.learner.learn(forced(config), 1, Clock())
    assert learned.tensors["logprob"].shape == (2, TOKENS)
    assert (learned.tensors["entropy"][0] > 0).all()
    assert any(not weight.equal(before[name]) for name, weight in trainer.policy.trainable().items())
    assert tables.tokens == CHUNK
    assert tables.most == TOKENS * (TOKENS + PROMPT)  # what each token attends to, once for all layers
    real = sum(weight.nbytes for weight in trainer.policy.model.parameters()) + profiled(profiler)
    assert real == pytest.approx(foretold(config), rel=0.1)


def profiled(profiler) -> int:
    """The most bytes alive at once."""
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = torch.tensor([event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]).cumsum(0)
    return int(live.max())


def foretold(config) -> int:
    """The forecast of the update alone, with chunks as they are in this test."""
    assumed = Assumed(prompt=PROMPT, flat=1.0)
    parts = components(config, size_of(config.model), "cpu", assumed)
    trainer = ("weights", "adapter", "gradients", "optimiser")
    return peak([part for part in parts if part.when in DURING or part.name in trainer])[0]
