"""Stands in for the package `vllm` in the engine's process: the names that the worker uses, and tokens by arithmetic.

`install` writes it where the process finds it. Files in the folder FAKE_VLLM tell it to misbehave: `refuse start`,
`refuse adapter` and `die always` as long as they are there; `die`, `hang`, `raise`, `start a process` once. It notes
what it was given in `calls`.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

FOLDER = Path(os.environ.get("FAKE_VLLM", "."))
STOP = 7


class EngineArgs(SimpleNamespace):
    """Whatever it is given."""


class SamplingParams(SimpleNamespace):
    """Whatever it is given."""


class LoRARequest(SimpleNamespace):
    """An adapter."""

    def __init__(self, name: str, number: int, path: str) -> None:
        super().__init__(name=name, lora_int_id=number, path=path)


RequestOutputKind = SimpleNamespace(FINAL_ONLY="final")


def note(**call: Any) -> None:
    with (FOLDER / "calls").open("a", encoding="utf-8") as file:
        file.write(json.dumps(call) + "\n")


def told(what: str, *, once: bool = True) -> bool:
    there = (FOLDER / what).exists()
    if there and once:
        (FOLDER / what).unlink()
    return there


def token(seed: int, place: int, adapter: int) -> int:
    """The token at a place of the text; every 20th or so is the stop token."""
    number = hash((seed, place, adapter))
    return STOP if number % 20 == 0 else 20 + number % 400


class LLMEngine:
    """One token a step for every request."""

    def __init__(self, arguments: EngineArgs) -> None:
        if told("refuse start", once=False):
            raise ValueError("no such model")
        note(start=vars(arguments))
        longest = 4096 if arguments.max_model_len == -1 else arguments.max_model_len
        self.model_config = SimpleNamespace(max_model_len=longest)
        self.adapters: set[int] = set()
        self.open: dict[str, Any] = {}

    @classmethod
    def from_engine_args(cls, arguments: EngineArgs) -> "LLMEngine":
        return cls(arguments)

    def add_lora(self, adapter: LoRARequest) -> bool:
        if told("refuse adapter", once=False):
            raise ValueError("unexpected modules")
        files = sorted(path.name for path in Path(adapter.path).iterdir())
        note(adapter=adapter.lora_int_id, files=files, path=adapter.path)
        self.adapters.add(adapter.lora_int_id)
        return True

    def remove_lora(self, number: int) -> None:
        self.adapters.remove(number)

    def reset_prefix_cache(self) -> None:
        note(reset=True)

    def sleep(self, level: int) -> None:
        note(sleep=level)

    def wake_up(self) -> None:
        note(wake=True)

    def add_request(self, name: str, prompt: Any, params: SamplingParams, lora_request: LoRARequest) -> None:
        assert self.adapters == {lora_request.lora_int_id}
        note(
            prompt=prompt["prompt_token_ids"],
            tokens=params.max_tokens,
            seed=params.seed,
            temperature=params.temperature,
        )
        self.open[name] = (len(prompt["prompt_token_ids"]), params, lora_request.lora_int_id, [])

    def has_unfinished_requests(self) -> bool:
        return bool(self.open)

    def step(self) -> list[Any]:
        misbehave()
        done = []
        for name, (start, params, adapter, written) in list(self.open.items()):
            written.append(token(params.seed, start + len(written), adapter))
            stopped = written[-1] in params.stop_token_ids
            if stopped or len(written) == params.max_tokens:
                del self.open[name]
                logprobs = SimpleNamespace(logprobs=[-value / 1000 for value in written])
                reason = "stop" if stopped else "length"
                output = SimpleNamespace(token_ids=written, logprobs=logprobs, finish_reason=reason)
                done.append(SimpleNamespace(request_id=name, outputs=[output]))
        return done


def misbehave() -> None:
    if told("start a process"):
        note(process=subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid)
    if told("die always", once=False) or told("die"):
        print("out of luck", flush=True)
        os._exit(7)
    if told("raise"):
        raise RuntimeError("no memory left")
    if told("hang"):
        time.sleep(600)


def install(folder: Path) -> dict[str, str]:
    """Writes the package into a folder; the environment of a process that finds it there."""
    for name in ("vllm/__init__.py", "vllm/sampling_params.py", "vllm/lora/__init__.py", "vllm/lora/request.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("from fake_vllm import *\n", encoding="utf-8")
    return {
        "PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parent}",
        "FAKE_VLLM": str(folder),
        "PYTHONHASHSEED": "0",
    }


def calls(folder: Path, name: str) -> list[Any]:
    """What was noted under a name, in order."""
    lines = [json.loads(line) for line in (folder / "calls").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if name in line]
