"""Theory of mind under alterations: does a model follow who knows what, or tell a known story? arXiv:2302.08399."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from workbench.analysis.families import by_family
from workbench.kinds import Counts, Exam, Reward, Task
from workbench.rewards.exact import Exact
from workbench.tasks.minds import Minds as MindsTask
from workbench.types import Group


@dataclass(frozen=True)
class Minds(Exam):
    """Families of stories (task `minds`): *strict*, all stories of a family; *loose*, their mean; *first*, the usual.

    strict = Π_alterations P(a completion is correct). Every alteration has its accuracy beside it, and *drop* is the
    usual story's less the mean of the altered ones': what knowing the story alone is worth. Chance is one in three.
    Ask for a multiple of eleven problems: a family that is cut short counts with the stories that were asked.
    """

    seed: Annotated[int, Field(ge=0, le=2**32 - 1, description="of people, things and containers")] = 0

    @property
    def task(self) -> Task:
        return MindsTask(self.seed)

    @property
    def reward(self) -> Reward:
        return Exact()

    def measures(self, groups: Sequence[Group], base: Sequence[Counts] | None) -> Mapping[str, Sequence[float]]:
        del base
        families: dict[str, dict[str, float]] = {}
        for group in groups:
            family, name = (str(group.problem.data[key]) for key in ("family", "alteration"))
            families.setdefault(family, {})[name] = group.accuracy
        found = by_family([(family, rate) for family, own in families.items() for rate in own.values()])
        altered = [name for own in families.values() for name in own if name != "plain"]
        kinds = {name: [own[name] for own in families.values() if name in own] for name in dict.fromkeys(altered)}
        drops = [own["plain"] - mean(rest) for own in families.values() if (rest := others(own))]
        return {**found, **kinds, **({"drop": drops} if drops else {})}


def others(own: Mapping[str, float]) -> list[float]:
    """The accuracies of a family's altered stories."""
    return [rate for name, rate in own.items() if name != "plain"]


def mean(values: Sequence[float]) -> float:
    """The mean."""
    return sum(values) / len(values)
