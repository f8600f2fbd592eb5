"""NPO: where the policy seldom succeeds, a correct completion that was kept takes the place of an incorrect one.

Kept are the run's own of earlier steps. For the paper's *near future* let a scout run ahead with the synthesis
`keep_correct`, and give its `problems.jsonl` to the task `jsonl`: its lines hold the completions.
Left out: AutoNPO, which sends scouts ahead and rolls the run back by itself.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from workbench.kinds import Controller, Orders, Round
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.archive import KeepCorrect, again, solved
from workbench.types import Group, Rollout, State

TAG = "kept"
BOUND = 20.0  # on the logarithm of a sequence's weight

Kept = dict[str, Any]  # an entry of the archive


@dataclass(frozen=True)
class FromArchive(Controller):
    """Replaces one incorrect completion of a group by a kept correct one. arXiv:2604.20733.

    Of groups solved at most at `gate`. Completions are told apart by when they were written, in spans of `span` steps;
    the span is taken whose quality over cost is largest. Quality: the share of these groups that have a completion of
    it; cost: the second moment of the weights policy / writer of its completions, which the policy reads. A group
    without one of that span takes one of its next best. The last incorrect rollout gives way, and a group has one
    replaced at most.
    """

    gate: Annotated[float, Field(ge=0, lt=1, description="accuracy up to which a completion is replaced")] = 0.6
    span: Annotated[int, Field(ge=1, description="steps whose completions count as of one time")] = 10  # ours

    def __call__(self, state: State, round: Round) -> Orders:
        if round.number > 0:
            return Orders(state=state)
        groups = [each for each in round.groups if self.wants(each)]
        kept = {group.number: solved(group.problem) for group in groups}
        ranked = self.ranked(groups, kept, round)
        ready, replaced = list[Rollout](), set[tuple[int, int]]()
        for group in groups:
            entry = next(each for span in ranked for each in kept[group.number] if self.span_of(each) == span)
            first = group.rollouts[0].request
            request = round.request(problem=group.problem, prompt=first.prompt, group=group.number, tag=TAG)
            ready.append(again(request, entry))
            replaced.add(next(each.key for each in reversed(group.rollouts) if each.correct != 1))
        return Orders(rollouts=ready, drop=lambda each: each.key in replaced, state=state)

    def wants(self, group: Group) -> bool:
        """Whether a group has a completion replaced."""
        plain = group.rollouts[0].request
        return (
            not plain.role and len(group.rollouts) > 1 and group.accuracy <= self.gate and bool(solved(group.problem))
        )

    def span_of(self, entry: Kept) -> int:
        """When a completion was written."""
        return int(entry["step"]) // self.span

    def ranked(self, groups: Sequence[Group], kept: Mapping[int, Sequence[Kept]], round: Round) -> list[int]:
        """The spans, the best first."""
        asked = [(group, entry) for group in groups for entry in kept[group.number]]
        if not asked:
            return []
        now = logprobs([group for group, _ in asked], [entry for _, entry in asked], round)
        quality: dict[int, set[int]] = {}
        weights: dict[int, list[float]] = {}
        for (group, entry), value in zip(asked, now, strict=True):
            span = self.span_of(entry)
            quality.setdefault(span, set()).add(group.number)
            weights.setdefault(span, []).append(value - float(entry["logprob"]))
        share = {span: len(found) / len(groups) for span, found in quality.items()}
        return best_first(share, {span: second_moment(found) for span, found in weights.items()})


def logprobs(groups: Sequence[Group], entries: Sequence[Kept], round: Round) -> list[float]:
    """The policy's log-prob of each kept completion."""
    if round.scorer is None:
        raise ValueError("from_archive reads the policy's log-probs and was given no scorer: choose an engine with one")
    prompts = [group.rollouts[0].prompt for group in groups]
    read = round.scorer.score(prompts, [entry["tokens"] for entry in entries], ["logprob"])
    return [sum(item["logprob"]) for item in read]


def second_moment(ratios: Sequence[float]) -> float:
    """The mean square of weights, by their logarithms.

    >>> round(second_moment([math.log(weight) for weight in (1.1244, 0.9429, 1.1806, 1.3333)]), 4)
    1.3312
    """
    return sum(math.exp(2 * min(max(ratio, -BOUND), BOUND)) for ratio in ratios) / len(ratios)


def best_first(quality: Mapping[int, float], cost: Mapping[int, float]) -> list[int]:
    """Times by quality over cost, the best first; of equally good ones the later.

    >>> distance = (10, 30, 60, 100)
    >>> quality = dict(zip(distance, (0.1, 0.3, 0.45, 0.5)))
    >>> best_first(quality, {each: math.exp(0.02 * each) for each in distance})
    [30, 60, 10, 100]
    """
    return sorted(quality, key=lambda time: (-quality[time] / max(cost[time], 1e-12), -time))


METHODS = {
    "npo": derive(
        GRPO,
        title="NPO",
        paper="arXiv:2604.20733",
        equation=r"y_n\leftarrow y\sim\pi_{t+\Delta^*}(\cdot|q),\ R(y)=1,\quad\text{if }\hat p(q)\le\tau;\quad"
        r"\Delta^*=\arg\max_\Delta Q(\Delta)/V(\Delta)",
        changes="in groups that are seldom solved one incorrect completion is replaced by a correct one that was kept,"
        " chosen by how many groups have one and how far the policy is from its writer",
        regularisers=(),
        controller=FromArchive(),
        synthesis=KeepCorrect(rate=0.6),
    )
}
