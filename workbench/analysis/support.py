"""Which problems a model gained and lost. The Invisible Leash, arXiv:2507.14843; MATH-Beyond, arXiv:2510.11653.

A problem is in a model's *support* if one of its completions is correct. With k completions of a problem that the model
solves with probability p, it is missed with (1 - p)^k: what is gained or lost near that edge is partly luck, which
`by_chance` estimates from one model alone.
"""

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from workbench.analysis.evaluate import Tally, pass_at

BINS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of solve rates


@dataclass(frozen=True)
class Support:
    """The problems, by their places, that both models solve, only the trained one, only the base, neither."""

    kept: tuple[int, ...]
    gained: tuple[int, ...]
    lost: tuple[int, ...]
    neither: tuple[int, ...]

    @property
    def retention(self) -> float:
        """SRR: share of the base's support that the trained model keeps; nan where the base has none."""
        return ratio(len(self.kept), len(self.kept) + len(self.lost))

    @property
    def discovery(self) -> float:
        """NDR: share of the trained model's support that the base lacks; nan where it has none."""
        return ratio(len(self.gained), len(self.kept) + len(self.gained))

    @property
    def dynamic(self) -> float:
        """SDS: harmonic mean of retention and discovery; 0 where either is 0 or not defined."""
        both = (self.retention, self.discovery)
        return 2 * both[0] * both[1] / sum(both) if all(value > 0 for value in both) else 0.0

    @property
    def change(self) -> float:
        """NSCR: (gained - lost) / (kept + gained + lost); nan where no model solves anything."""
        return ratio(len(self.gained) - len(self.lost), len(self.kept) + len(self.gained) + len(self.lost))

    @property
    def expansion(self) -> float:
        """MATH-Beyond's rate: gained among the problems that the base does not solve; nan where it solves all."""
        return ratio(len(self.gained), len(self.gained) + len(self.neither))

    def document(self) -> dict[str, int | float | None]:
        """Counts and rates as plain data; None where a rate is not defined."""
        counts = {name: len(getattr(self, name)) for name in ("kept", "gained", "lost", "neither")}
        rates = {name: getattr(self, name) for name in ("retention", "discovery", "dynamic", "change", "expansion")}
        return {**counts, **{name: None if math.isnan(rate) else rate for name, rate in rates.items()}}


def ratio(part: float, whole: float) -> float:
    """A quotient; nan where there is nothing to divide by."""
    return part / whole if whole else math.nan


def support(trained: Sequence[Tally], base: Sequence[Tally]) -> Support:
    """The supports of two models on the same problems, with as many completions each. ValueError where they differ.

    >>> support([Tally(1, 8), Tally(0, 8)], [Tally(0, 8), Tally(2, 8)]).gained
    (0,)
    """
    if len(trained) != len(base):
        raise ValueError(f"{len(trained)} and {len(base)} problems: compare two models on the same ones")
    unequal = [place for place, pair in enumerate(zip(trained, base, strict=True)) if pair[0].graded != pair[1].graded]
    if unequal:
        pair = trained[unequal[0]].graded, base[unequal[0]].graded
        raise ValueError(f"problem {unequal[0]} has {pair[0]} and {pair[1]} graded completions: sample equally many")
    found: dict[tuple[bool, bool], list[int]] = {}
    for place, (own, other) in enumerate(zip(trained, base, strict=True)):
        found.setdefault((own.correct > 0, other.correct > 0), []).append(place)
    kinds = ((True, True), (True, False), (False, True), (False, False))
    return Support(*(tuple(found.get(kind, ())) for kind in kinds))


