"""Key and value memory: one preallocated row per rollout under way."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """What a model keeps of every token."""

    layers: int
    heads: int  # key and value heads
    width: int  # of a head
    dtype: torch.dtype
    device: torch.device

    def token_bytes(self) -> int:
        """Bytes of one token's keys and values in all layers."""
        return 2 * self.layers * self.heads * self.width * self.dtype.itemsize


class Rows:
    """Keys and values of the rollouts under way, and where each one stands.

    `pairs [layer, 2, row, head, token, width]` holds keys, then values; `position [row]` is how many tokens of the
    row are held, which is where the next one goes. Live rows are always the first ones.
    """

    def __init__(self, shape: Shape, rows: int, tokens: int) -> None:
        self.shape, self.rows, self.tokens = shape, rows, tokens
        size = (shape.layers, 2, rows, shape.heads, tokens, shape.width)
        # zeros, because a masked key still takes part in a product: memory never written may hold nan
        self.pairs: Float[Tensor, "layer 2 row head token width"] = torch.zeros(
            size, dtype=shape.dtype, device=shape.device
        )
        self.position: Int[Tensor, " row"] = torch.zeros(rows, dtype=torch.int64, device=shape.device)

    def layer(self, number: int, rows: int, tokens: int) -> tuple[Tensor, Tensor]:
        """A layer's keys and values of the first rows' first tokens, [row, head, token, width]; views."""
        pair = self.pairs[number, :, :rows, :, :tokens]
        return pair[0], pair[1]

    def load(self, first: int, count: int, pairs: Float[Tensor, "layer 2 head token width"]) -> None:
        """Writes one prefilled context into `count` rows from `first` on."""
        tokens = pairs.shape[3]
        self.pairs[:, :, first : first + count, :, :tokens] = pairs[:, :, None]
        self.position[first : first + count] = tokens

    def move(self, sources: Sequence[int], targets: Sequence[int], tokens: int) -> None:
        """Copies rows onto others, their first `tokens` tokens; no row may be both a source and a target."""
        into = torch.tensor(targets, device=self.shape.device)
        out_of = torch.tensor(sources, device=self.shape.device)
        self.pairs[:, :, into, :, :tokens] = self.pairs[:, :, out_of, :, :tokens]
        self.position[into] = self.position[out_of]


def holes(kept: Sequence[bool]) -> tuple[list[int], list[int]]:
    """Which rows move where so that the kept ones come first, with the fewest moves: (sources, targets).

    >>> holes([True, False, True, False, True])
    ([4], [1])
    """
    count = sum(kept)
    targets = [row for row in range(count) if not kept[row]]
    sources = [row for row in range(count, len(kept)) if kept[row]]
    return sources, targets
