"""The page of the study, from the newest line that `make study` kept."""

import json
from pathlib import Path
from typing import Any

from scripts.sources import ROOT
from workbench.study.plan import PLAN, Plan
from workbench.study.report import RULE, arms_table, claims_table

STUDY = ROOT / "benchmarks" / "results" / "study.jsonl"

TEXT = """
*Towards Understanding Self-play for LLM Reasoning* (arXiv:2510.27072) compares self-play (Absolute Zero, `azr`) with
RLVR (`grpo`) and supervised fine-tuning (`sft`) from one base model: how sparse the change of the weights is, what
becomes of the entropy of proposer and solver, what the proposer's reward does, and pass@k. This page repeats the
comparison on the embedded model for programs, of 0.8 million weights. It can say whether a statement holds there, and
no more: nothing of a model of billions of weights follows from it.

Every arm begins with the same weights and may use as many tokens of completions, sampled or given (`token_budget`):
for self-play proposals and tries count, for SFT the tokens of the traces. A play is an ordinary run, so it is resumed
after a kill, and any view opens it.

```sh
make study                                   # plays what is not on record; some two hours on two quiet cores
workbench study --plays study.jsonl          # the same anywhere; --report only shows the tables
workbench study mine.toml --arm sft          # another study: see workbench/study/self_play.toml
workbench weights RUN                        # one probe on any run
```
"""

READ = """
## How to read it

- **Unchanged weights.** A share says little without the type of the numbers. In float32 nearly every weight moves;
  after rounding to bfloat16 the same small change has vanished. `workbench weights` makes the same change smaller,
  which shows the effect without training.
- **Of the base's kept** is the share of problems that the base solves at least once in so many completions and the
  trained model does as well (SRR, arXiv:2507.14843). Near the edge that is partly luck: the base compared with itself
  loses some too (`by_chance` in the kept line).
- **A frozen proposer** is not trained on, and its entropy is then not measured. Its texts still change, for it shares
  the weights with the solver.
- **Rates of proposals** are those of the tries at the step of their making, by the model of that step.
"""


def study_page(note: str, path: Path = STUDY) -> str:
    """The whole page."""
    parts = ["# The study of self-play", "", note, TEXT]
    if not path.exists():
        return "\n".join([*parts, "Not played yet: `make study`.", READ])
    return "\n".join([*parts, played(json.loads(path.read_text(encoding="utf-8").splitlines()[-1])), READ])


def played(line: dict[str, Any]) -> str:
    """The tables of a kept line, with what they are of."""
    plan = Plan.load(PLAN)
    seeds, whole = len(line["seeds"]), len(plan.seeds)
    note = ""
    if seeds < whole:
        note = f'!!! warning "{seeds} of {whole} seeds are played"\n    With so few no verdict is given.\n\n'
    where = (
        f"Study `{line['plan']}`: {seeds} of {whole} seeds, {line['budget']:,} tokens a play, on "
        f"{line['hardware']['processor']}, commit `{str(line['commit'])[:10]}`."
    )
    failed = [f"- failed: {each['arm']}, seed {each['seed']}: {each['failed']}" for each in line["failed"]]
    parts = [note + where, "", "## The arms", "", "Means over seeds, in brackets the bootstrap interval.", ""]
    parts += [arms_table(line["arms"]), *failed, "", "## The claims", "", RULE, ""]
    parts += ["The paper's full text was not at hand: what it says is taken from its abstract and notes on it.", ""]
    return "\n".join([*parts, claims_table(line["claims"])])
