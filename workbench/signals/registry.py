"""The registry of signals: numbers per token read off the logits, each a function with label, unit, axes and help.

A signal is one function in one file: the record, the page and the shapes of a batch take everything else from here.

A signal may take an argument, and a name may say which: `nucleus_entropy` is that of nine tenths of the probability,
`nucleus_entropy:0.8` that of eight.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from workbench.descriptions import DESCRIPTIONS, PER_TOKEN, Description
from workbench.signals.logits import Logits
from workbench.types import AXES

Compute = Callable[..., Tensor]  # of logits, and of the argument if there is one


@dataclass(frozen=True)
class Signal:
    """A number (or `k` numbers) per token, computed from logits."""

    name: str
    compute: Compute
    description: Description
    reference: bool = False  # compares with the reference policy
    argument: float | None = None  # handed to `compute`; None: it takes none

    @property
    def help(self) -> str:
        """One line on what it means."""
        return self.description.help

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


def signal(
    name: str,
    *,
    label: str = "",
    unit: str = "",
    axes: tuple[str, ...] = PER_TOKEN,
    reference: bool = False,
    argument: float | None = None,
) -> Callable[[Compute], Compute]:
    """Enters a function into the registry.

    The first line of its docstring is the help shown; `label`: its name for people, the name itself if left out;
    `unit`: as "nats"; `axes`: of its numbers in a batch; `reference`: it compares with the reference policy;
    `argument`: what a bare name stands for.
    """

    def enter(compute: Compute) -> Compute:
        help_line = (compute.__doc__ or "").strip().partition("\n")[0]
        description = Description(label or name.replace("_", " "), help_line, unit, axes)
        DESCRIPTIONS[name] = description
        AXES[name] = axes
        SIGNALS.entries[name] = Signal(name, compute, description, reference, argument)
        return compute

    return enter
