"""Which signals a method needs, when they must be known, and from which policy they are read."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from workbench.kinds import LossPiece
from workbench.method import Method, carries_gradient
from workbench.signals import SIGNALS
from workbench.training.forward import Wanted


@dataclass(frozen=True)
class SignalPlan:
    """What is read before the updates, and what during them.

    `ahead` are names read once a step, without gradient: `old_…`, `ref_…`, and their contexts. `during` are the
    current policy's that the method reads in every update, of which `gradient` are differentiable; `record` are those
    read beside them where they are kept: in a row's last update.
    """

    ahead: frozenset[str]
    during: frozenset[str]
    record: frozenset[str]
    gradient: frozenset[str]
    first_pass: bool  # the sampling policy is read before the first update

    @property
    def plain(self) -> frozenset[str]:
        """What can be read of any answer after its own prompt: all but other prompts' and the sampling policy's."""
        wanted = {name: Wanted.parse(name) for name in self.ahead | self.during}
        return frozenset(name for name, each in wanted.items() if not each.context and each.policy != "old_")

    @classmethod
    def of(cls, method: Method, updates: int, record: Iterable[str]) -> "SignalPlan":
        """For a method that makes `updates` updates a step, of which the signals in `record` are kept."""
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
    """Whether a piece settles something from the rows of an update, and so must know the policy's numbers before."""
    return isinstance(piece, LossPiece) and type(piece).settle is not LossPiece.settle


def passes(names: Iterable[str]) -> dict[tuple[str, str], set[str]]:
    """Names by policy and context: each entry is one pass over the rows.

    >>> passes(["old_entropy", "logprob@hint"])
    {('old_', ''): {'entropy'}, ('', 'hint'): {'logprob'}}
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in names:
        wanted = Wanted.parse(name)
        found[wanted.policy, wanted.context].add(wanted.signal)
    return dict(found)


def reads_reference(name: str) -> bool:
    """Whether a signal is the reference policy's, or compares with it.

    >>> reads_reference("ref_logprob"), reads_reference("kl"), reads_reference("entropy")
    (True, True, False)
    """
    wanted = Wanted.parse(name)
    return wanted.policy == "ref_" or (wanted.signal in SIGNALS and SIGNALS[wanted.signal].reference)
