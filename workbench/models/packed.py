"""Reads completions with every prompt once: a group's completions share the keys and values of their prompt.

Prompts and completions stand one behind the other in a single row without padding, so that the linear layers see each
token once; only the attention, a small part of the work, is done per completion, over its prompt and itself. Equal to
reading every completion after a copy of its prompt, gradients included.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from workbench.types import Row

NAME = "shared_prompt"


@dataclass(frozen=True)
class Block:
    """Sequences of the packed row as a padded table. Gathers and copies are by whole rows: their gradients are fast."""

    start: int  # where the first sequence begins; the others follow without a gap
    valid: Tensor  # [sequence, token] bool
    slot: Tensor  # place of each token in the flattened table

    @classmethod
    def of(cls, start: int, lengths: Sequence[int], device: torch.device) -> "Block":
        """Sequences of these lengths, from `start` on."""
        valid = (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).to(device)
        return cls(start, valid, valid.flatten().nonzero()[:, 0])

    def padded(self, packed: Tensor) -> Tensor:
        """[packed, …] as [sequence, token, …], zeros where padded."""
        own = packed[self.start : self.start + len(self.slot)]
        table = own.new_zeros((self.valid.numel(), *own.shape[1:])).index_copy(0, self.slot, own)
        return table.view(*self.valid.shape, *own.shape[1:])

    def flat(self, table: Tensor) -> Tensor:
        """[sequence, token, …] as [tokens, …], without the padding."""
        return table.flatten(0, 1).index_select(0, self.slot)


@dataclass(frozen=True)
class Packing:
    """Where prompts and completions stand in the packed row."""

    tokens: Tensor  # [1, packed]
    positions: Tensor  # [1, packed], as if each completion followed its own copy of the prompt
    prompts: Block
    answers: Block
    prompt_of: Tensor  # [answer]
    seen: Tensor  # [answer, 1, token, prompt + token] bool: what each completion's token attends to
    before: Tensor  # positions whose hidden state predicts each completion token, answer by answer, [n]


def pack(rows: Sequence[Row], device: torch.device) -> Packing:
    """Packs prompts and completions; equal prompts are packed once."""
    numbers: dict[tuple[int, ...], int] = {}
    prompt_of = [numbers.setdefault(tuple(row.prompt), len(numbers)) for row in rows]
    prompt_lengths = [len(prompt) for prompt in numbers]
    answer_lengths = [len(row.answer) for row in rows]
    starts = [0]
    for length in (*prompt_lengths, *answer_lengths):
        starts.append(starts[-1] + length)
    tokens = [token for prompt in numbers for token in prompt] + [token for row in rows for token in row.answer]
    firsts = [0] * len(numbers) + [prompt_lengths[number] for number in prompt_of]
    lengths = torch.tensor(prompt_lengths + answer_lengths)
    begins = torch.tensor(starts[:-1])
    positions = torch.arange(len(tokens)) + torch.repeat_interleave(torch.tensor(firsts) - begins, lengths)
    prompts = Block.of(0, prompt_lengths, device)
    answers = Block.of(starts[len(numbers)], answer_lengths, device)
    owner = torch.tensor(prompt_of, device=device)
    before = torch.arange(answers.start, len(tokens)) - 1
    firsts_of_answers = torch.tensor(starts[len(numbers) : -1]) - answers.start
    before[firsts_of_answers] = torch.tensor([starts[number + 1] - 1 for number in prompt_of])
    return Packing(
        torch.tensor(tokens, device=device)[None],
        positions.to(device)[None],
        prompts,
        answers,
        owner,
        visible(prompts, answers, owner),
        before.to(device),
    )


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
    if repeats > 1:
        key, value = key.repeat_interleave(repeats, 1), value.repeat_interleave(repeats, 1)
    prompts, answers = packing.prompts, packing.answers
    query_p, key_p, value_p = (prompts.padded(part).transpose(1, 2) for part in (query, key, value))
    of_prompts = scaled_dot_product_attention(query_p, key_p, value_p, is_causal=True, scale=scaling)
    query_a, key_a, value_a = (answers.padded(part).transpose(1, 2) for part in (query, key, value))
    keys = torch.cat([key_p.index_select(0, packing.prompt_of), key_a], dim=2)
    values = torch.cat([value_p.index_select(0, packing.prompt_of), value_a], dim=2)
    of_answers = scaled_dot_product_attention(query_a, keys, values, attn_mask=packing.seen, scale=scaling)
    flat = [prompts.flat(of_prompts.transpose(1, 2)), answers.flat(of_answers.transpose(1, 2))]
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
