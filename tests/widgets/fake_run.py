"""Makes a run directory without training: word problems, answers with slips, signals of the right size and sign."""

import json
import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from workbench.runs.open import Run, open_run

TOP = 5
SIGNALS = ("advantage", "lens", "logprob", "old_logprob", "engine_logprob", "sampled_logprob", "entropy", "max_prob",
           "rank", "chosen_logit", "logsumexp", "mean_logit", "nucleus_entropy", "collision")  # fmt: skip
PEOPLE = ["Mia", "Tom", "Ana", "Raj", "Lena", "Omar"]
THINGS = ["apples", "marbles", "stickers", "shells", "coins"]


@dataclass(frozen=True)
class Shape:
    """How large the fake run is."""

    steps: int = 12
    problems: int = 4
    rollouts: int = 8
    seed: int = 0
    filler: int = 0  # extra sentences in every answer, to make it long


def make_run(folder: Path, shape: Shape = Shape()) -> Path:
    """Writes the directory and answers its path."""
    for name in ("rollouts", "tokenizer", "control", "control/ack"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    tokenizer = make_tokenizer(folder / "tokenizer" / "tokenizer.json")
    write_json(folder / "format.json", {"format": 1, "kind": "run"})
    write_json(
        folder / "status.json",
        {"state": "finished", "phase": "finish", "step": shape.steps, "total": shape.steps, "attempt": 1},
    )
    config = {"name": "fake", "method": {"key": "grpo", "title": "GRPO"}, "training": {"steps": shape.steps}}
    write_json(folder / "resolved.json", config)
    (folder / "config.toml").write_text(f'name = "fake"\n[training]\nsteps = {shape.steps}\n')
    event = {"attempt": 1, "time": 1.7e9, "step": 2, "kind": "set", "text": "learning_rate 0.0003 -> 0.0001"}
    (folder / "events.jsonl").write_text(json.dumps(event) + "\n")
    with (folder / "metrics.jsonl").open("w") as file:
        file.write(json.dumps({"attempt": 1, "step": 0, "time": 1.7e9, "accuracy": 0.41}) + "\n")
        for step in range(1, shape.steps + 1):
            rows = [row for group in range(shape.problems) for row in make_group(tokenizer, shape, step, group)]
            write_rollouts(folder / "rollouts" / f"step-{step:06d}.parquet", rows)
            file.write(json.dumps(metrics_line(shape, step, rows)) + "\n")
    return folder


def small_run(folder: Path) -> Run:
    """The run that most tests look at: 8 steps of 4 problems with 6 rollouts each."""
    return open_run(make_run(folder / "fake", Shape(steps=8, problems=4, rollouts=6)))


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value))


def make_tokenizer(path: Path) -> Tokenizer:
    """A byte-level BPE tokenizer trained on the fake texts, with two special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=[AddedToken("<|end|>", special=True), AddedToken("<|user|>", special=True)],
        show_progress=False,
    )
    dice = random.Random(0)
    texts = [text for _ in range(60) for text in (question(dice)[0], solution(dice, 12, 30, 0, True))]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.save(str(path))
    return tokenizer


def question(dice: random.Random) -> tuple[str, int, int]:
    """A word problem and its two numbers."""
    first, second = dice.randint(11, 60), dice.randint(3, 30)
    who, what = dice.choice(PEOPLE), dice.choice(THINGS)
    return f"{who} has {first} {what} and finds {second} more. How many {what} are there now?", first, second


def solution(dice: random.Random, first: int, second: int, slip: int, steps: bool) -> str:
    """An answer in one of two habits: guessing at once, or step by step."""
    total = first + second + slip
    if not steps:
        return f"Answer: {total}"
    return f"Start with {first}.\nAdd {second}: {first} + {second} = {total} €.\nAnswer: {total}"


def make_group(tokenizer: Tokenizer, shape: Shape, step: int, group: int) -> list[dict[str, Any]]:
    """The rows of one problem's rollouts; the first problem of a step is solved by all, so it has no signal."""
    dice = random.Random(shape.seed * 10_007 + step * 101 + group)
    text, first, second = question(dice)
    skill = 1.0 if group == 0 and step > 3 else min(0.9, 0.35 + 0.5 * step / max(1, shape.steps))
    rows = []
    for number in range(shape.rollouts):
        steps = dice.random() < 0.3 + 0.6 * step / max(1, shape.steps)
        right = dice.random() < skill
        answer = "Let me think. " * shape.filler + solution(dice, first, second, 0 if right else 10, steps)
        rows.append(
            make_row(tokenizer, dice, (step, group, number, shape.rollouts), (text, answer), (first + second, right))
        )
    return score(rows)


