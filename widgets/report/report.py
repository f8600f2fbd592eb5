"""One HTML file that shows a run: curves, and the rollouts of some steps token by token. It needs no network."""

import base64
import gzip
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from widgets.lens.gallery import Gallery
from widgets.recorded.data import RunData, group_parts, read, token_counts
from widgets.recorded.groups import is_informative
from widgets.recorded.rewards import explain
from widgets.report.before_after import Side, before_after, known_histories, payloads, sides
from widgets.step.data import scored_again
from widgets.wire import bundle
from widgets.wire.payload import pack, rounded
from workbench.visible import escaped

MOST_BYTES = 5_000_000  # of the file; where a run has more, some groups are left out and the page says so
PACKED = 1.5  # a payload is at least so many times larger than its gzip in base64
#: Nothing outside the file may be asked for, whatever a model wrote.
POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{styles}</style>
</head>
<body>
<main class="wb wb-report" id="report">
<header><h1>{title}</h1></header>
<p class="wb-lead">{lead}</p>
<div class="wb-figures">{figures}</div>
{before_after}
<h2>Curves</h2>
<div id="curves"></div>
<h2>Rollouts, token by token</h2>
<p class="wb-lead">{shown}</p>
{gallery}
<div id="tokens"></div>
<h2>Configuration</h2>
<details><summary>config.toml</summary><pre>{config}</pre></details>
</main>
{blobs}
<script type="module">{script}
report_report_js.openReport();</script>
</body>
</html>
"""


@dataclass(frozen=True)
class Blobs:
    """Data written into the page under an id: as JSON, or as gzip in base64."""

    parts: list[str]

    @property
    def size(self) -> int:
        """Bytes so far."""
        return sum(len(part) for part in self.parts)

    def add_json(self, name: str, value: Any) -> None:
        """As JSON; `<` is escaped, so that no text can end the element."""
        text = (
            json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c").replace("\x7f", "\\u007f")
        )
        self.parts.append(f'<script type="application/json" id="{name}">{text}</script>')

    def add_packed(self, name: str, payload: bytes) -> None:
        """As gzip in base64; the same payload gives the same text."""
        text = base64.b64encode(gzip.compress(payload, 9, mtime=0)).decode()
        self.parts.append(f'<script type="text/plain" id="{name}">{text}</script>')


def write_report(run: Any, out: Path, steps: Sequence[int] | None = None, gallery: bool = False) -> Path:
    """Writes the page; `steps` None: the first, the middle and the last recorded one."""
    data = RunData(run)
    chosen = list(steps) if steps is not None else first_middle_last(data.steps())
    blobs = Blobs([])
    blobs.add_packed("metrics", data.metrics())
    methods = Gallery(data) if gallery else None
    counts = [add_step(blobs, data, step, methods, share_of(blobs, chosen, place)) for place, step in enumerate(chosen)]
    index = {**data.index(), "steps": chosen}
    if methods is not None:
        index["methods"] = methods.entries()
    pairs = sides(data)
    blobs.add_json("index", {**index, "tracked": bool(pairs)})
    add_probes(blobs, data, pairs)
    out.write_text(page(data, blobs, shown_text(chosen, counts), before_after(data, pairs), methods is not None))
    return out


def add_probes(blobs: Blobs, data: RunData, pairs: list[tuple[Side, Side]]) -> None:
    """Adds the tokens of the tracked problems at the first and at the last evaluation."""
    for name, payload in payloads(data, pairs).items():
        blobs.add_packed(name, payload)
    blobs.add_json("histories", known_histories(data, pairs))


def first_middle_last(steps: Sequence[int]) -> list[int]:
    """The steps a report shows by default.

    >>> first_middle_last([1, 2, 3, 4, 5]), first_middle_last([1]), first_middle_last([])
    ([1, 3, 5], [1], [])
    """
    return sorted({steps[0], steps[len(steps) // 2], steps[-1]}) if steps else []


def share_of(blobs: Blobs, chosen: Sequence[int], place: int) -> int:
    """Bytes the next step may take: an equal share of what is left."""
    return max(0, MOST_BYTES - blobs.size) // (len(chosen) - place)


def add_step(blobs: Blobs, data: RunData, step: int, methods: Gallery | None, limit: int) -> tuple[int, int]:
    """Adds a step's groups until its share is used, those that taught something first; how many, and of how many.

    A group too large for the share loses its last rollouts, at least two stay; its line on the board shows those.
    """
    table = read(data.file(step), None)
    extra = methods.columns(step) if methods is not None else {}
    board = data.board(step)
    start = blobs.size
    kept: list[int] = []
    for entry in sorted(board["groups"], key=is_informative, reverse=True):
        if kept and blobs.size - start > limit * (len(kept) / (len(kept) + 1)):
            break
        payload = group_payload(data, table, entry, extra)
        while len(payload) > limit * PACKED and len(entry["rollouts"]) > 3:
            entry["rollouts"] = entry["rollouts"][: len(entry["rollouts"]) // 2]
            payload = group_payload(data, table, entry, extra)
        blobs.add_packed(f"group-{step}-{entry['group']}", payload)
        kept.append(entry["group"])
    total = len(board["groups"])
    again = set(table.column("group").filter(pa.array(scored_again(table))).to_pylist())
    board["groups"] = [
        {**entry, "again": entry["group"] in again} for entry in board["groups"] if entry["group"] in kept
    ]
    board["effect"] = bool(again)
    blobs.add_json(f"board-{step}", board)
    return len(kept), total


def group_payload(data: RunData, table: pa.Table, entry: dict[str, Any], extra: dict[str, np.ndarray]) -> bytes:
    """A group's payload with rounded numbers, which compress; `extra` are columns over all tokens of the table."""
    wanted = [outcome[0] for outcome in entry["rollouts"]]
    chosen = pc.is_in(table.column("rollout"), pa.array(wanted, pa.int32()))
    header, columns = group_parts(table.filter(chosen), data.vocabulary)
    explain(header["rollouts"], data.config())
    inside = np.repeat(chosen.to_numpy(zero_copy_only=False).astype(bool), token_counts(table))
    columns |= {name: values[inside] for name, values in extra.items()}
    header["signals"] += list(extra)
    small = {name: rounded(values) if values.dtype.kind == "f" else values for name, values in columns.items()}
    return pack({"kind": "group", "group": entry["group"], **header}, small)


