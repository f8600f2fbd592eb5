"""`workbench serve` as a process of its own, for tests; and runs that look alive."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.widgets.fake_run import Shape, make_run, metrics_line, write_json
from workbench.runs.directory.lock import Identity

ROOT = Path(__file__).parents[3]
COMMAND = "import typer; from widgets.serve.command import serve; typer.run(serve)"
PATIENCE = 120  # seconds until the server must have printed its address


@dataclass(frozen=True)
class Served:
    """A running server."""

    address: str  # without the token
    token: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def door(self) -> str:
        """The address with the token."""
        return f"{self.address}?token={self.token}"


@contextmanager
def served(runs: Path, log: Path, *options: str) -> Iterator[Served]:
    """The command, started and ended."""
    command = [sys.executable, "-c", COMMAND, str(runs), "--port", "0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=ROOT)
    try:
        found = wait_for_address(process, log)
        yield Served(found[1], found[2], process, log)
    finally:
        process.terminate()
        process.wait(20)


def wait_for_address(process: "subprocess.Popen[bytes]", log: Path) -> "re.Match[str]":
    """The printed address, in its parts."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        if found := re.search(r"(http://\S+/)\?token=(\S+)", log.read_text()):
            return found
        time.sleep(0.1)
    raise RuntimeError(f"the server did not come up:\n{log.read_text()[-3000:]}")


def live_run(folder: Path, shape: Shape = Shape(steps=3, problems=2, rollouts=4)) -> Path:
    """A run whose trainer seems to be this very process."""
    make_run(folder, shape)
    write_json(folder / "lock", asdict(Identity.of(os.getpid())))
    status = {"state": "running", "phase": "generate", "step": shape.steps, "total": 50, "attempt": 1}
    write_json(folder / "status.json", {**status, "time": time.time() + 3_000})
    return folder


def record_step(run: Path, step: int) -> None:
    """One step more, with the rollouts of the first."""
    text = (run / "rollouts" / "step-000001.parquet").read_bytes()
    (run / "rollouts" / f"step-{step:06d}.parquet").write_bytes(text)
    line = {**metrics_line(Shape(), 1, [{"reward": 1.0, "token_ids": [0]}]), "step": step}
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def orders(run: Path) -> list[str]:
    """The orders that were placed in a run."""
    return [json.loads(path.read_text())["command"] for path in sorted((run / "control").glob("*.json"))]
