"""Row memory: moving rows, and contexts that rows share."""

import numpy as np
import pytest
import torch

from workbench.engines.local.rows import Rows, holes
from workbench.engines.local.shared import Shape, Shared

SHAPE = Shape(layers=2, heads=3, width=4, dtype=torch.float32, device=torch.device("cpu"))


@pytest.mark.parametrize("kept", ["11111", "00000", "10101", "01010", "00011", "11000", "1"])
def test_the_kept_rows_come_first_with_the_fewest_moves(kept):
    flags = [letter == "1" for letter in kept]
    sources, targets = holes(flags)
    count = sum(flags)
    assert len(sources) == len(targets) == sum(flags[count:])
    order = list(range(len(flags)))
    for source, target in zip(sources, targets, strict=True):
        order[target] = source
    assert sorted(order[:count]) == [row for row, flag in enumerate(flags) if flag]


def test_a_moved_row_takes_its_tokens_along():
    rows = Rows(SHAPE, 3, 6)
    torch.manual_seed(0)
    first, second = torch.randn(2, 2, 3, 4, 4), torch.randn(2, 2, 3, 2, 4)
    rows.load(slice(0, 2), first)
    rows.load(slice(2, 3), second)
    rows.move([2], [0], [2])
    assert rows.position.tolist() == [2, 4, 2]
    torch.testing.assert_close(rows.pairs[:, :, 0, :, :2], second)
    torch.testing.assert_close(rows.pairs[:, :, 1, :, :4], first)
    keys, values = rows.layer(1, 2, 4)
    torch.testing.assert_close(keys[1], first[1, 0])
    torch.testing.assert_close(values[1], first[1, 1])


@pytest.mark.parametrize("context", [[0, 0, 1, 1], [1, 0, 1, 1, 2], [2], [0, 2, 0, 2, 0, 2, 1]])
def test_every_row_meets_its_own_context(context):
    torch.manual_seed(0)
    texts = [torch.randn(2, 2, 3, length, 4) for length in (2, 5, 3)]
    shared = Shared(SHAPE, texts)
    shared.arrange(np.array(context))
    query = torch.randn(len(context), 3, 2, 4)  # two queries for each key head
    scores = shared.scores(1, query)
    weight = torch.rand_like(scores).masked_fill(shared.hidden[shared.context][:, None, None], 0.0)
    read = shared.read(1, weight)
    for row, number in enumerate(context):
        keys, values = texts[number][1]
        length = keys.shape[1]
        torch.testing.assert_close(scores[row, ..., :length], query[row] @ keys.transpose(1, 2))
        torch.testing.assert_close(read[row], weight[row, ..., :length] @ values)
        assert shared.hidden[number].tolist() == [place >= length for place in range(5)]