def page(data: RunData, blobs: Blobs, shown: str, before: str, gallery: bool) -> str:
    """The whole file."""
    index, file = data.index(), data.path / "config.toml"
    gallery_place = (
        '<h2>Every method on these rollouts, by similarity to GRPO</h2><div id="gallery"></div>' if gallery else ""
    )
    return PAGE.format(
        policy=POLICY,
        title=escaped(index["name"]),
        styles=bundle.styles("tokens/token_view", "board/board", "charts/charts", "report/report"),
        lead=escaped(lead(data)),
        figures="".join(figures(data)),
        shown=escaped(shown),
        before_after=before,
        gallery=gallery_place,
        config=escaped(file.read_text() if file.is_file() else "not recorded"),
        blobs="\n".join(blobs.parts),
        script=bundle.script("report/report"),
    )


def lead(data: RunData) -> str:
    """Method, task and model in one line."""
    config = data.config()
    method = (config.get("method") or {}).get("title")
    task = (config.get("task") or {}).get("task")
    model = (config.get("model") or {}).get("name")
    return " · ".join(str(part) for part in (method, task, model and f"model {model}") if part)


def figures(data: RunData) -> Iterator[str]:
    """The numbers a reader wants first."""
    frame = data.run.metrics()
    columns = {str(name): frame[name].dropna().tolist() for name in frame.columns}
    accuracy = columns.get("accuracy", [])
    if accuracy:
        first, last = accuracy[0], accuracy[-1]
        text = f"{100 * first:.0f} %" if len(accuracy) == 1 else f"{100 * first:.0f} % → {100 * last:.0f} %"
        yield figure(text, "held-out accuracy")
    if columns.get("reward"):
        first, last = (f"{columns['reward'][place]:.2f}".replace("-", "−") for place in (0, -1))
        yield figure(f"{first} → {last}", "mean reward")
    if columns.get("step"):
        yield figure(f"{int(columns['step'][-1])}", "steps")
    if columns.get("tokens"):
        yield figure(f"{sum(columns['tokens']):,.0f}", "tokens sampled")
    if columns.get("seconds"):
        yield figure(duration(math.fsum(columns["seconds"])), "of training")


def figure(value: str, label: str) -> str:
    """One number with its name."""
    return f'<div class="wb-figure"><b>{escaped(value)}</b><span>{escaped(label)}</span></div>'


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(42.3), duration(135), duration(7500)
    ('42 s', '2 min 15 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def shown_text(steps: Sequence[int], counts: Sequence[tuple[int, int]]) -> str:
    """What part of the run the page holds."""
    parts = [f"step {step} ({kept} of {total} problems)" for step, (kept, total) in zip(steps, counts, strict=True)]
    return (
        f"Rollouts of {', '.join(parts)}. Point at a token; press ? for the keys."
        if parts
        else "No rollouts were recorded."
    )
