"""One decoding step for every row at once: the protocol of a decoder, and an implementation for any model.

`ModuleDecoder` runs the transformers model itself over the preallocated rows, through a cache of its own kind; it
serves every full-attention model. `fused.FusedDecoder` does the same arithmetic with fewer calls for some families.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache, CacheLayerMixin

from workbench.engines.base import ModulePolicy
from workbench.engines.local.rows import Rows
from workbench.engines.local.shared import Shape

#: Attention adds this to the score of a key that must not be read; finite, so that no row is all -inf.
HIDDEN = -1e30
ROTARY = ("default", "linear", "llama3", "yarn")  # rotary embeddings whose angles do not depend on the length


class Decoder(ABC):
    """A model as the local engine sees it."""

    shares: ClassVar[bool] = False  # whether its steps read contexts from `Rows.shared`

    def __init__(self, policy: ModulePolicy) -> None:
        self.policy = policy
        config = policy.config
        heads = config.num_attention_heads
        self.shape = Shape(
            layers=config.num_hidden_layers,
            heads=getattr(config, "num_key_value_heads", None) or heads,
            width=getattr(config, "head_dim", None) or config.hidden_size // heads,
            dtype=policy.causal.dtype,
            device=policy.device,
        )

    @abstractmethod
    def sync(self) -> None:
        """Takes the policy's current weights."""

    def reserve(self, tokens: int) -> None:
        """Prepares for texts of at most `length` tokens; called before each call of the engine."""
        del tokens

    @abstractmethod
    def release(self) -> None:
        """Releases the rows of the last call, and what it keeps for them."""

    def place(self) -> tuple[int, ...]:
        """The addresses of what a step reads besides the rows."""
        model = self.policy.causal
        return tuple(tensor.data_ptr() for tensor in (*model.parameters(), *model.buffers()))

    @abstractmethod
    def step(self, rows: Rows, tokens: Int[Tensor, " row"], longest: int) -> Float[Tensor, "row width"]:
        """Reads one token into each of the first rows; its last hidden state after the final norm.

        `longest` is the most tokens that any of these rows then holds itself, or more. Where the rows stand is left to
        the caller: until `rows.advance`, the same step can be taken again.
        """

    def prefill(self, contexts: Sequence[Sequence[int]]) -> list[Float[Tensor, "layer 2 head _ width"]]:
        """Keys and values of every context, from one pass of the model."""
        longest = max([1, *map(len, contexts)])  # one padding token where all are empty
        padded = [list(context) + [0] * (longest - len(context)) for context in contexts]
        cache = DynamicCache(config=self.policy.config)
        tokens = torch.tensor(padded, device=self.shape.device)
        self.policy.causal.base_model(input_ids=tokens, past_key_values=cache, use_cache=True)
        pairs = torch.stack([torch.stack((layer.keys, layer.values)) for layer in cache.layers])
        return [pairs[:, :, number, :, : len(context)] for number, context in enumerate(contexts)]


def mask(position: Int[Tensor, " row"], longest: int, dtype: torch.dtype) -> Float[Tensor, "row token"]:
    """The attention mask added to each row's scores: 0 up to the row's newest token, HIDDEN after it."""
    return bar(torch.arange(longest, device=position.device) > position[:, None], dtype)


def bar(hidden: Bool[Tensor, "row token"], dtype: torch.dtype) -> Float[Tensor, "row token"]:
    """The attention mask added to scores: HIDDEN where `hidden` is true."""
    scores = torch.zeros(hidden.shape, dtype=dtype, device=hidden.device)
    return scores.masked_fill_(hidden, max(HIDDEN, torch.finfo(dtype).min))


class RowLayer(CacheLayerMixin):  # type: ignore[misc]  # transformers is untyped here
    """One layer of `Rows`, as a transformers model updates and reads it."""

    def __init__(self, rows: Rows, number: int) -> None:
        super().__init__()
        self.rows, self.number, self.longest = rows, number, 0
        self.is_initialized = True

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the rows exist already."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **keywords: Any) -> tuple[Tensor, Tensor]:
        """Writes each row's new key and value [row, head, 1, width] at its place; all that attention reads."""
        count = len(key_states)
        keys, values = self.rows.layer(self.number, count, self.rows.tokens)
        at = torch.arange(count, device=key_states.device), slice(None), self.rows.position[:count]
        keys[at], values[at] = key_states[:, :, 0], value_states[:, :, 0]
        return keys[:, :, : self.longest], values[:, :, : self.longest]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Keys read, and the first of them."""
        return self.longest, 0

    def get_seq_length(self) -> int:
        """Tokens held by the longest row."""
        return self.longest - 1

    def get_max_length(self) -> int:
        """Tokens a row can hold."""
        return self.rows.tokens


class ModuleDecoder(Decoder):
    """The transformers model's own forward pass over `Rows`."""

    def __init__(self, policy: ModulePolicy) -> None:
        super().__init__(policy)
        self.release()

    def sync(self) -> None:
        """Nothing to do: the model's own weights are used."""

    def release(self) -> None:
        """See `Decoder.release`."""
        self.cache: Any = None
        self.cached: Rows | None = None

    def step(self, rows: Rows, tokens: Int[Tensor, " row"], longest: int) -> Float[Tensor, "row width"]:
        """See `Decoder.step`."""
        if self.cached is not rows:
            layers = [RowLayer(rows, number) for number in range(self.shape.layers)]
            self.cached, self.cache = rows, Cache(layers=layers)
        for layer in self.cache.layers:
            layer.longest = longest
        position = rows.position[: len(tokens)]
        answer: Tensor = self.policy.causal.base_model(
            input_ids=tokens[:, None],
            position_ids=position[:, None],
            attention_mask=mask(position, longest, self.shape.dtype)[:, None, None],
            past_key_values=self.cache,
            use_cache=True,
        ).last_hidden_state[:, 0]
        return answer


def rotary(config: Any) -> str:
    """The kind of a model's rotary embedding."""
    kind: str = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    return kind
