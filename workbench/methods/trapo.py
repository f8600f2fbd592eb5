"""TraPO: unlabelled problems are trained on the majority vote, if their pass rates move like labelled ones'."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from workbench.kinds import Controller, Orders, Pick, Pool, Round, Sampler, Shaping
from workbench.method import derive
from workbench.methods.grpo import GRPO
from workbench.pieces.regulariser import K3
from workbench.types import Group, Problem, Rollout, State
from workbench.types.memory import Ledger

Column = Annotated[str, Field(description="the column of the data that is false where a problem has no label")]
UNTRUSTED = "untrusted"


def labelled(problem: Problem, column: str) -> bool:
    """Whether a problem's reference answer may be used; yes if nothing says otherwise."""
    return bool(problem.data.get(column, True))


def agreement(rollouts: Sequence[Rollout]) -> list[float]:
    """1 for each rollout with the most frequent answer, 0 for the others; all 0 if two are equally frequent."""
    answers = [next((part.extracted for part in r.parts.values() if part.extracted), "") for r in rollouts]
    ranked = Counter(answer for answer in answers if answer).most_common(2)
    tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
    return [float(bool(ranked) and not tied and answer == ranked[0][0]) for answer in answers]


@dataclass(frozen=True)
class MajorityVote(Shaping):
    """The reward of an unlabelled problem is agreement with the majority of its group. arXiv:2512.13106.

    Answers are what the rewards extracted. Without a single most frequent answer all rewards are 0.
    """

    column: Column = "labelled"

    def __call__(self, group: Group, rewards: Sequence[float], budget: int) -> list[float]:
        return list(rewards) if labelled(group.problem, self.column) else agreement(group.rollouts)


@dataclass(frozen=True)
class TrustTrajectories(Controller):
    """Trains on unlabelled problems whose pass rates over the run resemble labelled ones'. arXiv:2512.13106.

    A problem's history grows by its pass rate whenever it is asked: accuracy where it is labelled, which the ledger
    has, agreement with the majority where it is not. After `warmup` visits an unlabelled one is trained if its likeness
    is at least `threshold` or among the largest `top` share of the step's (one at least). The others are recorded and
    not trained. With `adopt` the trained ones join those that others are compared with. Defaults: their scripts.
    """

    warmup: Annotated[int, Field(ge=2, description="visits before an unlabelled problem is trained")] = 8
    top: Annotated[
        float,
        Field(ge=0, le=1, description="share of a step's unlabelled problems past warm-up that is trained in any case"),
    ] = 0.1
    threshold: Annotated[float, Field(ge=-1, le=1, description="likeness from which a problem is trained")] = 0.4
    adopt: Annotated[bool, Field(description="let trained unlabelled problems vouch for others (update_db)")] = False
    column: Column = "labelled"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the data without which it does nothing."""
        return (self.column,)

    def init(self) -> State:
        return {"labelled": [], "adopted": [], "agreement": {}}

    def __call__(self, state: State, round: Round) -> Orders:
        known = {group.problem.key: group for group in round.groups if labelled(group.problem, self.column)}
        unknown = [group for group in round.groups if group.problem.key not in known]
        keys = list(dict.fromkeys([*state["labelled"], *known]))
        histories = [[*rates_of(round.ledger, key), *now(known.get(key))] for key in keys]
        found = dict(state["agreement"])
        for group in unknown:
            rate = statistics.fmean(agreement(group.rollouts))
            found[group.problem.key] = [*found.get(group.problem.key, ()), rate]
        histories += [found[key] for key in state["adopted"]]
        asked = [group.problem.key for group in unknown]
        ready = {key: found[key] for key in asked if len(found[key]) >= self.warmup}
        trusted = chosen(likenesses(ready, histories), self.top, self.threshold)
        for group in unknown:
            if group.problem.key not in trusted:
                for rollout in group.rollouts:
                    rollout.request = replace(rollout.request, train=False, tag=UNTRUSTED)
        adopted = sorted({*state["adopted"], *trusted}) if self.adopt else state["adopted"]
        return Orders(state={"labelled": keys, "adopted": adopted, "agreement": found})


def rates_of(ledger: Ledger, key: str) -> list[float]:
    """A problem's rates of success, a visit each, the oldest first; those before the first step are no epoch."""
    return [visit.rate for visit in ledger.visits(key) if visit.attempts and visit.step > 0]


