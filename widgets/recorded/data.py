"""What the views read of a run, as payloads: its index, its metrics, the board of a step, the tokens of a group.

Only columns that were recorded are sent; a value that is missing is nan, never zero.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from widgets.recorded.groups import NAMES, entries
from widgets.recorded.rewards import explain, rounded_reward
from widgets.recorded.vocabulary import Vocabulary
from widgets.wire.payload import number, pack
from workbench.descriptions import DESCRIPTIONS, from_texts
from workbench.runs.directory.aliases import current_name, recorded_names

TOP = 5
MOST_POINTS = 4_000  # of a curve; a longer one is thinned evenly, newest point kept
MOST_EVENTS = 200
PLAIN = ("rollout", "group", "round", "problem", "source", "role", "parent", "tag", "prompt", "reward", "correct",
         "finish", "pruned_at", "answer", "score", "posterior", "survival", "excluded")  # fmt: skip
OF_ROLLOUTS = ("posterior", "survival")  # one number per rollout, shown on each of its tokens
NOT_SIGNALS = {"prompt_ids", "token_ids", "trained", "top_ids", "top_probs", "engine_top_logprobs", "parts"}


class RunData:
    """Reads one run for the views; keeps no rows, only what is small."""

    def __init__(self, run: Any) -> None:
        self.run = run
        self.path = Path(run.path)

    @functools.cached_property
    def vocabulary(self) -> Vocabulary | None:
        """The run's tokenizer."""
        return Vocabulary.load(self.path / "tokenizer")

    @functools.cached_property
    def special(self) -> tuple[str, ...]:
        """The texts of the tokenizer's special tokens."""
        return self.vocabulary.special_texts if self.vocabulary else ()

    def steps(self) -> list[int]:
        """Steps whose rollouts were recorded, in order."""
        return list(self.run.steps())

    def config(self) -> dict[str, Any]:
        """The configuration as run."""
        return dict(self.run.resolved)

    def index(self) -> dict[str, Any]:
        """Name, method, length and recorded steps of the run."""
        config = self.config()
        return {
            "name": self.run.title,
            "method": (config.get("method") or {}).get("key", ""),
            "total": (config.get("training") or {}).get("steps"),
            "steps": self.steps(),
        }

    def metrics(self) -> bytes:
        """Every column of the metrics, and the events, as a payload."""
        frame = self.run.metrics()
        thinned = frame.iloc[:: max(1, -(-len(frame) // MOST_POINTS))]
        if len(frame) and thinned.index[-1] != frame.index[-1]:
            thinned = pd.concat([thinned, frame.iloc[[-1]]])
        columns = {
            str(name): thinned[name].to_numpy(dtype=np.int32 if name == "step" else np.float64)
            for name in thinned.columns
            if pd.api.types.is_numeric_dtype(thinned[name])
        }
        return pack({"kind": "metrics", "events": self.events(), "index": self.index()}, columns)

    def events(self) -> list[dict[str, Any]]:
        """The newest events with what a chart shows of them."""
        rows = self.run.event_lines()[-MOST_EVENTS:]
        kept = [{key: row.get(key) for key in ("step", "kind", "text")} for row in rows]
        return [{key: plain(value) for key, value in row.items()} for row in kept]

    def file(self, step: int) -> Path:
        """The parquet file of a step; ValueError where it was not recorded."""
        path = Path(self.run.file("rollouts", step))
        if not path.is_file():
            steps = self.steps()
            known = f"{steps[0]} to {steps[-1]}" if steps else "none yet"
            raise ValueError(f"step {step} of {self.path.name} has no recorded rollouts; recorded steps: {known}")
        return path

    def board(self, step: int) -> dict[str, Any]:
        """Every group of a step with its outcomes, without tokens; those that the update excluded come last."""
        ordered = entries(read(self.file(step), NAMES).to_pylist(), self.special)
        effect = self.scores_again() or bool(self.section("evaluation").get("probes"))
        return {"kind": "board", "step": step, "groups": ordered, "filters": self.filters(), "effect": effect}

    def section(self, name: str) -> dict[str, Any]:
        """A table of the configuration; empty where there is none."""
        return dict(self.config().get(name) or {})

    def scores_again(self) -> bool:
        """Whether the run scores rollouts again after a step's updates; True where its config does not say."""
        return bool(self.section("record").get("after", True))

    def filters(self) -> list[str]:
        """The names of the filters of the run's method."""
        filters = self.section("method").get("filters") or []
        return [str(each["piece"]) for each in filters if "piece" in each]

    def group(self, step: int, group: int) -> bytes:
        """The rollouts of a group with every recorded number of every token, as a payload."""
        table = read(self.file(step), None, group)
        if not table.num_rows:
            raise ValueError(f"step {step} of {self.path.name} has no group {group}; choose one from its board")
        header, columns = group_parts(table, self.vocabulary)
        explain(header["rollouts"], self.config())
        return pack({"kind": "group", "step": step, "group": group, **header}, columns)


def read(path: Path, names: Sequence[str] | None, group: int | None = None) -> pa.Table:
    """Columns of a step's file that are there, in the order of the rollouts; ValueError where it is broken."""
    try:
        known = pq.read_schema(path).names
        chosen = None if names is None else recorded_names(names, known)
        filters = None if group is None else [("group", "=", group)]
        table = pq.read_table(path, columns=chosen, filters=filters).sort_by("rollout")
        return table.rename_columns([current_name(name) for name in table.column_names])
    except (OSError, pa.ArrowInvalid) as error:
        raise ValueError(f"{path.parent.name}/{path.name} cannot be read ({error}); choose another step") from error


def group_parts(table: pa.Table, vocabulary: Vocabulary | None) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and columns of a group's payload. Columns run over all tokens of all rollouts, one after the other."""
    tokens = per_token(table, "token_ids").astype(np.int32)
    columns: dict[str, np.ndarray] = {"tokens": tokens, **signal_columns(table)}
    signals = [name for name in columns if name != "tokens"]
    columns["trained"] = per_token(table, "trained") > 0
    if "top_ids" in table.column_names:
        ids = per_token(table, "top_ids", TOP)
        if not np.isnan(ids).all():
            columns["top_ids"] = np.nan_to_num(ids, nan=-1).astype(np.int32)  # -1: not recorded
            columns["top_probs"] = per_token(table, "top_probs", TOP)
    rollouts, prompts = describe(table)
    seen = {*tokens.tolist(), *columns.get("top_ids", tokens).tolist(), *(id for prompt in prompts for id in prompt)}
    seen.discard(-1)
    texts = vocabulary.entries(seen) if vocabulary else {str(id): [f"⟨{id}⟩", 0] for id in sorted(seen)}
    header = {"rollouts": rollouts, "prompts": prompts, "vocabulary": texts, "signals": signals}
    return {**header, "described": descriptions(table.schema, signals)}, columns


def descriptions(schema: pa.Schema, signals: Sequence[str]) -> dict[str, dict[str, str]]:
    """Label, unit and help of every signal that is shown, and of those that could be; the record's own come first."""
    recorded = {field.name: field.metadata for field in schema if field.metadata}
    texts = {name: {key.decode(): text.decode() for key, text in found.items()} for name, found in recorded.items()}
    names = dict.fromkeys([*DESCRIPTIONS, *signals, *texts])
    return {name: from_texts(name, texts.get(name, {})).as_texts() for name in names}


def describe(table: pa.Table) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """What is known of each rollout besides its tokens, and the distinct prompts."""
    names = [name for name in (*PLAIN, "parts", "prompt_ids") if name in table.column_names]
    prompts: list[list[int]] = []
    rollouts, start = [], 0
    for row, length in zip(table.select(names).to_pylist(), token_counts(table).tolist(), strict=True):
        prompt = row.pop("prompt_ids", None) or []
        if prompt not in prompts:
            prompts.append(prompt)
        parts = [{key: plain(value) for key, value in part.items()} for part in row.pop("parts", None) or []]
        known = {key: plain(value) for key, value in row.items() if key != "prompt"}
        if "reward" in known:
            known["reward"] = rounded_reward(known["reward"])
        place = {"prompt": prompts.index(prompt), "start": start, "length": length}
        rollouts.append({**known, "parts": parts, **place})
        start += length
    return rollouts, prompts


def signal_columns(table: pa.Table) -> dict[str, np.ndarray]:
    """Every per-token column of numbers with something in it, derived ones included; rollouts without it: nan."""
    found: dict[str, np.ndarray] = {}
    for field in table.schema:
        per_tokens = pa.types.is_list(field.type) and pa.types.is_floating(field.type.value_type)
        if per_tokens and field.name not in NOT_SIGNALS:
            found[field.name] = per_token(table, field.name)
        elif field.name in OF_ROLLOUTS:
            numbers = table.column(field.name).cast(pa.float64()).to_numpy()
            found[field.name] = np.repeat(numbers, token_counts(table))
    known = {name: values for name, values in found.items() if not np.isnan(values).all()}
    return known | derived(known)


def derived(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns computed from recorded ones: differences, which need all the digits; tokens without gradient."""
    result = {}
    if "old_logprob" in found and "logprob" in found:
        result["ratio"] = np.exp(found["logprob"] - found["old_logprob"])
    if "old_logprob" in found and "engine_logprob" in found:
        result["gap"] = found["engine_logprob"] - found["old_logprob"]
    if "logprob" in found and "after_logprob" in found:
        result["change"] = found["after_logprob"] - found["logprob"]
    if "advantage" in found and "lens" in found:
        wanted = ~(np.isnan(found["advantage"]) | np.isnan(found["lens"])) & (found["advantage"] != 0)
        result["clipped"] = np.where(wanted, found["lens"] == 0, np.nan)
    return {name: values for name, values in result.items() if not np.isnan(values).all()}


def token_counts(table: pa.Table) -> np.ndarray:
    """Tokens of each rollout, [rollout]."""
    counts: np.ndarray = pc.list_value_length(table.column("token_ids")).to_numpy()
    return counts


def per_token(table: pa.Table, name: str, width: int = 1) -> np.ndarray:
    """A list column as one array over all tokens, `width` numbers each; what a rollout does not have is nan.

    ValueError where a list is neither missing nor as long as the rollout.
    """
    column = table.column(name).combine_chunks()
    counts = token_counts(table) * width
    found = pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False)
    if ((found >= 0) & (found != counts)).any():
        raise ValueError(f"column {name} does not have {width} number(s) for every token; write the step again")
    values = np.full(int(counts.sum()), math.nan)
    values[np.repeat(found >= 0, counts)] = column.flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    return values


def plain(value: Any) -> Any:
    """A value for JSON: nan and missing become None."""
    return number(value) if isinstance(value, float) or value is pd.NA else value
