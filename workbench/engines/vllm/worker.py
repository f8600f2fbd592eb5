"""The process in which vLLM runs: a JSON message in, one or more out, until the other end is closed.

Started by path; imports nothing of the workbench. The engine runs in this process (none of vLLM's own), so nothing is
left on the GPU: the process ends with its parent, since its connection then closes; on Linux the kernel ends it too,
should it be stuck.
"""

import ctypes
import importlib.util
import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

BEAT = 1.0  # seconds between two progress messages during generation
BATCH = 2048  # prompt tokens per pass, where prompts are not chunked
DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # vLLM reserves memory for one of these

Message = Mapping[str, Any]


class Server:
    """vLLM's engine and the adapter in use. `first`: the settings; `send` sends replies."""

    def __init__(self, first: Message, send: Callable[[Message], None]) -> None:
        from vllm import EngineArgs, LLMEngine

        inside = neighbour("inside") if first["inside"] else None
        self.stop_rule = None if inside is None else inside.StopRule()
        arguments = EngineArgs(
            model=first["model"],
            trust_remote_code=first["trust_remote_code"],
            dtype=first["dtype"],
            skip_tokenizer_init=True,
            enable_lora=True,
            max_loras=1,
            max_lora_rank=next(rank for rank in RANKS if rank >= first["rank"]),
            max_num_seqs=first["concurrent"],
            max_model_len=first["longest"],
            kv_cache_memory_bytes=first["memory"],
            gpu_memory_utilization=0.01,  # only a check: the memory of keys and values is given
            logprobs_mode="processed_logprobs",  # of the distribution sampled from, at its temperature
            # a chunked prompt makes vLLM reset its row's random numbers, which it cannot on a CPU
            enable_chunked_prefill=not first["whole"],
            max_num_batched_tokens=max(BATCH, first["longest"]) if first["whole"] else None,
            enforce_eager=first["eager"],
            enable_sleep_mode=first["sleep"],
            enable_prefix_caching=True,
            generation_config="vllm",  # none of the model's own sampling settings
            logits_processors=None if inside is None else [inside.stopper_of(self.stop_rule)],
            disable_log_stats=True,
        )
        self.engine = LLMEngine.from_engine_args(arguments)
        if self.stop_rule is not None:
            self.engine.apply_model(self.stop_rule.watch)
        self.send = send
        self.adapter: Any = None
        self.asleep = False

    def adapt(self, order: Message) -> Message:
        """Replaces the adapter; its files are not needed afterwards."""
        from vllm.lora.request import LoRARequest

        self.wake()
        if self.adapter is not None:
            self.engine.remove_lora(self.adapter.lora_int_id)
        self.adapter = LoRARequest(f"adapter-{order['number']}", order["number"], order["folder"])
        self.engine.add_lora(self.adapter)
        return {}

    def generate(self, order: Message) -> Message:
        """Generates every row to its end, with a progress message every second."""
        self.wake()
        if order["fresh"]:
            self.engine.reset_prefix_cache()  # the same request gives the same rollouts, whatever came before
        stop_rule = self.stop_rule if "stop_rule" in order else None
        if stop_rule is not None:
            stop_rule.take(order["stop_rule"], order["stop"][0])
        for number, row in enumerate(order["rows"]):
            prompt = {"prompt_token_ids": row["prompt"]}
            self.engine.add_request(str(number), prompt, parameters(order, number), lora_request=self.adapter)
        written: dict[int, Any] = {}
        last = time.monotonic()
        while self.engine.has_unfinished_requests():
            for output in self.engine.step():
                number, row = int(output.request_id), answer(output.outputs[0])
                written[number] = row if stop_rule is None else stop_rule.finished(number, row)
            if time.monotonic() - last > BEAT:
                last = time.monotonic()
                self.send({"finished": len(written)})
        return {"rows": [written[number] for number in range(len(order["rows"]))]}

    def sleep(self, order: Message) -> Message:
        """Frees the GPU's memory until the next request."""
        del order
        self.engine.sleep(1)
        self.asleep = True
        return {}

    def wake(self) -> None:
        """Allocates the GPU's memory again."""
        if self.asleep:
            self.engine.wake_up()
            self.asleep = False


def neighbour(name: str) -> Any:
    """A module of this folder, which is not on the path."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parameters(order: Message, number: int) -> Any:
    """vLLM's sampling parameters of one row."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    row = order["rows"][number]
    return SamplingParams(
        temperature=order["temperature"],
        top_p=order["top_p"],
        top_k=order["top_k"],
        seed=row["seed"],
        max_tokens=row["tokens"],
        stop_token_ids=order["stop"],
        ignore_eos=True,  # the stop tokens are given
        detokenize=False,
        logprobs=order["top"],  # of the top-k tokens, besides the sampled one
        flat_logprobs=True,
        output_kind=RequestOutputKind.FINAL_ONLY,
        extra_args={"row": number} if "stop_rule" in order else None,
    )


def answer(output: Any) -> Message:
    """A finished row as plain data; `stopped`: by a stop token. `top`: ids and log-probs of the top-k tokens."""
    flat = output.logprobs
    places = list(zip(flat.start_indices, flat.end_indices, strict=True))  # sampled token, then the most likely
    return {
        "tokens": list(output.token_ids),
        "logprobs": [float(flat.logprobs[start]) for start, _ in places],
        "top": [[flat.token_ids[start + 1 : end], flat.logprobs[start + 1 : end]] for start, end in places],
        "stopped": output.finish_reason == "stop",
    }


def read_orders(connection: Connection, orders: "queue.SimpleQueue[Message]") -> None:
    """Queues requests; when the connection closes, the parent is gone: ends this process and its children."""
    try:
        while True:
            orders.put(json.loads(connection.recv_bytes()))
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)


def die_with_parent() -> None:
    """Makes the kernel end this process with the thread that started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)


def prepare(first: Message) -> None:
    """Sets signals and environment before vLLM is imported."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is for the parent
    if first["bound"]:
        die_with_parent()
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    if first["inside"]:
        os.environ["VLLM_USE_V2_MODEL_RUNNER"] = "0"  # its logits processors are of another kind
    if first["eager"]:
        os.environ["TORCH_COMPILE_DISABLE"] = "1"  # or the sampler's counting alone is compiled, for ten seconds


def main() -> None:
    """Starts the engine with the settings of the first message, then serves requests."""
    connection = Connection(int(sys.argv[1]))
    orders: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=read_orders, args=(connection, orders), daemon=True).start()

    def send(reply: Message) -> None:
        connection.send_bytes(json.dumps(reply).encode())

    first = orders.get()
    prepare(first)
    try:
        server = Server(first, send)
        send({"done": {"longest": server.engine.model_config.max_model_len}})
        steps = {"load the adapter": server.adapt, "generate": server.generate, "sleep": server.sleep}
        while True:
            order = orders.get()
            send({"done": steps[order["do"]](order)})
    except Exception as error:
        send({"failed": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    main()
