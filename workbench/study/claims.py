"""The claims of "Towards Understanding Self-play for LLM Reasoning" (arXiv:2510.27072) as numbers, each with its rule.

A claim is one number a seed, and the side of a bound on which the paper's statement puts it. The rule was fixed before
any play: with `ENOUGH` seeds or more, the interval of the mean over seeds decides. Wholly on the stated side: *agrees*;
wholly on the other: *does not*; else, and with fewer seeds, it *cannot be told at this size*.

The paper's full text was not at hand: what it says is taken from its abstract and from notes of others on it, and a
statement without the paper's name has its source beside it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.analysis.probes import ends, fewest, leash, trend
from workbench.analysis.sparsity import FACTORS
from workbench.analysis.statistics import Interval, mean_over_seeds
from workbench.study.plan import BASE
from workbench.study.play import last_of, tallies_of

ENOUGH = 5  # seeds: of fewer, the bootstrap's interval is far too narrow
SMALL = FACTORS.index(0.01)  # the change made a hundred times smaller
SAME = 0.1  # relative difference up to which two numbers count as unchanged

Line = Mapping[str, Any]
Seed = Mapping[str, Line]  # the plays of one seed, by arm
Verdict = Literal["agrees", "does not", "cannot be told"]


@dataclass(frozen=True)
class Claim:
    """A statement, the arms it needs, its number for one seed, and where the statement puts that number."""

    key: str
    says: str
    number: str  # what the number is, for people
    arms: tuple[str, ...]
    of: Callable[[Seed], float]
    above: float = -math.inf  # the statement: above this
    below: float = math.inf  # and below this
    source: str = "arXiv:2510.27072"
    percent: bool = True  # the number is a share


@dataclass(frozen=True)
class Found:
    """What came out of a claim: the interval of its number over seeds, and the verdict."""

    claim: Claim
    interval: Interval | None  # None without a seed
    verdict: Verdict

    def row(self) -> dict[str, Any]:
        """Plain data."""
        known = self.interval
        numbers = {} if known is None else {name: getattr(known, name) for name in ("value", "low", "high", "runs")}
        texts = {name: getattr(self.claim, name) for name in ("key", "says", "number", "source", "percent")}
        return {**texts, "arms": list(self.claim.arms), "runs": 0, **numbers, "verdict": self.verdict}


def judge(claim: Claim, seeds: Sequence[Seed]) -> Found:
    """The verdict over the seeds of which every arm was played and whose number is known."""
    whole = [seed for seed in seeds if set(claim.arms) <= set(seed)]
    values = [value for value in map(claim.of, whole) if math.isfinite(value)]
    if not values:
        return Found(claim, None, "cannot be told")
    interval = mean_over_seeds(values)
    return Found(claim, interval, verdict(claim, interval))


def verdict(claim: Claim, interval: Interval) -> Verdict:
    """What the rule says of an interval."""
    if interval.runs < ENOUGH:
        return "cannot be told"
    if claim.above < interval.low and interval.high < claim.below:
        return "agrees"
    return "does not" if interval.high <= claim.above or interval.low >= claim.below else "cannot be told"


def by_seed(lines: Sequence[Line]) -> list[Seed]:
    """The plays that did not fail, by seed and arm."""
    seeds: dict[int, dict[str, Line]] = {}
    for line in lines:
        if "failed" not in line:
            seeds.setdefault(line["seed"], {})[line["arm"]] = line
    return [own for _, own in sorted(seeds.items())]


# --------------------------------------------------------------------------------------------- the numbers


def changed(line: Line, kind: str = "bfloat16", factor: int = 0) -> float:
    """The share of weights that training changed; `factor`: place of the one by which the change is made smaller."""
    return 1 - float(line["weights"]["scaled"][factor][kind])


def passed(line: Line, tries: int) -> float:
    """pass@k of a play, the mean over its problems."""
    tallies = tallies_of(line)
    return sum(tally.pass_at(tries) for tally in tallies) / len(tallies)


def gain(seed: Seed, arm: str, tries: int | None) -> float:
    """By how much an arm's pass@k is above the base's; None: the largest k."""
    most = fewest(tallies_of(seed[arm]), tallies_of(seed[BASE])) if tries is None else tries
    return passed(seed[arm], most) - passed(seed[BASE], most)


def kept(seed: Seed, arm: str) -> float:
    """The share of the base's solved problems that an arm still solves (SRR); nan where the base solves none."""
    found = leash(tallies_of(seed[arm]), tallies_of(seed[BASE]))["retention"]
    return math.nan if found is None else float(found)


def gap(line: Line) -> float:
    """How much the proposer's entropy lies above the solver's, the mean over the steps that have both."""
    entropy = {role: dict(map(tuple, line["entropy"].get(role, ()))) for role in ("propose", "")}
    both = entropy["propose"].keys() & entropy[""].keys()
    return sum(entropy["propose"][step] - entropy[""][step] for step in both) / len(both) if both else math.nan


def fall(line: Line, role: str) -> float:
    """By which share of its beginning the entropy of a role fell."""
    first, last = ends([value for _, value in line["entropy"].get(role, ())])
    return (first - last) / first if first else math.nan


