"""Contexts that several rows share: kept once, read once for all their rows.

A problem's rollouts all attend to the same question. Held in every row it would fill most of the memory that a step
reads; held once, its keys meet the queries of all its rows in one product.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """The size of a model's keys and values per token."""

    layers: int
    heads: int  # key and value heads
    width: int  # of a head
    dtype: torch.dtype
    device: torch.device

    def token_bytes(self) -> int:
        """Bytes of one token's keys and values in all layers."""
        return 2 * self.layers * self.heads * self.width * self.dtype.itemsize


class Shared:
    """Keys and values of contexts, and the context of each row.

    `pairs [layer, 2, context, head, token, width]`, padded on the right; `hidden [context, token]` marks the padding.
    """

    def __init__(self, shape: Shape, contexts: Sequence[Float[Tensor, "layer 2 head _ width"]]) -> None:
        lengths = [pairs.shape[3] for pairs in contexts]
        longest = max([1, *lengths])
        size = (shape.layers, 2, len(contexts), shape.heads, longest, shape.width)
        self.pairs = torch.zeros(size, dtype=shape.dtype, device=shape.device)
        for number, pairs in enumerate(contexts):
            self.pairs[:, :, number, :, : lengths[number]] = pairs
        ends = torch.tensor(lengths, device=shape.device)
        self.hidden = torch.arange(longest, device=shape.device) >= ends[:, None]
        self.arrange(np.zeros(1, dtype=np.int64))

    def arrange(self, context: NDArray[np.int64]) -> None:
        """Sets the context of each live row, `context` [row]; the rows of one context need not be adjacent."""
        count = self.hidden.shape[0]
        order = np.argsort(context, kind="stable")
        grouped = context[order]
        place = np.arange(len(context)) - np.searchsorted(grouped, grouped)
        self.most = int(place.max()) + 1  # rows of the context that has most
        cell = grouped * self.most + place  # in a table [context, place]
        table, back = np.zeros(count * self.most, dtype=np.int64), np.zeros(len(context), dtype=np.int64)
        table[cell], back[order] = order, cell
        device = self.hidden.device
        # a cell without a row repeats row 0; nothing is read back from it
        self.table, self.back = torch.from_numpy(table).to(device), torch.from_numpy(back).to(device)
        self.context = torch.from_numpy(context).to(device)

    def by_context(self, values: Float[Tensor, "row head query number"]) -> Float[Tensor, "pair column number"]:
        """Rows' numbers, gathered for a product with each context's heads: [context x head, place x query, number]."""
        _, heads, queries, width = values.shape
        cells = values.reshape(len(values), -1)[self.table].view(-1, self.most, heads, queries, width)
        return cells.transpose(1, 2).reshape(-1, self.most * queries, width)

    def by_row(self, cells: Float[Tensor, "pair column number"], heads: int) -> Float[Tensor, "row head query number"]:
        """The inverse of `gathered`."""
        width, queries = cells.shape[-1], cells.shape[1] // self.most
        split = cells.view(-1, heads, self.most, queries, width).transpose(1, 2)
        rows = split.reshape(-1, heads * queries * width)[self.back]
        return rows.view(-1, heads, queries, width)

    def scores(self, layer: int, query: Float[Tensor, "row head query width"]) -> Float[Tensor, "row head query token"]:
        """Products of each row's queries with the keys of its context."""
        keys = self.pairs[layer, 0]
        return self.by_row(torch.bmm(self.by_context(query), keys.flatten(0, 1).transpose(1, 2)), keys.shape[1])

    def read(self, layer: int, weight: Float[Tensor, "row head query token"]) -> Float[Tensor, "row head query width"]:
        """Values of each row's context, weighted and summed."""
        values = self.pairs[layer, 1]
        return self.by_row(torch.bmm(self.by_context(weight), values.flatten(0, 1)), values.shape[1])
