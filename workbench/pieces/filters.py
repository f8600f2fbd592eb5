"""Filters that two or more papers share: which groups are trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.kinds import Filter, Verdict
from workbench.types import Group


@dataclass(frozen=True)
class DynamicSampling(Filter):
    """Trains on problems that are neither always solved nor never. DAPO, arXiv:2503.14476, section 3.2.

    keep: 0 < correct rollouts < n, since a shaped reward may vary where correctness does not. The others are replaced
    by new problems for at most `rounds` further rounds; what is missing then stays missing.
    """

    rounds: Annotated[int, Field(ge=0, description="most further rounds of sampling a step")] = 9  # verl: 10 in all

    def __call__(self, groups: Sequence[Group]) -> list[Verdict]:
        return ["keep" if 0 < group.accuracy < 1 else "resample" for group in groups]
