"""Every data set of reasoning-gym as a task: logic, graphs, games, algebra, puzzles, each with its own difficulty."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.kinds import Task
from workbench.problems.gym.items import draw
from workbench.problems.gym.sets import EVALUATING
from workbench.sandbox.probe import why_not
from workbench.types import Problem

SLOT = "{prompt}"
TEMPLATE = SLOT + "\nGive the final answer alone between <answer> and </answer>."
ANY = "any valid solution"  # the reference of a data set that has none: its verifier checks the solution itself


@dataclass(frozen=True)
class ReasoningGym(Task):
    """A data set of reasoning-gym (arXiv:2505.24760); needs `pip install 'rlvr-workbench[tasks]'`.

    Difficulty: `settings` are fields of the data set's own configuration, as `{min_terms = 2, max_terms = 3}` for
    chain_sum; `level` sets every attribute of its curriculum, where it has one (level 0 is the easiest). A question
    belongs to one split, by its text. The reward is `reasoning_gym`, whose processes run the data set's verifier.
    The verifiers of nine data sets evaluate the answer as code: they need the sandbox. Two are refused by name.
    """

    dataset: Annotated[str, Field(min_length=1, description="name of the data set, as in reasoning-gym's gallery")]
    settings: Annotated[Mapping[str, Any], Field(description="fields of its configuration")] = field(
        default_factory=dict
    )
    level: Annotated[int | None, Field(ge=0, description="level of its curriculum; none: the settings alone")] = None
    template: Annotated[str, Field(description="what the model is asked; {prompt} is the question")] = TEMPLATE
    seed: Annotated[int, Field(ge=0, le=2**31, description="problem i begins with item seed + i")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if SLOT not in self.template:
            raise ValueError(
                f"reasoning_gym.template = {self.template!r}: has no place for the question; write {SLOT} where it goes"
            )

    def problem(self, number: int, split: Literal["train", "test"]) -> Problem:
        settings = dict(self.settings)
        found = draw(self.dataset, json.dumps(settings, sort_keys=True), self.level, self.seed + number, split)
        inside = {"metadata": dict(found.metadata)} if self.dataset in EVALUATING else {}
        return Problem(
            key=f"{self.dataset}-{split}-{self.seed + number}",
            prompt=self.template.replace(SLOT, found.question),
            answer=ANY if found.answer is None else found.answer,
            data={"dataset": self.dataset, "settings": settings, "level": self.level, "item": found.number, **inside},
        )

    def check(self) -> list[str]:
        if self.dataset in EVALUATING and why_not():
            return [f"reasoning_gym.dataset = {self.dataset!r}: its verifier runs in the sandbox alone: {why_not()}"]
        try:
            self.problem(0, "train")
            self.problem(0, "test")
        except ValueError as error:
            return [f"reasoning_gym.{error}"]
        return []