def make_row(tokenizer, dice, place, texts, verdict) -> dict[str, Any]:
    """One rollout, not scored yet."""
    (step, group, number, count), (text, answer), (wanted, right) = place, texts, verdict
    prompt = f"<|user|>{text}\n"
    ids = [*tokenizer.encode(answer).ids, tokenizer.token_to_id("<|end|>")]
    pruned = number == count - 1 and group == 1
    cut = max(2, len(ids) // 2) if pruned else len(ids)
    ids = ids[:cut]
    scored = not (group == 2 and number == 1)
    reward = float(right and not pruned) if scored else math.nan
    reason = f"read {wanted if right else wanted + 10}, expected {wanted}" if scored else "the checker timed out"
    part = {"name": "exact", "value": reward, "correct": reward, "reason": reason, "extracted": str(wanted)}
    return {
        "step": step, "rollout": group * count + number, "problem": f"word_problems/{step * 50 + group}",
        "group": group, "round": 0, "tag": "", "prompt": prompt, "prompt_ids": tokenizer.encode(prompt).ids,
        "text": answer, "answer": str(wanted), "token_ids": ids, "trained": [True] * len(ids),
        "reward": reward, "correct": reward, "parts": [part],
        "finish": "pruned" if pruned else "stop", "pruned_at": cut if pruned else None,
        **signals(dice, tokenizer, ids),
    }  # fmt: skip


def signals(dice: random.Random, tokenizer: Tokenizer, ids: list[int]) -> dict[str, list[float]]:
    """Per-token columns that fit together: the chosen token has the stated rank among the alternatives."""
    found: dict[str, list[float]] = {name: [] for name in SIGNALS if name not in ("advantage", "lens")}
    found["top_ids"], found["top_probs"] = [], []
    for token in ids:
        digit = any(mark.isdigit() for mark in tokenizer.id_to_token(token))
        sure = dice.uniform(0.35, 0.9) if digit else dice.uniform(0.8, 0.999)
        rank = 0 if dice.random() < sure else 1
        rest = 1 - sure
        probs = [sure, rest * 0.6, rest * 0.2, rest * 0.1, rest * 0.05]
        others = [dice.randrange(2, tokenizer.get_vocab_size()) for _ in range(TOP - 1)]
        found["top_ids"] += [*others[:rank], token, *others[rank:]]
        found["top_probs"] += probs
        prob = probs[rank]
        old = math.log(prob) - dice.gauss(0, 0.05)
        values = {
            "logprob": math.log(prob), "old_logprob": old, "engine_logprob": old + dice.gauss(0, 1e-4),
            "sampled_logprob": old, "entropy": -sum(p * math.log(p) for p in probs), "max_prob": sure,
            "rank": float(rank), "chosen_logit": 12 + math.log(prob), "logsumexp": 12.0, "mean_logit": -3.0,
            "nucleus_entropy": -sure * math.log(sure), "collision": sum(p * p for p in probs),
        }  # fmt: skip
        for name, value in values.items():
            found[name].append(value)
    return found


def score(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Group-normalised advantages, and the push each token gets from them."""
    scored = [row["reward"] for row in rows if row["reward"] == row["reward"]]
    mean, deviation = float(np.mean(scored)), float(np.std(scored, ddof=1))
    tokens = sum(len(row["token_ids"]) for row in rows)
    for row in rows:
        advantage = (row["reward"] - mean) / (deviation + 1e-6) if row["reward"] == row["reward"] else 0.0
        row["advantage"] = [advantage] * len(row["token_ids"])
        pairs = zip(row["logprob"], row["old_logprob"], strict=True)
        row["lens"] = [advantage * math.exp(new - old) / tokens for new, old in pairs]
    return rows


def write_rollouts(path: Path, rows: list[dict[str, Any]]) -> None:
    """The parquet file of a step, with the columns and types of the run directory."""
    texts = {"problem", "tag", "prompt", "text", "answer", "finish", "source", "role", "excluded"}
    numbers = {"step", "rollout", "group", "round", "pruned_at", "parent"}
    part = pa.struct([("name", pa.string()), ("value", pa.float32()), ("correct", pa.float32()),
                      ("reason", pa.string()), ("extracted", pa.string())])  # fmt: skip
    special = {
        "parts": pa.list_(part),
        "trained": pa.list_(pa.bool_()),
        "reward": pa.float32(),
        "correct": pa.float32(),
    }
    fields = []
    for name in [*rows[0], "ref_logprob", "kl"]:
        kind = pa.string() if name in texts else pa.int32() if name in numbers else special.get(name)
        fields.append((name, kind or pa.list_(pa.int32() if name.endswith("ids") else pa.float32())))
    full = [{"ref_logprob": None, "kl": None, **row} for row in rows]
    pq.write_table(pa.Table.from_pylist(full, schema=pa.schema(fields)), path, compression="zstd")


def metrics_line(shape: Shape, step: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The step's line in metrics.jsonl."""
    rewards = [row["reward"] for row in rows if row["reward"] == row["reward"]]
    wobble = random.Random(step)
    line = {
        "attempt": 1, "step": step, "time": 1.7e9 + 1.5 * step, "reward": float(np.mean(rewards)),
        "correct": float(np.mean(rewards)), "loss": wobble.gauss(0, 0.01), "grad_norm": wobble.uniform(0.1, 0.4),
        "learning_rate": 3e-4, "entropy": 0.6 * math.exp(-step / shape.steps) + wobble.gauss(0, 0.01),
        "length": float(np.mean([len(row["token_ids"]) for row in rows])),
        "zero_gradient_tokens": wobble.uniform(0, 0.02),
        "zero_variance_groups": 1 / shape.problems if step > 3 else 0.0,
        "mismatch_mean": 1e-4, "mismatch_p99": wobble.uniform(3e-4, 4e-4),
        "tokens": sum(len(row["token_ids"]) for row in rows), "truncated": 0.0, "scored_share": 1 - 1 / len(rows),
        "reward.exact": float(np.mean(rewards)), "seconds": 1.5, "seconds.generate": 0.7 + wobble.uniform(0, 0.1),
        "seconds.reward": 0.02, "seconds.score": 0.3, "seconds.update": 0.4, "seconds.record": 0.03,
    }  # fmt: skip
    if step % 4 == 0:
        line["accuracy"] = 0.41 + 0.45 * (1 - math.exp(-2 * step / shape.steps))
    return line
