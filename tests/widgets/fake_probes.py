"""Adds probe problems to a fake run: the same at every evaluation, scored again after the step that follows."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.widgets.fake_run import Shape, make_group, make_tokenizer, write_rollouts

EVALUATED = 4  # steps from one evaluation to the next
CONFIG = 'name = "fake"\n[task]\ntask = "sums"\n[[rewards]]\nreward = "exact"\n[method]\nmethod = "grpo"\n'


def add_probes(run: Path, shape: Shape, problems: int = 2) -> Path:
    """Writes `probes/`; as in a real run a probe has neither advantage nor lens."""
    folder = run / "probes"
    folder.mkdir(exist_ok=True)
    tokenizer = make_tokenizer(run / "tokenizer" / "tokenizer.json")
    for step in range(EVALUATED, shape.steps + 1, EVALUATED):
        rows = [row for group in range(problems) for row in make_group(tokenizer, shape, step, group)]
        for row in rows:
            prompt = f"<|user|>What is {row['group']} + 1?\n"
            row |= {"problem": f"held_out/{row['group']}", "prompt": prompt, "prompt_ids": tokenizer.encode(prompt).ids}
            row |= {"advantage": None, "lens": None}
        write_rollouts(folder / f"step-{step:06d}.parquet", rows)
    return run


def score_probes_again(run: Path, step: int, moved: float = 0.01) -> Path:
    """Writes `after_logprob` of the probes of a step: right answers became likelier by so much a token, others less."""
    path = run / "probes" / f"step-{step:06d}.parquet"
    table = pq.read_table(path)
    rows = table.select(["logprob", "correct"]).to_pylist()
    after = [[old + (moved if row["correct"] > 0.5 else -moved) for old in row["logprob"]] for row in rows]
    lists = pa.array(after, pa.list_(pa.float32()))
    rest = table.drop_columns([name for name in ("after_logprob",) if name in table.column_names])
    pq.write_table(rest.append_column("after_logprob", lists), path)
    (run / "config.toml").write_text(CONFIG)  # the method that is asked what it would have told them
    return run
