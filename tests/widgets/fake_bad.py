"""A step whose rollouts hold what no model should write, and some do: for the views to bear."""

import random
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from tests.widgets.fake_run import make_row, score, signals, write_rollouts

LONG = 10_000
TEXTS = {
    "bytes": "half a euro €, \ufffd and a family 👩‍👩‍👧‍👦",
    "turned": "مرحبا 12 + 3\n\u202eevil override\u202c after \u200frtl mark",
    "control": "bell \x07 null \x00 escape \x1b[31mred\x1b[0m \r\n\t \x85 \u2028 \u200b \ufeff \x7f end",
    "markup": "<script>globalThis.hacked = 1</script><img src=x onerror='globalThis.hacked = 2'> </style> <!-- ${1}",
    "endless": "x" * LONG,
    "whole": "W" * LONG,  # one token
    "empty": "",
}
QUESTION = "<b>why</b> \u202eturned \x07?"
REASON = "<img src=x onerror='globalThis.hacked = 3'> \u202eturned " + "long" * 300


def bad_step(run: Path, step: int) -> Path:
    """Writes a step of three groups: all of `TEXTS` and cut bytes, one rollout alone, and two that are empty."""
    path = run / "tokenizer" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.add_tokens([AddedToken("W" * LONG, normalized=False)])
    tokenizer.save(str(path))
    texts = [tokenizer.encode(text).ids for text in TEXTS.values()]
    cut = tokenizer.encode("€").ids[:-1]  # a character without its last byte
    groups = [[*texts, cut], [tokenizer.encode("alone").ids], [[], []]]
    rows = [row for number, each in enumerate(groups) for row in bad_group(tokenizer, step, number, each)]
    write_rollouts(run / "rollouts" / f"step-{step:06d}.parquet", rows)
    return run


def bad_group(tokenizer: Tokenizer, step: int, group: int, texts: list[list[int]]) -> list[dict[str, Any]]:
    """Rows of given tokens, every other one right."""
    dice = random.Random(group)
    rows = []
    for number, ids in enumerate(texts):
        place, asked = (step, 0, 100 * group + number, 1), (QUESTION, "x")
        row = make_row(tokenizer, dice, place, asked, (3, number % 2 == 0))
        part = {"name": "<i>exact</i>", "value": 1.0, "correct": 1.0, "reason": REASON, "extracted": "3"}
        row |= {"token_ids": ids, "trained": [True] * len(ids), "text": tokenizer.decode(ids), "group": group}
        row |= {"rollout": 100 * group + number, "problem": "<script>p</script>", "answer": "<b>3</b>", "parts": [part]}
        rows.append(row | signals(dice, tokenizer, ids))
    if len(rows) > 1 and any(texts):
        return score(rows)
    return [row | {"advantage": [0.0] * len(row["token_ids"]), "lens": [0.0] * len(row["token_ids"])} for row in rows]
