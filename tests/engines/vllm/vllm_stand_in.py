"""What the tests of the vLLM engine share: a small policy with an adapter, and the stand-in put in vLLM's place."""

import subprocess
import time
from pathlib import Path

import pytest
from transformers import Qwen3Config, Qwen3ForCausalLM

from tests.engines.engine_models import SIZES, build, make_policy
from tests.engines.vllm.fake_vllm import STOP, install
from workbench.engines.vllm import engine as vllm_engine
from workbench.models import LoraSpec
from workbench.models.policy import LocalPolicy
from workbench.types import Sampling

SAMPLING = Sampling(max_tokens=16, stop=(STOP,), seed=1)
assert SIZES["vocab_size"] > 420  # the stand-in's tokens


def adapted() -> LocalPolicy:
    """A small policy with an adapter of its own."""
    return make_policy(build(Qwen3ForCausalLM, Qwen3Config), LoraSpec(rank=3))


def stand_in(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Puts the stand-in in the place of vLLM; the folder is where it is told what to do and notes what it was asked."""
    for name, value in install(folder).items():
        patch.setenv(name, value)
    patch.setattr(vllm_engine, "check_installed", lambda: None)
    return folder


def gone(session: int, seconds: float = 20.0) -> bool:
    """Whether nothing of a session is left, or soon is not."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        listed = subprocess.run(["ps", "-o", "stat=", "-s", str(session)], capture_output=True, text=True, check=False)
        if not [state for state in listed.stdout.split() if not state.startswith("Z")]:
            return True
        time.sleep(0.05)
    return False
