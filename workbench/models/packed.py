"""Reads completions with every prompt once: a group's completions share the keys and values of their prompt.

Prompts and completions stand one behind the other in a single row without padding, so that the linear layers see each
token once; only the attention, a small part of the work, is done per completion, over its prompt and itself. Equal to
reading every completion after a copy of its prompt, gradients included.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from workbench.types import Row

NAME = "shared_prompt"
SIMILAR = 0.75  # completions at least this long, against the longest, are padded to it
FEWEST = 8  # completions that attention takes at once, where there are so many


class Chosen(torch.autograd.Function):
    """Lines of a table, none of them twice: their gradient is a copy, where torch's own is a slower sum."""

    @staticmethod
    def forward(context: Any, table: Tensor, index: Tensor) -> Tensor:
        """table [line, …], index [n] -> [n, …]."""
        context.save_for_backward(index)
        context.lines = len(table)
        return table.index_select(0, index)

    @staticmethod
    def backward(context: Any, *gradients: Any) -> tuple[Tensor, None]:
        """The gradient of the table; zero in the lines that were not chosen."""
        (index,) = context.saved_tensors
        gradient: Tensor = gradients[0]
        return gradient.new_zeros((context.lines, *gradient.shape[1:])).index_copy_(0, index, gradient), None


@dataclass(frozen=True)
class Block:
    """Sequences of the packed row as a padded table. Gathers and copies are by whole rows: their gradients are fast."""

    valid: Tensor  # [sequence, token] bool
    slot: Tensor  # place of each token in the flattened table

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> "Block":
        """Sequences of these lengths."""
        valid = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).to(device)
        return cls(valid, valid.flatten().nonzero()[:, 0])

    def padded(self, own: Tensor) -> Tensor:
        """[tokens, …], sequence by sequence, as [sequence, token, …], zeros where padded."""
        table = own.new_zeros((self.valid.numel(), *own.shape[1:])).index_copy(0, self.slot, own)
        return table.view(*self.valid.shape, *own.shape[1:])

    def flat(self, table: Tensor) -> Tensor:
        """[sequence, token, …] as [tokens, …], without the padding."""
        chosen: Tensor = Chosen.apply(table.flatten(0, 1), self.slot)
        return chosen


@dataclass(frozen=True)
class Completions:
    """Completions of similar length: what is padded is attention's work for nothing."""

    block: Block
    prompt_of: Tensor  # [completion]
    seen: Tensor  # [completion, 1, token, prompt + token] bool: what each completion's token attends to


@dataclass(frozen=True)
class Packing:
    """Where prompts and completions stand in the packed row: the prompts first, then the completions by length."""

    tokens: Tensor  # [1, packed]
    positions: Tensor  # [1, packed], as if each completion followed its own copy of the prompt
    prompts: Block
    completions: tuple[Completions, ...]
    before: Tensor  # positions whose hidden state predicts each completion token, in the order of the rows, [n]

    @property
    def blocks(self) -> list[Block]:
        """The prompts and the parts of the completions, in the order of the packed row."""
        return [self.prompts, *(part.block for part in self.completions)]

    @property
    def sizes(self) -> list[int]:
        """Tokens of each block."""
        return [len(block.slot) for block in self.blocks]


def pack(rows: Sequence[Row], device: torch.device) -> Packing:
    """Packs prompts and completions; equal prompts are packed once."""
    numbers: dict[tuple[int, ...], int] = {}
    prompt_of = [numbers.setdefault(tuple(row.prompt), len(numbers)) for row in rows]
    order = sorted(range(len(rows)), key=lambda number: -len(rows[number].answer))
    texts = [*numbers, *(rows[number].answer for number in order)]
    starts = list(itertools.accumulate(map(len, texts), initial=0))
    prompts = Block.of([len(prompt) for prompt in numbers], device)
    parts, before = [], [torch.empty(0)] * len(rows)
    positions = [torch.arange(len(prompt)) for prompt in numbers]
    for place, number in enumerate(order, start=len(numbers)):
        prompt, length = prompt_of[number], len(texts[place])
        positions.append(torch.arange(length) + len(texts[prompt]))
        before[number] = torch.arange(starts[place] - 1, starts[place] + length - 1)
        before[number][0] = starts[prompt + 1] - 1
    for part in similar([len(rows[number].answer) for number in order]):
        owner = torch.tensor([prompt_of[number] for number in order[part]], device=device)
        lengths = [len(rows[number].answer) for number in order[part]]
        block = Block.of(lengths, device)
        parts.append(Completions(block, owner, visible(prompts, block, owner)))
    return Packing(
        torch.tensor([token for text in texts for token in text], device=device)[None],
        torch.cat(positions).to(device)[None],
        prompts,
        tuple(parts),
        torch.cat(before).to(device),
    )


