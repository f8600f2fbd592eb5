"""The vLLM engine's process dies, hangs, refuses, or loses its parent; against a stand-in for vLLM."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.engines.engine_models import make_requests
from tests.engines.vllm.fake_vllm import calls
from tests.engines.vllm.vllm_stand_in import SAMPLING, adapted, gone
from workbench.engines.vllm.engine import VllmEngine
from workbench.engines.vllm.process import EngineError, EngineProcess


@pytest.mark.parametrize("fate", ["die", "raise"])
def test_a_dead_process_is_replaced_and_asked_again(
    engine: VllmEngine, folder: Path, fate: str, caplog: pytest.LogCaptureFixture
) -> None:
    engine.sync(engine.policy)
    whole = [rollout.tokens for rollout in engine.generate(make_requests(3), SAMPLING)]
    (folder / fate).touch()
    again = [rollout.tokens for rollout in engine.generate(make_requests(3), SAMPLING)]
    assert again == whole
    assert [call["adapter"] for call in calls(folder, "adapter")] == [1, 2, 2]
    cause = {"die": "exit code 7); its last output: out of luck", "raise": "RuntimeError: no memory left"}[fate]
    assert cause in caplog.text


def test_a_second_death_is_told(engine: VllmEngine, folder: Path) -> None:
    (folder / "die always").touch()
    with pytest.raises(EngineError, match=r"twice .* \(exit code 7\); its last output: out of luck; .*lower .*'local'"):
        engine.generate(make_requests(1), SAMPLING)
    (folder / "die always").unlink()
    assert engine.generate(make_requests(1), SAMPLING)


def test_a_process_that_was_killed_meanwhile_is_replaced(engine: VllmEngine) -> None:
    assert engine.process is not None
    engine.process.process.kill()
    engine.process.process.wait()
    assert engine.generate(make_requests(1), SAMPLING)


def test_a_process_that_hangs_is_killed(engine: VllmEngine, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert engine.process is not None
    engine.process.patience = 1.0
    (folder / "hang").touch()
    assert engine.generate(make_requests(1), SAMPLING)
    assert "no sign of life for 1 s" in caplog.text


def test_it_outlives_the_thread_that_made_it(folder: Path) -> None:
    made: list[VllmEngine] = []
    thread = threading.Thread(target=lambda: made.append(VllmEngine(adapted())))
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert made[0].generate(make_requests(1), SAMPLING)
    assert len(calls(folder, "start")) == 1
    made[0].close()


def test_an_interrupt_leaves_no_answer_behind(engine: VllmEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [rollout.tokens for rollout in engine.generate(make_requests(2), SAMPLING)]

    def interrupted(self: EngineProcess) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EngineProcess, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            engine.generate(make_requests(3), SAMPLING)
    assert [rollout.tokens for rollout in engine.generate(make_requests(2), SAMPLING)] == whole


def test_a_start_that_fails_says_why(folder: Path) -> None:
    (folder / "refuse start").touch()
    with pytest.raises(EngineError, match=r"vLLM could not start: ValueError: no such model"):
        VllmEngine(adapted())


OWNER = """
import json, sys
from workbench.engines.vllm.process import EngineProcess
process = EngineProcess(json.loads(sys.argv[1]), {}, patience=60.0)
print(process.process.pid, flush=True)
process.ask({"do": "load the adapter", "number": 1, "folder": "."})
row = {"prompt": [1], "tokens": 9, "seed": 1}
how = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "stop": [], "top": 0}
process.ask({"do": "generate", "fresh": True, "rows": [row], **how})
"""


def test_a_killed_trainer_leaves_no_process(engine: VllmEngine, folder: Path) -> None:
    (folder / "hang").touch()  # busy when its parent dies
    command = [sys.executable, "-c", OWNER, json.dumps(engine.first())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        session = int(owner.stdout.readline())
        while (folder / "hang").exists():
            assert owner.poll() is None
            time.sleep(0.05)
        owner.kill()
    assert gone(session)


def test_the_end_of_a_process_is_the_end_of_what_it_started(engine: VllmEngine, folder: Path) -> None:
    (folder / "start a process").touch()
    engine.generate(make_requests(1), SAMPLING)
    other = calls(folder, "process")[0]["process"]
    assert engine.process is not None
    session = engine.process.process.pid
    os.kill(other, 0)
    engine.close()
    assert gone(session)
