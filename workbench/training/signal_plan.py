"""The signal plan: which signals a method needs, when they are computed, and from which policy."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.kinds import LossPiece
from workbench.method import Method, carries_gradient
from workbench.signals import SIGNALS
from workbench.training.forward import Wanted


@dataclass(frozen=True)
class SignalPlan:
    """The signals computed before the updates, and during them.

    `ahead`: computed once a step, without gradient: `old_…`, `ref_…`, and their contexts. `during`: the current
    policy's, computed in every update; those in `gradient` are differentiable. `record`: computed in addition in a
    row's last update, for the record.
    """

    ahead: frozenset[str]
    during: frozenset[str]
    record: frozenset[str]
    gradient: frozenset[str]
    first_pass: bool  # the sampling policy is scored before the first update

    @property
    def plain(self) -> frozenset[str]:
        """Signals that exist for any completion after its own prompt: none of other prompts or the sampling policy."""
        wanted = {name: Wanted.parse(name) for name in self.ahead | self.during}
        return frozenset(name for name, each in wanted.items() if not each.context and each.policy != "old_")

    @classmethod
    def of(cls, method: Method, updates: int, record: Iterable[str]) -> "SignalPlan":
        """The plan of a method with `updates` updates a step; the signals in `record` are recorded."""
        heads = {head.name for head in method.heads}
        signals = {name: Wanted.parse(name).signal for name in method.needs}
        known = {name for name, signal in signals.items() if signal in SIGNALS or signal in heads}
        ahead = {name for name in known if Wanted.parse(name).policy}
        during = known - ahead | {"logprob"}
        gradient = {name for name in during if carries_gradient(name)} | {"logprob"}
        looks_ahead = updates > 1 or method.setwise or any(reads_policy(piece) for _, piece in method.pieces())
        old = {name for name in ahead if name.startswith("old_")}
        if looks_ahead or old:
            ahead |= {"old_logprob"}
        return cls(
            frozenset(ahead),
            frozenset(during),
            frozenset(record) - during,
            frozenset(gradient),
            looks_ahead or bool(old),
        )


def reads_policy(piece: object) -> bool:
    """Whether a piece computes constants from an update's rows, so that the policy's signals are needed before it."""
    return isinstance(piece, LossPiece) and type(piece).settle is not LossPiece.settle


def passes(names: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """Names by (policy, context): each entry is one pass over the rows.

    >>> passes(["old_entropy", "logprob@hint"])
    {('old_', ''): {'entropy'}, ('', 'hint'): {'logprob'}}
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in names:
        wanted = Wanted.parse(name)
        found[wanted.policy, wanted.context].add(wanted.signal)
    return dict(found)


def reads_reference(name: str) -> bool:
    """Whether a signal is the reference policy's, or is computed with it.

    >>> reads_reference("ref_logprob"), reads_reference("kl"), reads_reference("entropy")
    (True, True, False)
    """
    wanted = Wanted.parse(name)
    return wanted.policy == "ref_" or (wanted.signal in SIGNALS and SIGNALS[wanted.signal].reference)
