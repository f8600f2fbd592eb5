"""The decoding step of Llama-like models, with projections joined and one call for queries and keys.

Keeps a copy of the weights, joined and with any adapter added in, so it suits models that are small against the
memory. The rotary embedding is a product of complex numbers here: the two halves of each head that rotate together
are laid side by side, in the weights and in the keys, which leaves every product of a query and a key as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from workbench.engines.base import ModulePolicy, Product
from workbench.engines.decoder import Decoder, bar, mask
from workbench.engines.rows import Rows

FAMILIES = ("llama", "mistral", "qwen2", "qwen3")
ROTARY = ("default", "linear", "llama3", "yarn")  # those whose angles do not depend on the length


@dataclass(frozen=True)
class Projection:
    """A weight [out, in] and a bias [out], ready to be multiplied."""

    weight: Tensor
    bias: Tensor | None
    product: Product

    def __call__(self, values: Tensor) -> Tensor:
        """values [n, in] -> [n, out]."""
        return self.product(values, self.weight, self.bias)


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
        self.sync()

    def sync(self) -> None:
        """See `Decoder.sync`."""
        model = self.policy.causal.base_model
        self.embedding: Tensor = model.embed_tokens.weight.detach()
        self.norm: Tensor = model.norm.weight.detach()
        self.layers = [self.read(layer) for layer in model.layers]

    def read(self, layer: Any) -> Layer:
        """Joins one layer's weights."""
        attention, mlp = layer.self_attn, layer.mlp
        head_norm = None
        if self.policy.config.model_type == "qwen3":
            queries, keys = attention.q_norm.weight.detach(), attention.k_norm.weight.detach()
            counts = torch.tensor([self.queries, self.shape.heads], device=self.shape.device)
            head_norm = torch.stack((queries * self.scale, keys))[:, self.order].repeat_interleave(counts, 0)
        return Layer(
            before_attention=layer.input_layernorm.weight.detach(),
            queries_keys_values=self.join(
                self.reorder(attention.q_proj, self.scale if head_norm is None else 1.0),
                self.reorder(attention.k_proj),
                whole(attention.v_proj),
            ),
            head_norm=head_norm,
            out=self.join(whole(attention.o_proj)),
            before_mlp=layer.post_attention_layernorm.weight.detach(),
            gate_up=self.join(whole(mlp.gate_proj), whole(mlp.up_proj)),
            down=self.join(whole(mlp.down_proj)),
        )

    def reorder(self, module: Any, scale: float = 1.0) -> tuple[Tensor, Tensor | None]:
        """A query or key projection, scaled, with each head's outputs in the order of `self.order`."""
        weight, bias = whole(module)
        heads = len(weight) // self.shape.width
        index = (torch.arange(heads, device=weight.device)[:, None] * self.shape.width + self.order).flatten()
        return weight[index] * scale, None if bias is None else bias[index] * scale

    def join(self, *parts: tuple[Tensor, Tensor | None]) -> Projection:
        """Several projections of the same input as one."""
        biases = [bias for _, bias in parts if bias is not None]
        if biases and len(biases) < len(parts):
            biases = [bias if bias is not None else weight.new_zeros(len(weight)) for weight, bias in parts]
        weight = torch.cat([weight for weight, _ in parts])
        return Projection(weight, torch.cat(biases) if biases else None, self.policy.product)

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
        values = F.embedding(tokens, self.embedding)
        for number, layer in enumerate(self.layers):
            normed = self.normalise(values, layer.before_attention)
            joined = layer.queries_keys_values(normed).view(count, -1, self.shape.width)
            query = self.write(rows.pairs[number], layer, joined, now)
            values = values + layer.out(self.attend(rows, number, query, now.scores).view(count, -1))
            normed = self.normalise(values, layer.before_mlp)
            gate, up = layer.gate_up(normed).chunk(2, -1)
            values = values + layer.down(F.silu(gate) * up)
        rows.position[:count] += 1
        return self.normalise(values, self.norm)

    def look(self, rows: Rows, count: int, longest: int) -> "Step":
        """Where this step's tokens stand, write and read."""
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


def suits(policy: ModulePolicy, copy_limit: int) -> bool:
    """Whether a model is of a known family, in plain weights, and its layers take at most `copy_limit` bytes."""
    config = policy.config
    rotary = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if config.model_type not in FAMILIES or rotary not in ROTARY or policy.quantised:
        return False
    layers = policy.causal.base_model.layers
    size: int = sum(weight.numel() * weight.element_size() for weight in layers.parameters())
    return size <= copy_limit


def whole(module: Any) -> tuple[Tensor, Tensor | None]:
    """A linear layer's weight and bias, with the product of an active adapter's matrices added in."""
    base: nn.Linear = getattr(module, "base_layer", module)
    weight = base.weight.detach()
    if base is not module:
        for adapter in module.active_adapters:
            weight = weight + module.get_delta_weight(adapter).detach()
    return weight, None if base.bias is None else base.bias.detach()