def by_chance(base: Sequence[Tally]) -> float:
    """Problems that one half of a model's completions solves and the other does not, expected over all halvings.

    The null of `gained`, and of `lost`, at half as many completions: a model gains and loses so many against itself.

    >>> round(by_chance([Tally(1, 8), Tally(4, 8), Tally(0, 8)]), 4)  # 4/8 and 1/70
    0.5143
    """
    return sum(1 - pass_at(tally.correct, tally.graded, tally.graded // 2) for tally in base if tally.correct)


@dataclass(frozen=True)
class Null:
    """The rates that one model has against itself, by chance: means over halvings of its completions."""

    retention: float
    discovery: float
    change: float


def split_null(base: Sequence[Tally], draws: int = 200, seed: int = 0) -> Null:
    """SRR, NDR and NSCR between two random halves of one model's completions, at half as many completions.

    A trained model's rates, taken at that many completions, mean something as far as they differ from these. The
    change is near 0 by symmetry, retention below 1 and discovery above 0. ValueError where a problem has one
    completion. nan where no half solves anything.
    """
    draw, found = random.Random(seed), []
    if any(tally.graded < 2 for tally in base):
        raise ValueError("a problem has fewer than 2 completions: sample two or more, to be halved")
    for _ in range(draws):
        halves: list[tuple[Tally, Tally]] = []
        for tally in base:
            half = tally.graded // 2
            own = draw.sample([1] * tally.correct + [0] * (tally.graded - tally.correct), 2 * half)
            halves.append((Tally(sum(own[:half]), half), Tally(sum(own[half:]), half)))
        found.append(support([pair[0] for pair in halves], [pair[1] for pair in halves]))
    rates = [[getattr(one, name) for one in found] for name in ("retention", "discovery", "change")]
    known = [[rate for rate in own if not math.isnan(rate)] for own in rates]
    return Null(*(sum(own) / len(own) if own else math.nan for own in known))


def token_entropy(entropies: Sequence[Sequence[float]]) -> float:
    """The Invisible Leash's token entropy: the mean over completions of each one's mean over its tokens, in nats.

    Not the mean over all tokens, in which long completions weigh more. ValueError without a token.

    >>> round(token_entropy([[0.15] * 2, [0.5] * 6]), 4)
    0.325
    """
    if not entropies or any(not len(own) for own in entropies):
        raise ValueError("completions without tokens: give the entropies of one token or more of each")
    return sum(sum(own) / len(own) for own in entropies) / len(entropies)


def never_solved(base: Sequence[Tally], tries: int) -> tuple[int, ...]:
    """MATH-Beyond's construction: the problems of which the base solves none in `tries` completions or more.

    One that is solved with probability p is among them with (1 - p)^tries: 0.36 for p = 0.001 and 1,024 tries.
    ValueError where a problem has fewer completions.
    """
    few = [place for place, tally in enumerate(base) if tally.graded < tries]
    if few:
        raise ValueError(f"problem {few[0]} has {base[few[0]].graded} graded completions: sample {tries} of each")
    return tuple(place for place, tally in enumerate(base) if tally.correct == 0)


def smallest_seen(tries: int, doubt: float = 0.05) -> float:
    """The probability of a correct completion that `tries` without one exclude, at confidence 1 - `doubt`.

    >>> round(smallest_seen(8192), 7)
    0.0003656
    """
    return float(1 - doubt ** (1 / tries))


def answer_entropy(answers: Sequence[str]) -> float:
    """Entropy of the distinct answers of a problem, in nats; completions without one ("") are one answer.

    >>> round(answer_entropy("aabbccdd"), 3), round(answer_entropy("aaaaaaab"), 3)
    (1.386, 0.377)
    """
    if not answers:
        raise ValueError("no answers: give those of one completion or more")
    return -sum(count / len(answers) * math.log(count / len(answers)) for count in Counter(answers).values())


def transitions(trained: Sequence[Tally], base: Sequence[Tally], bins: Sequence[float] = BINS) -> list[list[int]]:
    """Problems by solve rate before (row) and after (column): never, (0, 0.25], …, (0.75, 1), always.

    >>> transitions([Tally(4, 4)], [Tally(0, 4)])[0]
    [0, 0, 0, 0, 0, 1]
    """
    table = [[0] * (len(bins) + 1) for _ in range(len(bins) + 1)]
    for own, other in zip(trained, base, strict=True):
        table[bin_of(other, bins)][bin_of(own, bins)] += 1
    return table


def bin_of(tally: Tally, bins: Sequence[float]) -> int:
    """The bin of a problem's solve rate: 0 for never, the last one for always."""
    rate = tally.correct / tally.graded
    if rate in (0.0, 1.0):
        return 0 if rate == 0 else len(bins)
    return next(place for place, (low, high) in enumerate(pairwise(bins), start=1) if low < rate <= high)
