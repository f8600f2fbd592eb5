"""The registry of signals: numbers per token read off the logits, each a function with its help.

A signal may take an argument, and a name may say which: `nucleus_entropy` is that of nine tenths of the probability,
`nucleus_entropy:0.8` that of eight.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from workbench.signals.logits import Logits

Compute = Callable[..., Tensor]  # of logits, and of the argument if there is one


@dataclass(frozen=True)
class Signal:
    """A number (or `k` numbers) per token, computed from logits."""

    name: str
    compute: Compute
    help: str
    reference: bool = False  # compares with the reference policy
    argument: float | None = None  # handed to `compute`; None: it takes none

    def __call__(self, logits: Logits) -> Tensor:
        """Its numbers, [n] or [n, k]."""
        return self.compute(logits) if self.argument is None else self.compute(logits, self.argument)


class Registry(Mapping[str, Signal]):
    """Signals by name; a name with an argument is known where the bare one is and takes one."""

    def __init__(self) -> None:
        self.entries: dict[str, Signal] = {}

    def __getitem__(self, name: str) -> Signal:
        bare, colon, argument = name.partition(":")
        found = self.entries[bare]
        if not colon:
            return found
        if found.argument is None or not is_number(argument):
            raise KeyError(name)
        return dataclasses.replace(found, name=name, argument=float(argument))

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


SIGNALS = Registry()


def is_number(text: str) -> bool:
    """Whether a text is a number.

    >>> is_number("0.8"), is_number("most")
    (True, False)
    """
    return text.replace(".", "", 1).isdecimal()


def signal(name: str, *, reference: bool = False, argument: float | None = None) -> Callable[[Compute], Compute]:
    """Enters a function into the registry; its docstring is the help shown, `argument` what a bare name stands for."""

    def enter(compute: Compute) -> Compute:
        SIGNALS.entries[name] = Signal(name, compute, compute.__doc__ or "", reference, argument)
        return compute

    return enter
