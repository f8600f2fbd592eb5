"""The replay buffer of the quality head: the newest finished rollouts, with their hidden state at the detection length.

Whole groups are held out: rollouts of one problem are similar, so single ones would leak into the test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.pruning.quality import Labelled
from workbench.types import State

COLUMNS = ("hidden", "correct", "group", "survival", "held_out")
STORED = torch.bfloat16  # two bytes per number: the buffer is part of every checkpoint


@dataclass(frozen=True)
class ReplayBuffer:
    """Labelled survivors, oldest first. `group` is unique over the run; `survival` is the probability they had."""

    hidden: Float[Tensor, "n width"]
    correct: Bool[Tensor, " n"]
    group: Int[Tensor, " n"]
    survival: Float[Tensor, " n"]
    held_out: Bool[Tensor, " n"]

    @classmethod
    def read(cls, state: State) -> "ReplayBuffer | None":
        """The buffer of a piece's state; None before the first label."""
        return cls(**{name: state[name] for name in COLUMNS}) if state else None

    def write(self) -> State:
        """The buffer as a piece's state."""
        return {name: getattr(self, name) for name in COLUMNS}

    def __len__(self) -> int:
        return len(self.correct)

    def rows(self, index: Tensor | slice) -> "ReplayBuffer":
        """The rollouts at `index`."""
        return ReplayBuffer(**{name: getattr(self, name)[index] for name in COLUMNS})

    def part(self, *, held_out: bool) -> "ReplayBuffer":
        """The rollouts the head is tested on, or those it is trained on."""
        return self.rows(self.held_out == held_out)

    def labelled(self) -> Labelled:
        """The head's input and labels, in float32."""
        return Labelled(self.hidden.float(), self.correct)


def joined(parts: Sequence[ReplayBuffer], size: int) -> ReplayBuffer:
    """Several buffers, oldest first, joined into one of the newest `size` rollouts."""
    whole = ReplayBuffer(**{name: torch.cat([getattr(part, name) for part in parts]) for name in COLUMNS})
    return whole.rows(slice(max(0, len(whole) - size), None))
