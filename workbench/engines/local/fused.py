"""The decoding step of Llama-like models, with projections joined and one call for queries and keys.

Keeps a copy of the weights, joined (see `joined`), so it suits models that are small against the memory. The rotary
embedding is a product of complex numbers here: the two halves of each head that rotate together are laid side by side,
in the weights and in the keys, which leaves every product of a query and a key as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from workbench.engines.base import ModulePolicy
from workbench.engines.local.decoder import ROTARY, Decoder, bar, mask, rotary
from workbench.engines.local.joined import Part, Projection, into, join, part_of
from workbench.engines.local.rows import Rows

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
#: Most bytes of layers that are copied, by the kind of device. On a GPU fewer calls pay for larger models too.
COPY_LIMIT = {"cuda": 2**30, "mps": 2**28, "cpu": 2**30}


@dataclass(frozen=True)
class Layer:
    """One layer's weights."""

    before_attention: Tensor
    queries_keys_values: Projection
    head_norm: Tensor | None  # [query and key heads, width]
    out: Projection
    before_mlp: Tensor
    gate_up: Projection
    down: Projection


class FusedDecoder(Decoder):
    """See the module; float32 and half types, any device."""

    shares: ClassVar[bool] = True

    def __init__(self, policy: ModulePolicy) -> None:
        super().__init__(policy)
        config = policy.config
        self.queries: int = config.num_attention_heads
        self.eps: float = config.rms_norm_eps
        self.scale: float = self.shape.width**-0.5  # of attention's scores; multiplied into the queries' weights
        half = torch.arange(self.shape.width, device=self.shape.device).view(2, -1)
        self.order = half.t().flatten()  # 0, w/2, 1, w/2 + 1, ...: what rotates together, side by side
        self.rotation = torch.empty(0, self.shape.width // 2, dtype=torch.complex64, device=self.shape.device)
        self.layers: list[Layer] = []
        self.sync()

    def sync(self) -> None:
        ""
        model = self.policy.causal.base_model
        self.embed: Any = model.embed_tokens  # the module itself: an adapter may stand around the table
        self.norm: Tensor = model.norm.weight.detach()
        self.layers = [self.read(*pair) for pair in zip_longest(model.layers, self.layers)]

    def read(self, layer: Any, kept: Layer | None) -> Layer:
        """Joins one layer's weights, in the memory of those kept from before, if there are any."""
        attention, mlp, product = layer.self_attn, layer.mlp, self.policy.product
        normed = self.policy.config.model_type == "qwen3"
        queries = self.reorder(part_of(attention.q_proj), 1.0 if normed else self.scale)
        inputs = [queries, self.reorder(part_of(attention.k_proj)), part_of(attention.v_proj)]
        gates = [part_of(mlp.gate_proj), part_of(mlp.up_proj)]
        return Layer(
            before_attention=layer.input_layernorm.weight.detach(),
            queries_keys_values=join(inputs, product, kept.queries_keys_values if kept else None),
            head_norm=into(kept.head_norm if kept else None, self.head_norm(attention)) if normed else None,
            out=join([part_of(attention.o_proj)], product, kept.out if kept else None),
            before_mlp=layer.post_attention_layernorm.weight.detach(),
            gate_up=join(gates, product, kept.gate_up if kept else None),
            down=join([part_of(mlp.down_proj)], product, kept.down if kept else None),
        )

    def head_norm(self, attention: Any) -> Tensor:
        """The norms of Qwen3's queries and keys, [query and key heads, width], in the order of `self.order`."""
        queries, keys = attention.q_norm.weight.detach(), attention.k_norm.weight.detach()
        counts = torch.tensor([self.queries, self.shape.heads], device=self.shape.device)
        return torch.stack((queries * self.scale, keys))[:, self.order].repeat_interleave(counts, 0)

    def reorder(self, part: Part, scale: float = 1.0) -> Part:
        """A query or key projection, scaled, with each head's outputs in the order of `self.order`."""
        heads = torch.arange(len(part.weight) // self.shape.width, device=self.shape.device)
        return part.outputs((heads[:, None] * self.shape.width + self.order).flatten(), scale)

    def release(self) -> None:
        """Nothing to release."""

    def place(self) -> tuple[int, ...]:
        """See `Decoder.place`."""
        return (*super().place(), self.rotation.data_ptr())

    def prefill(self, contexts: Sequence[Sequence[int]]) -> list[Float[Tensor, "layer 2 head _ width"]]:
        """See `Decoder.prefill`; keys in this decoder's order."""
        answers = super().prefill(contexts)
        return [torch.stack((pairs[:, 0, ..., self.order], pairs[:, 1]), 1) for pairs in answers]

    def reserve(self, tokens: int) -> None:
        """See `Decoder.reserve`: rotations of every position, [position, width / 2] complex."""
        if len(self.rotation) < tokens:
            places = torch.arange(tokens, device=self.shape.device)[None]
            probe = torch.zeros(1, dtype=torch.float32, device=self.shape.device)
            cosine, sine = self.policy.causal.base_model.rotary_emb(probe, places)
            half = self.shape.width // 2
            self.rotation = torch.complex(cosine[0, :, :half].contiguous(), sine[0, :, :half].contiguous())

    def step(self, rows: Rows, tokens: Int[Tensor, " row"], longest: int) -> Float[Tensor, "row width"]:
        """See `Decoder.step`."""
        count = len(tokens)
        now = self.look(rows, count, longest)
        values: Tensor = self.embed(tokens)
        for number, layer in enumerate(self.layers):
            normed = self.normalise(values, layer.before_attention)
            joined = layer.queries_keys_values(normed).view(count, -1, self.shape.width)
            query = self.write(rows.pairs[number], layer, joined, now)
            values = values + layer.out(self.attend(rows, number, query, now.scores).view(count, -1))
            normed = self.normalise(values, layer.before_mlp)
            gate, up = layer.gate_up(normed).chunk(2, -1)
            values = values + layer.down(F.silu(gate) * up)
        return self.normalise(values, self.norm)

    def look(self, rows: Rows, count: int, longest: int) -> "Step":
        """The positions of this step's tokens, where they are stored, and what they attend to."""
        position = rows.position[:count]
        own = position - rows.first[:count]
        lines = torch.arange(count * self.shape.heads, device=own.device).view(count, -1) * rows.tokens
        scores = mask(own, longest, self.shape.dtype)
        if rows.shared is not None:
            scores = torch.cat((bar(rows.shared.hidden, scores.dtype)[rows.shared.context], scores), -1)
        return Step(self.rotation[position][:, None], (lines + own[:, None]).flatten(), scores[:, None, None])

    def write(self, pair: Tensor, layer: Layer, joined: Tensor, now: "Step") -> Tensor:
        """Stores the new keys and values in a layer's memory; the queries [row, key head, query, width], rotated."""
        count, heads = len(joined), self.shape.heads
        rotating, value = joined.split((self.queries + heads, heads), 1)
        if layer.head_norm is not None:
            rotating = F.rms_norm(rotating, rotating.shape[-1:], eps=self.eps) * layer.head_norm
        halves = torch.view_as_complex(rotating.float().unflatten(-1, (-1, 2)))
        rotated = torch.view_as_real(halves * now.angles).flatten(-2).to(joined.dtype)
        query, key = rotated.split((self.queries, heads), 1)
        for part, new in zip(pair, (key, value), strict=True):
            part.view(-1, self.shape.width).index_copy_(0, now.lines, new.reshape(-1, self.shape.width))
        answer: Tensor = query.reshape(count, heads, -1, self.shape.width)
        return answer

    def attend(self, rows: Rows, number: int, query: Tensor, scores: Tensor) -> Tensor:
        """Attention of each row's newest token over its context and the row itself: [row, key head, query, width]."""
        count, heads, queries, width = query.shape
        longest = scores.shape[-1] - (0 if rows.shared is None else rows.shared.hidden.shape[1])
        keys, values = rows.layer(number, count, longest)
        raw = torch.bmm(query.reshape(-1, queries, width), keys.flatten(0, 1).transpose(1, 2))
        raw = raw.view(count, heads, queries, longest)
        if rows.shared is not None:
            raw = torch.cat((rows.shared.scores(number, query), raw), -1)
        weight = (raw + scores).softmax(-1, dtype=torch.float32).to(query.dtype)
        own = weight[..., -longest:].reshape(-1, queries, longest)
        read = torch.bmm(own, values.flatten(0, 1)).view(count, heads, queries, width)
        return read if rows.shared is None else read + rows.shared.read(number, weight[..., :-longest])

    def normalise(self, values: Tensor, weight: Tensor) -> Tensor:
        """Root-mean-square norm over the last axis."""
        return F.rms_norm(values, values.shape[-1:], weight, self.eps)


@dataclass(frozen=True)
class Step:
    """What all layers of one step have in common."""

    angles: Tensor  # rotation of each row's newest token, [row, 1, width / 2] complex
    lines: Tensor  # where its keys go, and its values, in memory seen as [line, width]: [row x head]
    scores: Tensor  # added to the scores of what is read, [row, 1, 1, token]: the context, then the row's own


def suits(policy: ModulePolicy) -> bool:
    """Whether a model is of a known family, not quantised, and its layers are small enough to be copied."""
    if policy.config.model_type not in FAMILIES or rotary(policy.config) not in ROTARY or policy.quantised:
        return False
    layers = policy.causal.base_model.layers
    size: int = sum(weight.numel() * weight.element_size() for weight in layers.parameters())
    return size <= COPY_LIMIT[policy.device.type]
