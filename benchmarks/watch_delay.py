"""How late `watch` is: from a line that another trainer writes to the step in the run directory; one JSON line.

Another process appends episodes of verifiers, one at a time, to a file that holds many already. The delay of each is
the time from its last byte to the step's line in `metrics.jsonl`, by one clock. Views look for that line themselves.
"""

import json
import multiprocessing
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy

from benchmarks.common import options, publish
from workbench.runs.directory.lines import LineReader
from workbench.runs.exchange.watch import watch

GROUP = 16  # episodes of a step


def episode(number: int, tokens: int) -> dict[str, Any]:
    """One episode with so many sampled tokens."""
    ids = [(number * 31 + place * 7) % 5000 for place in range(tokens)]
    values = [-0.01 * (place % 90) for place in range(tokens)]
    nodes = [
        {"message": {"role": "user", "content": "2 + 2?"}, "token_ids": [1, 2, 3], "mask": [False] * 3},
        {"parent": 0, "message": {"role": "assistant", "content": "four " * tokens}, "sampled": True, "token_ids": ids,
         "mask": [True] * tokens, "logprobs": values, "advantages": values, "entropies": values},
    ]  # fmt: skip
    rewards = {"exact": {"score": float(number % 2), "weight": 1.0}}
    trace = {"version": 1, "id": f"t{number}", "nodes": nodes, "rewards": rewards}
    run = {"type": "train", "id": "r", "work": {"type": "train", "step": number // GROUP}}
    return {"id": f"e{number}", "task": {"type": "x", "data": {"answer": "4"}}, "group": {"id": str(number // 8)},
            "run": run, "ok": True, "traces": [trace]}  # fmt: skip


def write(path: Path, numbers: range, tokens: int, every: float) -> None:
    """Appends episodes, and in `times` beside them when each was written."""
    with path.open("a") as file, path.with_name("times").open("a") as times:
        for number in numbers:
            file.write(json.dumps(episode(number, tokens)) + "\n")
            file.flush()
            times.write(f"{time.time()}\n")
            time.sleep(every)


def seen(lines: list[dict[str, Any]], number: int) -> float:
    """When an episode was in the run directory first."""
    step, place = divmod(number, GROUP)
    return min(line["time"] for line in lines if line["step"] == step and line["rollouts"] > place)


def main() -> None:
    """Writes, watches, prints."""
    parser = options(__doc__ or "")
    parser.add_argument("--before", type=int, default=1600, help="episodes that are there when watching begins")
    parser.add_argument("--lines", type=int, default=96, help="episodes that are written while it watches")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--every", type=float, default=0.2, help="seconds between two lines")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="watch-delay-") as folder:
        path = Path(folder) / "theirs" / "traces.jsonl"
        path.parent.mkdir()
        write(path, range(given.before), given.tokens, 0.0)
        path.with_name("times").unlink()
        numbers = range(given.before, given.before + given.lines)
        with watch(path.parent, Path(folder) / "runs") as watching:
            while len(watching.last) < -(-given.before // GROUP):
                time.sleep(0.1)
            writer = multiprocessing.Process(target=write, args=(path, numbers, given.tokens, given.every))
            writer.start()
            writer.join()
            time.sleep(5.0)
        lines = LineReader(watching.directory.metrics).new()
        written = [float(text) for text in path.with_name("times").read_text().split()]
        delays = [seen(lines, number) - at for number, at in zip(numbers, written, strict=True)]
    found = {"p50": numpy.percentile(delays, 50), "p95": numpy.percentile(delays, 95), "most": max(delays)}
    settings = {"before": given.before, "lines": given.lines, "tokens": given.tokens, "every": given.every}
    seconds = {name: round(float(value), 3) for name, value in found.items()}
    publish("watch_delay", {**settings, "delay_seconds": seconds}, save=given.save)


if __name__ == "__main__":
    main()
