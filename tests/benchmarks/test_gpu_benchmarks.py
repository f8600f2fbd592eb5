"""The benchmarks of a GPU: that they run, that nothing ends an answer, and what they say where there is no GPU."""

import json
from pathlib import Path

import pytest
import torch

from benchmarks import decode_floor, gpu_step_vs_trl
from benchmarks.decode_floor import QWEN, TINY, bytes_read, make_model
from benchmarks.engine_rollouts import make_requests
from benchmarks.trl_peer import Setting
from scripts.sources import ROOT
from workbench.models import load_policy
from workbench.tasks.word_problems import WordProblems


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """The one line that was printed."""
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU: it would be measured")
@pytest.mark.parametrize("benchmark", [decode_floor, gpu_step_vs_trl])
def test_without_a_gpu_nothing_is_measured(benchmark, capsys):
    assert benchmark.main([]) == 0
    found = line(capsys)
    assert found["measured"] is False
    assert "no NVIDIA GPU; --small" in str(found["reason"])


def test_the_floor_on_a_small_scale(capsys):
    assert decode_floor.main(["--small", "--repeats", "1"]) == 0
    found = line(capsys)
    assert found["measured"] is False
    assert found["tokens"] == 24
    assert 0 < float(str(found["floor_share"])) < 1


def test_what_a_call_must_read_worked_by_hand(tmp_path: Path):
    policy = load_policy(make_model(tmp_path, small=True))
    assert policy.encoder.stop == (TINY["vocab_size"],)  # behind the last token that the model can write
    requests = make_requests(policy, 2, 3)
    weights = sum(weight.numel() * weight.element_size() for weight in policy.model.parameters())
    token = 2 * TINY["num_hidden_layers"] * 2 * 16 * 2  # keys and values, layers, heads, width, bfloat16
    prompts = sum(len(request.prompt) for request in requests)
    expected = 2 * weights + token * (2 * prompts + 6 * (1 + 2))
    assert bytes_read(policy, requests, 2) == expected


def test_our_side_of_the_step_has_the_shape_that_is_asked_for(tmp_path: Path):
    setting = Setting(task=WordProblems(), problems=8, rollouts=16, max_tokens=512)
    setup = gpu_step_vs_trl.Setup(setting, make_model(tmp_path, small=True), 8)
    config = gpu_step_vs_trl.config(setup)
    assert (config.model.dtype, config.rollouts.max_tokens) == ("bfloat16", 512)
    assert config.training.micro_batch == 8 * (gpu_step_vs_trl.PROMPT + 512)
    real = json.loads((ROOT / "tests/models/configs/qwen2.5-0.5b/config.json").read_text(encoding="utf-8"))
    assert {name: value for name, value in QWEN.items() if name in real}.items() <= real.items()
    assert len(set(QWEN) & set(real)) >= 9
