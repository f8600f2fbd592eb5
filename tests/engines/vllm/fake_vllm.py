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


class LogitsProcessor:
    """What vLLM's V1 runner takes for one."""


RequestOutputKind = SimpleNamespace(FINAL_ONLY="final")


def note(**call: Any) -> None:
    with (FOLDER / "calls").open("a", encoding="utf-8") as file:
        file.write(json.dumps(call, default=str) + "\n")


def told(what: str, *, once: bool = True) -> bool:
    there = (FOLDER / what).exists()
    if there and once:
        (FOLDER / what).unlink()
    return there


def token(seed: int, place: int, adapter: int) -> int:
    """The token at a place of the text; every 20th or so is the stop token."""
    number = hash((seed, place, adapter))
    return STOP if number % 20 == 0 else 20 + number % 400


def flat(written: list[int], top: int) -> Any:
    """Log-probs as vLLM has them: of every token that it drew, then of the likeliest, one behind the other."""
    starts = range(0, len(written) * (top + 1), top + 1)
    ids = [value for drawn in written for value in (drawn, *range(100, 100 + top))]
    return SimpleNamespace(
        start_indices=list(starts),
        end_indices=[start + top + 1 for start in starts],
        token_ids=ids,
        logprobs=[-value / 1000 for value in ids],
    )


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
        self.batch = None
        if arguments.logits_processors is not None:
            from fake_vllm_batch import Batch

            self.batch = Batch([kind(arguments, None, False) for kind in arguments.logits_processors])

    @classmethod
    def from_engine_args(cls, arguments: EngineArgs) -> "LLMEngine":
        return cls(arguments)

    def apply_model(self, change: Any) -> list[Any]:
        assert self.batch is not None
        return [change(self.batch.model)]

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
            extra=params.extra_args,
        )
        self.open[name] = (len(prompt["prompt_token_ids"]), params, lora_request.lora_int_id, [])

    def has_unfinished_requests(self) -> bool:
        return bool(self.open)

    def step(self) -> list[Any]:
        misbehave()
        done = []
        forced = {} if self.batch is None else self.batch.forced(self.open)
        for name, (start, params, adapter, written) in list(self.open.items()):
            written.append(forced.get(name, token(params.seed, start + len(written), adapter)))
            stopped = written[-1] in params.stop_token_ids
            if stopped or len(written) == params.max_tokens:
                del self.open[name]
                reason = "stop" if stopped else "length"
                output = SimpleNamespace(
                    token_ids=written, logprobs=flat(written, params.logprobs), finish_reason=reason
                )
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
    for name in ("", "sampling_params", "lora", "lora/request", "v1", "v1/sample", "v1/sample/logits_processor"):
        (folder / "vllm" / name).mkdir(parents=True)
        (folder / "vllm" / name / "__init__.py").write_text("from fake_vllm import *\n", encoding="utf-8")
    return {
        "PYTHONPATH": f"{folder}{os.pathsep}{Path(__file__).parent}",
        "FAKE_VLLM": str(folder),
        "PYTHONHASHSEED": "0",
    }


def calls(folder: Path, name: str) -> list[Any]:
    """What was noted under a name, in order."""
    lines = [json.loads(line) for line in (folder / "calls").read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if name in line]
