"""Accuracy of the embedded model before any reinforcement learning: pass@1 and pass@64 on held-out problems.

`python -m benchmarks.embedded_base` prints one JSON line. Plain batched sampling with transformers at temperature 1;
`steps` is the share of completions worked step by step, with the accuracy of those and of the guesses.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.common import options, publish
from workbench.analysis.evaluate import pass_at
from workbench.kinds import Task
from workbench.models.embedded import FOLDER
from workbench.tasks.sums import Sums
from workbench.tasks.word_problems import WordProblems
from workbench.types import Problem

ROWS = 512  # rollouts sampled together


@dataclass(frozen=True)
class Answer:
    """One sampled answer."""

    text: str
    tokens: int
    right: bool

    @property
    def worked(self) -> bool:
        """Whether a calculation is written down."""
        return "=" in self.text


class Sampler:
    """A model with its tokenizer, that answers problems."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
        self.model = AutoModelForCausalLM.from_pretrained(folder).eval()

    def answer(self, problems: list[Problem], samples: int) -> list[list[Answer]]:
        """So many answers to every problem."""
        groups = self.write([problem.prompt for problem in problems], samples)
        return [
            [Answer(text, length, last_answer(text) == problem.answer) for text, length in group]
            for problem, group in zip(problems, groups, strict=True)
        ]

    def write(self, prompts: list[str], samples: int) -> list[list[tuple[str, int]]]:
        """So many completions of every prompt, each with its number of tokens."""
        at_once = max(1, ROWS // samples)
        found: list[list[tuple[str, int]]] = []
        for start in range(0, len(prompts), at_once):
            found += self.write_some(prompts[start : start + at_once], samples)
        return found

    @torch.no_grad()
    def write_some(self, prompts: list[str], samples: int) -> list[list[tuple[str, int]]]:
        """The same, in one batch."""
        tokens = self.tokenizer(prompts, return_tensors="pt", padding=True)
        tokens.pop("token_type_ids", None)
        written = self.model.generate(**tokens, num_return_sequences=samples)[:, tokens["input_ids"].shape[1] :]
        texts = self.tokenizer.batch_decode(written, skip_special_tokens=True)
        lengths = (written != self.tokenizer.pad_token_id).sum(1).tolist()
        pairs = list(zip(texts, lengths, strict=True))
        return [pairs[row : row + samples] for row in range(0, len(pairs), samples)]


def last_answer(text: str) -> str:
    """What follows the last `answer:`; empty if there is none."""
    return text.rpartition("answer:")[2].strip() if "answer:" in text else ""


def measure(sampler: Sampler, task: Task, count: int, samples: int) -> dict[str, float]:
    """The numbers of one task, over the first `count` test problems."""
    problems = [task.problem(number, "test") for number in range(count)]
    groups = sampler.answer(problems, samples)
    answers = [answer for group in groups for answer in group]
    rights = [sum(answer.right for answer in group) for group in groups]
    worked = [answer.right for answer in answers if answer.worked]
    guessed = [answer.right for answer in answers if not answer.worked]
    numbers = {
        "pass_1": sum(pass_at(right, samples, 1) for right in rights) / count,
        f"pass_{samples}": sum(pass_at(right, samples, samples) for right in rights) / count,
        "steps": len(worked) / len(answers),
        "right_worked": sum(worked) / max(1, len(worked)),
        "right_guessed": sum(guessed) / max(1, len(guessed)),
        "tokens": sum(answer.tokens for answer in answers) / len(answers),
    }
    return {name: round(value, 4) for name, value in numbers.items()}


def main() -> None:
    """The command line."""
    parser = options("Measures the embedded model on held-out problems.")
    parser.add_argument("--model", type=Path, default=FOLDER, help="folder of the model")
    parser.add_argument("--problems", type=int, default=256, help="held-out problems a task")
    parser.add_argument("--samples", type=int, default=64, help="answers a problem")
    parser.add_argument("--levels", type=int, nargs="+", default=[2], help="difficulty levels, 1 to 3")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    begun = time.monotonic()
    sampler = Sampler(arguments.model)
    result = {
        f"{task.name}-{level}": measure(sampler, task, arguments.problems, arguments.samples)
        for level in arguments.levels
        for task in (WordProblems(level=level), Sums(level=level))
    }
    seconds = round(time.monotonic() - begun, 1)
    numbers = {"problems": arguments.problems, "samples": arguments.samples, "seconds": seconds, **result}
    publish("embedded_base", numbers, save=arguments.save)


if __name__ == "__main__":
    main()
