"""The embedded model for programs before any training: how often it is correct, and what its proposals are worth.

`python -m benchmarks.programs_base` prints one JSON line. Solving: held-out problems of each kind and of the mixed
task, temperature 1, by the reward `by_running`; `worked` is the share of completions with values on the way, with the
accuracy of those and of the guesses. Proposing: the share `in_order` (valid, or valid but for the split), how many of
the valid programs differ in more than numbers, and the share of the commonest of these.
"""

import math
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import torch

from benchmarks.common import options, publish
from benchmarks.embedded_base import Sampler
from workbench.analysis.evaluate import pass_at
from workbench.models.embedded_programs import FOLDER
from workbench.problems.programs.asking import KINDS, Kind
from workbench.problems.programs.drawing import Drawn, draw
from workbench.problems.programs.proposals import parse_proposal, proposal_prompt
from workbench.rewards.by_running import ByRunning
from workbench.sandbox.small import skeleton
from workbench.sandbox.values import written
from workbench.tasks.small_programs import SmallPrograms
from workbench.types import Problem, Request, Rollout

REFERENCES = 2  # shown to the proposer


def graded(problem: Problem, texts: list[str]) -> list[float]:
    """The reward of every completion."""
    request = Request(problem, prompt=(0,), group=0, number=0)
    rollouts = [Rollout(request, number, [0], text, [0.0], [0.0], "stop") for number, text in enumerate(texts)]
    return [score.value for score in ByRunning()(problem, rollouts, None)]


def solving(sampler: Sampler, task: SmallPrograms, count: int, samples: int) -> dict[str, float]:
    """The numbers of a task, over its first held-out problems."""
    problems = [task.problem(number, "test") for number in range(count)]
    groups = sampler.write([problem.prompt for problem in problems], samples)
    scored = [graded(problem, [text for text, _ in group]) for problem, group in zip(problems, groups, strict=True)]
    rows = [
        (text, length, score)
        for group, scores in zip(groups, scored, strict=True)
        for (text, length), score in zip(group, scores, strict=True)
    ]
    worked = [score for text, _, score in rows if not text.startswith("answer:")]
    guessed = [score for text, _, score in rows if text.startswith("answer:")]
    rights = [round(sum(scores)) for scores in scored]
    numbers = {
        "pass_1": sum(rights) / len(rows),
        f"pass_{samples}": sum(pass_at(right, samples, samples) for right in rights) / count,
        "error": math.sqrt(sum((right / samples - sum(rights) / len(rows)) ** 2 for right in rights)) / count,
        "worked": len(worked) / len(rows),
        "right_worked": sum(worked) / max(1, len(worked)),
        "right_guessed": sum(guessed) / max(1, len(guessed)),
        "tokens": sum(length for _, length, _ in rows) / len(rows),
    }
    return {name: round(value, 4) for name, value in numbers.items()}


def proposing(sampler: Sampler, kind: Kind, count: int) -> dict[str, Any]:
    """The numbers of so many proposals, each from references of its own."""
    random = Random(0)
    few = 1 if kind == "write" else REFERENCES
    shown = [[draw(random, random.randint(1, 3), "train") for _ in range(few)] for _ in range(count)]
    prompts = [proposal_prompt(kind, [(each.program, written(each.inputs[0])) for each in drawn]) for drawn in shown]
    texts = [group[0][0] for group in sampler.write(prompts, 1)]
    found = [parse_proposal(kind, text, drawn[0].program) for text, drawn in zip(texts, shown, strict=True)]
    valid = [each for each in found if isinstance(each, Drawn)]
    faults = Counter("valid" if isinstance(each, Drawn) else each.fault for each in found)
    known = [{each.program for each in drawn} for drawn in shown]
    copies = sum(isinstance(each, Drawn) and each.program in old for each, old in zip(found, known, strict=True))
    made = [str(each.inputs) if kind == "write" else skeleton(each.program) for each in valid]
    return {
        "in_order": round((faults["valid"] + faults["held out"]) / count, 4),
        "faults": {fault: round(number / count, 4) for fault, number in faults.most_common()},
        "different": round(len(set(made)) / max(1, len(made)), 4),
        "commonest": round(Counter(made).most_common(1)[0][1] / len(made), 4) if made else 0.0,
        "copies": 0.0 if kind == "write" else round(copies / count, 4),
        "lines": round(sum(each.program.count(";") for each in valid) / max(1, len(valid)), 2),
    }


def main() -> None:
    """The command line."""
    parser = options("Measures the embedded model for programs on held-out problems, and its proposals.")
    parser.add_argument("--model", type=Path, default=FOLDER, help="folder of the model")
    parser.add_argument("--problems", type=int, default=256, help="held-out problems of a kind and level")
    parser.add_argument("--samples", type=int, default=16, help="completions of a problem")
    parser.add_argument("--proposals", type=int, default=512, help="proposals of a kind")
    parser.add_argument("--lines", type=int, nargs="+", default=[1, 2, 3], help="levels: at most so many lines")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    begun = time.monotonic()
    sampler = Sampler(arguments.model)
    tasks = [SmallPrograms(asks=asks, lines=lines) for lines in arguments.lines for asks in (*KINDS, "all")]
    result = {
        f"{task.asks}-{task.lines}": solving(sampler, task, arguments.problems, arguments.samples) for task in tasks
    }
    proposals = {f"propose_{kind}": proposing(sampler, kind, arguments.proposals) for kind in KINDS}
    seconds = round(time.monotonic() - begun, 1)
    numbers = {"problems": arguments.problems, "samples": arguments.samples, "seconds": seconds, **result, **proposals}
    publish("programs_base", numbers, save=arguments.save)


if __name__ == "__main__":
    main()