def now(group: Group | None) -> list[float]:
    """The accuracy of this step's group, if there is one and it was graded."""
    return [] if group is None or group.accuracy != group.accuracy else [group.accuracy]


@dataclass(frozen=True)
class LabelledShare(Sampler):
    """A fixed share of every step are labelled problems, the others unlabelled ones. arXiv:2512.13106.

    Each kind is asked in an order of its own, shuffled for each of its epochs. Where the data have only one kind, it
    fills the step.
    """

    share: Annotated[float, Field(ge=0, le=1, description="labelled problems of a step")] = 0.25  # paper: 32 of 128
    endless: Annotated[int, Field(ge=1, description="how many problems of an endless task are asked")] = 1024
    column: Column = "labelled"

    def init(self) -> State:
        return {"labelled": [], "unlabelled": [], "orders": [[], []]}

    def __call__(self, state: State, pool: Pool) -> tuple[list[Pick], State]:
        kinds = [list(state["labelled"]), list(state["unlabelled"])]
        if not any(kinds):
            for number in range(pool.size or self.endless):
                kinds[0 if labelled(pool.problem(number), self.column) else 1].append(number)
        wanted = round(self.share * pool.count) if all(kinds) else pool.count * bool(kinds[0])
        picks, orders = list[Pick](), list[list[int]]()
        for place, count in enumerate((wanted, pool.count - wanted)):
            order = list(state["orders"][place])
            while len(order) < count:
                draws = place * pool.count + len(order)
                order += sorted(kinds[place], key=lambda number: pool.uniform(number + draws * len(kinds[place])))
            picks += [Pick(number, pool.rollouts) for number in order[:count]]
            orders.append(order[count:])
        return picks, {"labelled": kinds[0], "unlabelled": kinds[1], "orders": orders}


def likenesses(unknown: Mapping[str, Sequence[float]], known: Sequence[Sequence[float]]) -> dict[str, float]:
    """The mean correlation of each history with the known ones, all cut to the shortest; a constant one has 0."""
    histories = [rates for rates in known if len(rates) > 1]
    if not histories:
        return dict.fromkeys(unknown, 0.0)
    short = min(len(rates) for rates in (*histories, *unknown.values()))
    return {
        key: statistics.fmean(correlation(rates[:short], other[:short]) for other in histories)
        for key, rates in unknown.items()
    }


def correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's; 0 where one does not vary.

    >>> correlation([0.1, 0.5, 0.9], [0.2, 0.4, 0.6]), correlation([1.0, 1.0], [0.0, 1.0])
    (1.0, 0.0)
    """
    if len(set(first)) < 2 or len(set(second)) < 2:
        return 0.0
    return statistics.correlation(first, second)


def chosen(scores: Mapping[str, float], top: float, threshold: float) -> set[str]:
    """The keys of the largest share (one at least, of several) and of all scores that reach the threshold."""
    ranked = sorted(scores, key=lambda key: -scores[key])
    best = ranked[: max(1, int(top * len(ranked)))] if top else []
    return {*best, *(key for key in ranked if scores[key] >= threshold)}


METHODS = {
    "trapo": derive(
        GRPO,
        title="TraPO",
        paper="arXiv:2512.13106",
        equation=r"\tilde R_i=[a_i=\mathrm{mode}(a)],\quad q\text{ is trained if }"
        r"\tfrac1{|D_L|}\sum_l\mathrm{corr}(\tau_q,\tau_l)\ge0.4\text{ or among the top }10\%",
        changes="unlabelled problems are rewarded by majority vote, and trained once their pass rates move like"
        " those of labelled problems",
        regularisers=(K3(coefficient=0.001),),  # the authors' newer scripts
        shaping=(MajorityVote(),),
        sampler=LabelledShare(),
        controller=TrustTrajectories(),
    )
}
