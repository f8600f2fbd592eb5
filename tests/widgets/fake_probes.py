"""Adds probe problems to a fake run: the same problems at every evaluation."""

from pathlib import Path

from fake_run import Shape, make_group, make_tokenizer, write_rollouts

EVALUATED = 4  # steps from one evaluation to the next


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
