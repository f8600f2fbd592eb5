"""GSM8K: grade-school word problems with worked solutions that end in `#### answer`. arXiv:2110.14168."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Task
from workbench.tasks.jsonl import SLOT, Jsonl, Seed, Split, check_number, check_template, order
from workbench.types import Problem

HUB = ("openai/gsm8k", "main")
TEMPLATE = SLOT + "\nReason step by step, then give the final number in \\boxed{}."


@dataclass(frozen=True)
class Gsm8k(Task):
    """GSM8K from a local file with columns `question` and `answer`, or from the Hugging Face Hub when none is given.

    The reference answer is what follows `####`, without thousands separators. From the Hub the splits are the data
    set's own; from a file as in `jsonl`: a second file, or a share of the lines.
    """

    path: Annotated[str | None, Field(description="a local file; none: openai/gsm8k from the Hub")] = None
    test_path: Annotated[str | None, Field(description="a local file for the test split")] = None
    test_share: Annotated[float, Field(ge=0, lt=1, description="share of a local file held out")] = 0.1
    template: Annotated[str, Field(description="what the model is asked; {prompt} is the question")] = TEMPLATE
    shuffle: Seed = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_template("gsm8k", self.template)
        if self.path is None and self.test_path is not None:
            raise ValueError(f"gsm8k.test_path = {self.test_path!r}: needs path, the file for the training split")

    def problem(self, number: int, split: Split) -> Problem:
        found = self.from_hub(number, split) if self.path is None else self.file(self.path).problem(number, split)
        return replace(found, answer=found.answer.replace(",", ""))

    def size(self, split: Split) -> int:
        return len(load_hub(split)) if self.path is None else self.file(self.path).size(split)

    def check(self) -> list[str]:
        if self.path is not None:
            return [error.replace("jsonl.", "gsm8k.", 1) for error in self.file(self.path).check()]
        try:
            load_hub("train")
        except Exception as error:  # the Hub's client raises of every kind; nothing starts before this is solved
            what = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            what += " ".join(str(error).split())[:200]
            return [f"gsm8k.path = None: {HUB[0]} cannot be loaded from the Hub ({what}); set path to a local file"]
        return []

    def place(self, number: int, split: Split) -> str:
        if self.path is not None:
            return self.file(self.path).place(number, split)
        return f"{HUB[0]}, {split} row {order(self.size(split), self.shuffle)[number]}"

    def version(self) -> str:
        return "" if self.path is None else self.file(self.path).version()

    def file(self, path: str) -> Jsonl:
        """The local file as a task."""
        return Jsonl(
            path,
            prompt="question",
            answer_after="####",
            template=self.template,
            test_path=self.test_path,
            test_share=self.test_share,
            shuffle=self.shuffle,
        )

    def from_hub(self, number: int, split: Split) -> Problem:
        """A problem of the Hub's data set; its key is the split and the row."""
        rows = load_hub(split)
        check_number(number, len(rows), split)
        place = order(len(rows), self.shuffle)[number]
        question, solution = rows[place]["question"], rows[place]["answer"]
        answer = solution.rpartition("####")[2].strip()
        return Problem(f"{split}-{place}", self.template.replace(SLOT, question), answer, rows[place])


@functools.cache
def load_hub(split: Split) -> tuple[Mapping[str, Any], ...]:
    """The rows of a split from the Hub, or from the cache of an earlier download."""
    import datasets

    before = datasets.config.HF_HUB_OFFLINE
    silence = "HF_HUB_OFFLINE is set" if before else why_silent()
    datasets.config.HF_HUB_OFFLINE = bool(silence)  # else it asks a Hub that is silent for half a minute
    try:
        return tuple(dict(row) for row in datasets.load_dataset(*HUB, split=split))
    except ConnectionError as error:
        raise ValueError(f"{silence or error}, and no earlier download is kept here") from error
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def why_silent() -> str:
    """Why the Hub does not answer, asked once; nothing if it does."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(HUB[0], timeout=5.0)
    except Exception as error:  # the errors of the Hub's HTTP client differ by version and share no base
        return f"the Hub gave {type(error).__name__}: {' '.join(str(error).split())}"
    return ""