def similar(lengths: Sequence[int]) -> list[slice]:
    """Falling lengths in parts, each of lengths above SIMILAR of its first, but of at least FEWEST sequences.

    >>> similar([40] * 8 + [39, 20, 19]), similar([40] * 8 + [20] * 8)
    ([slice(0, 11, None)], [slice(0, 8, None), slice(8, 16, None)])
    """
    begins = [0]
    for number, length in enumerate(lengths):
        enough = min(number - begins[-1], len(lengths) - number) >= FEWEST
        if enough and length <= SIMILAR * lengths[begins[-1]]:
            begins.append(number)
    return [slice(*pair) for pair in itertools.pairwise((*begins, len(lengths)))]


def visible(prompts: Block, answers: Block, prompt_of: Tensor) -> Tensor:
    """Each completion token sees its whole prompt, and its completion up to itself."""
    count, width = answers.valid.shape
    causal = torch.ones(width, width, dtype=torch.bool, device=prompt_of.device).tril()
    prompt = prompts.valid[prompt_of][:, None].expand(count, width, -1)
    return torch.cat([prompt, causal.expand(count, width, width)], dim=2)[:, None]


def attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    packing: Packing | None = None,
    **others: Any,
) -> tuple[Tensor, None]:
    """transformers' attention interface: [1, head, packed, width] in, [1, packed, head, width] out."""
    del module, attention_mask, dropout, others
    if packing is None:
        raise ValueError("this attention reads packed rows: call it through `packed.read`")
    repeats = query.shape[1] // key.shape[1]
    query, key, value = (part[0].transpose(0, 1) for part in (query, key, value))
    grouped = repeats > 1 and query.device.type == "cpu"  # its kernel takes grouped keys, beside a mask too
    if repeats > 1 and not grouped:
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    attend = functools.partial(scaled_dot_product_attention, scale=scaling, enable_gqa=grouped)
    split = [torch.split(part, packing.sizes) for part in (query, key, value)]
    laid = [[block.padded(own) for block, own in zip(packing.blocks, parts, strict=True)] for parts in split]
    (query_p, *queries), (key_p, *keys), (value_p, *values) = laid
    of_prompts = attend(query_p.transpose(1, 2), key_p.transpose(1, 2), value_p.transpose(1, 2), is_causal=True)
    flat = [packing.prompts.flat(of_prompts.transpose(1, 2))]
    for part, query_c, key_c, value_c in zip(packing.completions, queries, keys, values, strict=True):
        seen_keys, seen_values = (
            torch.cat([table.index_select(0, part.prompt_of), own], dim=1).transpose(1, 2)
            for table, own in ((key_p, key_c), (value_p, value_c))
        )
        answer = attend(query_c.transpose(1, 2), seen_keys, seen_values, attn_mask=part.seen)
        flat.append(part.block.flat(answer.transpose(1, 2)))
    return torch.cat(flat)[None], None


@functools.cache
def register() -> None:
    """Makes the attention known to transformers, whose import takes seconds and so waits until here."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attention)


@contextmanager
def shared_prompts(model: Any) -> Iterator[None]:
    """Inside, the model's attention takes a packing."""
    register()
    before = model.config._attn_implementation
    model.config._attn_implementation = NAME
    try:
        yield
    finally:
        model.config._attn_implementation = before


def suits(config: Any) -> bool:
    """Whether every layer of a model attends to all earlier tokens and asks the attention interface for it."""
    kinds = getattr(config, "layer_types", None) or ["full_attention"]
    window = getattr(config, "sliding_window", None) if getattr(config, "use_sliding_window", True) else None
    families = ("llama", "mistral", "qwen2", "qwen3", "smollm3", "olmo2", "granite")
    return config.model_type in families and window is None and set(kinds) == {"full_attention"}


def read(model: Any, packing: Packing) -> Tensor:
    """The hidden state before each completion token, after the final norm, [n, width]."""
    with shared_prompts(model):
        answer = model.base_model(
            input_ids=packing.tokens, position_ids=packing.positions, use_cache=False, packing=packing
        )
    hidden: Tensor = answer.last_hidden_state[0]
    return hidden.index_select(0, packing.before)


def read_padded(hidden: Callable[[Tensor], Tensor], rows: Sequence[Row], device: torch.device) -> Tensor:
    """The same for any causal model: every completion after its own copy of the prompt, padded on the right."""
    tokens = torch.zeros(len(rows), max(row.length for row in rows), dtype=torch.long)
    for number, row in enumerate(rows):
        tokens[number, : row.length] = torch.tensor([*row.prompt, *row.answer])
    starts = torch.tensor([number * tokens.shape[1] + len(row.prompt) - 1 for number, row in enumerate(rows)])
    lengths = torch.tensor([len(row.answer) for row in rows])
    within = torch.arange(int(lengths.sum())) - torch.repeat_interleave(lengths.cumsum(0) - lengths, lengths)
    before = torch.repeat_interleave(starts, lengths) + within
    return hidden(tokens.to(device)).flatten(0, 1).index_select(0, before.to(device))