def along(line: Line, column: str) -> float:
    """How much a column of the curriculum rose from the first made problems to the last."""
    rows = line.get("curriculum") or ()
    return trend([math.nan if row.get(column) is None else row[column] for row in rows])


def last_series(line: Line, name: str) -> float:
    """The end of a recorded metric."""
    return ends([value for _, value in line["series"].get(name, ())])[1]


def relative(one: float, other: float) -> float:
    """The difference of two numbers as a share of the second."""
    return (one - other) / other if other else math.nan


USEFUL = "useful.propose"  # the metric: share of valid proposals that are solved at times
AZR, HALF, FROZEN, RLVR, SFT = "azr", "azr_half", "azr_frozen", "grpo", "sft"
CLAIMS = (
    Claim("sft_denser", "AZR changes fewer weights than SFT", "changed share after bfloat16, SFT less AZR",
          (SFT, AZR), lambda s: changed(s[SFT]) - changed(s[AZR]), above=0),
    Claim("rlvr_sparser", "AZR changes more weights than RLVR", "changed share after bfloat16, AZR less RLVR",
          (AZR, RLVR), lambda s: changed(s[AZR]) - changed(s[RLVR]), above=0),
    Claim("storage", "sparsity is a property of the update, not of the type of the numbers",
          "changed share of a hundredth of AZR's update: float32 less bfloat16",
          (AZR,), lambda s: changed(s[AZR], "exact", SMALL) - changed(s[AZR], "bfloat16", SMALL), below=0.5,
          source="arXiv:2505.11711"),
    Claim("full_rank", "a sparse update is of almost full rank", "mean rank of AZR's update, of the most it could be",
          (AZR,), lambda s: none(s[AZR]["weights"]["rank"]), above=0.9, source="arXiv:2505.11711"),
    Claim("proposer_above", "the proposer's entropy stays above the solver's", "nats a token, proposer less solver",
          (AZR,), lambda s: gap(s[AZR]), above=0, percent=False),
    Claim("proposer_falls", "the proposer's entropy collapses", "fall from the first fifth of the steps to the last",
          (AZR,), lambda s: fall(s[AZR], "propose"), above=0),
    Claim("solver_falls", "the solver's entropy collapses", "fall from the first fifth of the steps to the last",
          (AZR,), lambda s: fall(s[AZR], ""), above=0),
    Claim("frozen_entropy", "a frozen proposer keeps more of the solver's entropy",
          "nats a token at the end, frozen less trained",
          (AZR, FROZEN), lambda s: last_of(s[FROZEN], "") - last_of(s[AZR], ""), above=0, percent=False),
    Claim("frozen_curriculum", "a frozen proposer loses the curriculum",
          "share of proposals solved at times, at the end, frozen less trained",
          (AZR, FROZEN), lambda s: last_series(s[FROZEN], USEFUL) - last_series(s[AZR], USEFUL), below=0),
    Claim("frozen_worse", "with a frozen proposer the solver ends worse", "pass@1, frozen less trained",
          (AZR, FROZEN), lambda s: passed(s[FROZEN], 1) - passed(s[AZR], 1), below=0),
    Claim("half_worse", "rewarding proposals most at one half ends worse", "pass@1, peak at half less 1 - r",
          (AZR, HALF), lambda s: passed(s[HALF], 1) - passed(s[AZR], 1), below=0),
    Claim("half_entropy", "it leaves the solver's entropy as it was (within 10 %)", "difference as a share, at the end",
          (AZR, HALF), lambda s: relative(last_of(s[HALF], ""), last_of(s[AZR], "")), above=-SAME, below=SAME),
    Claim("rate_falls", "proposals become harder along training", "rate of success of stocked ones, last less first",
          (AZR,), lambda s: along(s[AZR], "rate"), below=0),
    Claim("length_grows", "their solutions become longer", "tokens of a try, last less first",
          (AZR,), lambda s: along(s[AZR], "length"), above=0, percent=False),
    Claim("azr_small_k", "AZR is better than the base at small k", "pass@1, AZR less base",
          (BASE, AZR), lambda s: gain(s, AZR, 1), above=0),
    Claim("azr_large_k", "the base catches up as k grows", "gain over the base: at the largest k less at k = 1",
          (BASE, AZR), lambda s: gain(s, AZR, None) - gain(s, AZR, 1), below=0),
    Claim("rlvr_small_k", "RLVR is better than the base at small k", "pass@1, RLVR less base",
          (BASE, RLVR), lambda s: gain(s, RLVR, 1), above=0, source="arXiv:2504.13837"),
    Claim("rlvr_large_k", "the base overtakes RLVR at large k", "pass@k at the largest k, RLVR less base",
          (BASE, RLVR), lambda s: gain(s, RLVR, None), below=0, source="arXiv:2504.13837"),
    Claim("azr_keeps_more", "AZR keeps more of what the base could solve than RLVR", "share kept, AZR less RLVR",
          (BASE, AZR, RLVR), lambda s: kept(s, AZR) - kept(s, RLVR), above=0),
)  # fmt: skip


def none(value: float | None) -> float:
    """A number that may be missing; nan where it is."""
    return math.nan if value is None else value


def found_in(lines: Sequence[Line]) -> list[Found]:
    """Every claim over the plays of a study."""
    seeds = by_seed(lines)
    return [judge(claim, seeds) for claim in CLAIMS]
