"""The process in which reasoning-gym's verifiers run, with limits of processor time and memory."""

import functools
import json
import logging
import warnings
from collections.abc import Mapping
from typing import Any

from workbench.problems.gym.sets import EVALUATING, REMEDY, item, make, names
from workbench.rewards.grading.worker import limit_memory, limit_processor, serve
from workbench.rewards.whole.strict import FULL, fault

MAKING = 300.0  # processor seconds that making a data set may take


def load() -> None:
    """Imports the library; its warnings about answers are of no use to anybody."""
    names()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    limit_memory()


@functools.lru_cache(maxsize=64)
def entry_of(reference: str) -> Mapping[str, Any]:
    """The item of a problem, made again as the task made it: JSON would have turned its tuples into lists."""
    order = json.loads(reference)
    return item(order["dataset"], order["settings"], order["level"], order["item"])


def prepare(reference: str) -> None:
    """Makes the problem before its answer's time begins to count."""
    limit_processor(MAKING)
    if json.loads(reference)["dataset"] not in EVALUATING:
        entry_of(reference)


def verify(reference: str, answer: str) -> tuple[bool | None, str]:
    """Whether the data set's verifier gives full marks; partial credit counts as incorrect."""
    order = json.loads(reference)
    name = order["dataset"]
    if name in EVALUATING:
        return None, f"unscored: the verifier of {name} evaluates the answer as code and runs in the sandbox alone"
    entry = entry_of(reference)
    wrong = fault(name, str(entry["answer"]), answer)
    if wrong:
        return False, wrong
    score = float(make(name, order["settings"], order["level"]).score_answer(answer, entry))
    return score >= FULL, f"reasoning-gym's verifier of {name} gives {score:.3g}{'' if score >= FULL else ' of 1'}"


if __name__ == "__main__":
    serve(load, verify, REMEDY, prepare)
