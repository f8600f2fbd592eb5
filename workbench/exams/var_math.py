"""VAR-MATH: is a problem understood, or its instance known? arXiv:2507.12885."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.analysis.families import by_family
from workbench.kinds import Counts, Exam, Reward, Task
from workbench.rewards.math import Math
from workbench.tasks.variants import Variants
from workbench.types import Group


@dataclass(frozen=True)
class VarMath(Exam):
    """Variants of templates (task `variants`): strict, loose, and the accuracy on each template's first variant.

    strict = Π_variants P(a completion is correct), the chance that all variants of a template are correct in one try
    each; loose = its mean. Ask for a multiple of `variants` problems: a template that is cut short counts with the
    variants that were asked. A strict score below the loose one is noise per try as well as memory: compare models, not
    the two.
    """

    path: Annotated[str, Field(description="file of templates")]
    variants: Annotated[int, Field(ge=1, le=100, description="problems of each template")] = 5
    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of the values")] = 42

    @property
    def task(self) -> Task:
        return Variants(self.path, self.variants, test_share=1.0, seed=self.seed)

    @property
    def reward(self) -> Reward:
        return Math()

    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        del base
        return by_family([(str(group.problem.data["family"]), group.accuracy) for group in groups])
