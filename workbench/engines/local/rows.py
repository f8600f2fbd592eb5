"""Key and value memory: one preallocated row per rollout in progress."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.engines.local.shared import Shape, Shared

#: Copies rows in place: sources, targets, and how many tokens of each source are valid.
Mover = Callable[[Sequence[int], Sequence[int], Sequence[int]], None]
#: A mover for keys and values, each [row, head, token, width], and for side arrays, each [row, ...].
Binder = Callable[[Sequence[Tensor], Sequence[Tensor]], Mover]


class Rows:
    """Keys and values of the rollouts in progress, and the position of each.

    `pairs [layer, 2, row, head, token, width]` holds keys, then values; `position [row]` is where in the text the next
    token stands, `first [row]` where the first token that the row itself holds stands: 0, or behind a context that is
    held in `shared`. Live rows are always the first ones. `binder` makes what moves rows; by default torch's own
    indexed copy does it.
    """

    def __init__(self, shape: Shape, rows: int, tokens: int, binder: Binder | None = None) -> None:
        self.shape, self.rows, self.tokens = shape, rows, tokens
        size = (shape.layers, 2, rows, shape.heads, tokens, shape.width)
        # zeros, because a masked key still takes part in a product: memory never written may hold nan
        self.pairs: Float[Tensor, "layer 2 row head token width"] = torch.zeros(
            size, dtype=shape.dtype, device=shape.device
        )
        self.position: Int[Tensor, " row"] = torch.zeros(rows, dtype=torch.int64, device=shape.device)
        self.first: Int[Tensor, " row"] = torch.zeros(rows, dtype=torch.int64, device=shape.device)
        self.shared: Shared | None = None
        planes = self.pairs.flatten(0, 1).unbind(0)
        self.mover = None if binder is None else binder(planes, (self.position, self.first))

    def layer(self, number: int, rows: int, tokens: int) -> tuple[Tensor, Tensor]:
        """A layer's keys and values of the first rows' first tokens, [row, head, token, width]; views."""
        pair = self.pairs[number, :, :rows, :, :tokens]
        return pair[0], pair[1]

    def load(self, rows: slice, pairs: Float[Tensor, "layer 2 head token width"]) -> None:
        """Copies one prefilled context into some rows."""
        tokens = pairs.shape[3]
        self.pairs[:, :, rows, :, :tokens] = pairs[:, :, None]
        self.position[rows], self.first[rows] = tokens, 0

    def follow(self, rows: slice, tokens: int) -> None:
        """Starts some rows, empty, after a context of `tokens` tokens that is held in `shared`."""
        self.position[rows], self.first[rows] = tokens, tokens

    def advance(self, count: int) -> None:
        """Advances each of the first rows by one token."""
        self.position[:count] += 1

    def move(self, sources: Sequence[int], targets: Sequence[int], lengths: Sequence[int]) -> None:
        """Copies rows onto others; no row may be both a source and a target. `lengths`: valid tokens of each source.

        Of what lies behind the valid tokens of a moved row nothing is promised.
        """
        if self.mover is not None:
            self.mover(sources, targets, lengths)
            return
        into = torch.tensor(targets, device=self.shape.device)
        out_of = torch.tensor(sources, device=self.shape.device)
        tokens = max(lengths)
        self.pairs[:, :, into, :, :tokens] = self.pairs[:, :, out_of, :, :tokens]
        self.position[into], self.first[into] = self.position[out_of], self.first[out_of]


def holes(kept: Sequence[bool]) -> tuple[list[int], list[int]]:
    """The fewest moves after which the kept rows come first: (sources, targets).

    >>> holes([True, False, True, False, True])
    ([4], [1])
    """
    count = sum(kept)
    targets = [row for row in range(count) if not kept[row]]
    sources = [row for row in range(count, len(kept)) if kept[row]]
    return sources, targets
