"""What a forward pass keeps for its backward pass, found by running the real layers on torch's meta device.

Nothing is computed there; autograd asks to save the same tensors as anywhere else, and they are counted. Attention
is the one part that is counted by a formula, because which tensors it keeps depends on how rows are packed.
"""

import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workbench.models.load import architecture, pick_device
from workbench.models.norm import use_norm
from workbench.models.packed import suits
from workbench.models.size import Size, inner_matrices, skeleton
from workbench.models.spec import ModelSpec

PROBE = 256  # tokens of the counted pass; what is kept grows in proportion
NAME = "shape_only"


@dataclass(frozen=True)
class MicroBatch:
    """The shape of one forward and backward pass."""

    rows: int
    prompts: int  # different ones
    prompt: int  # tokens of each
    answer: int

    @property
    def answers(self) -> int:
        """Completion tokens."""
        return self.rows * self.answer

    def tokens(self, *, packed: bool) -> int:
        """Tokens the layers see: each prompt once where rows are packed, else once a row."""
        return (self.prompts if packed else self.rows) * self.prompt + self.answers


def shape_only(module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any, **others: Any) -> tuple[Tensor, None]:
    """An attention that keeps nothing: [1, head, token, width] in, [1, token, head, width] out."""
    del module, key, value, mask, others
    return query.transpose(1, 2).clone(), None


@functools.lru_cache(maxsize=32)
def token_bytes(spec: ModelSpec) -> float:
    """Bytes that all layers but attention itself keep of one token."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, shape_only)
    model = skeleton(spec)
    causal = model.get_base_model() if spec.lora is not None else model
    if on_cpu(spec):
        use_norm(model)
    causal.config._attn_implementation = NAME
    known = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, Any] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in known:
            kept[storage._cdata] = storage  # held, so that no other storage gets its address
        return tensor

    with torch.device("meta"), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        tokens = torch.zeros(1, PROBE, dtype=torch.long)
        causal.base_model(input_ids=tokens, position_ids=torch.arange(PROBE)[None], use_cache=False)
    found = sum(int(storage.nbytes()) for storage in kept.values()) / PROBE
    return found + (int8_bytes(causal, spec) if spec.quantisation == "int8" else 0)


def on_cpu(spec: ModelSpec) -> bool:
    """Whether a run of this spec computes on a CPU; the device that it names need not be here."""
    return spec.device == "cpu" or (spec.device == "auto" and pick_device(spec).type == "cpu")


def int8_bytes(causal: Any, spec: ModelSpec) -> int:
    """At most how many bytes of a token bitsandbytes' int8 product keeps besides: each matrix's input as it came.

    `MatMul8bitLt` of bitsandbytes 0.50 keeps it for the input's type; matrices that share an input count it each.
    """
    element: int = getattr(torch, spec.dtype).itemsize
    return sum(matrix.shape[1] for matrix in inner_matrices(causal)) * element


def attention_bytes(spec: ModelSpec, size: Size, batch: MicroBatch) -> int:
    """Bytes that attention keeps in all layers: queries, keys, values and completions of every attended sequence.

    Packed (`models.packed`), a completion's keys and values include a copy of its prompt's, and the mask is kept in the
    weights' type, [row, answer, prompt + answer], and queries, keys and values stay as they were before they were laid
    out (`index_copy` keeps its source); padded, every row is a sequence of prompt and completion. Keys and values
    are as wide as the queries where grouped heads are repeated: everywhere but on a CPU, packed. The attention itself
    is computed in blocks and keeps no [token, token] table: FlashAttention, arXiv:2205.14135, section 3.
    """
    element: int = getattr(torch, spec.dtype).itemsize
    whole = batch.prompt + batch.answer
    if not suits(architecture(spec)):
        return size.layers * batch.rows * whole * 4 * size.queries * element
    pairs = size.pairs if on_cpu(spec) else size.queries
    prompts = batch.prompts * batch.prompt * 2 * (size.queries + pairs)
    answers = batch.rows * 2 * (batch.answer * size.queries + whole * pairs)
    before = batch.tokens(packed=True) * (size.queries + 2 * pairs)
    return size.layers * (prompts + answers + before + batch.rows * batch.answer * whole) * element


def mask_bytes(spec: ModelSpec, batch: MicroBatch) -> int:
    """Bytes of the mask of a packed pass, [row, answer, prompt + answer], a byte each; it lives as long as the pass."""
    packed = suits(architecture(spec))
    return batch.rows * batch.answer * (batch.prompt + batch.answer) if packed else 0


def kept_bytes(spec: ModelSpec, size: Size, batch: MicroBatch, *, checkpointed: bool = False) -> int:
    """Bytes kept of a micro-batch when its logits are read.

    Checkpointed (arXiv:1604.06174, section 4): each layer's input, the last norm's in float32, and the mask, which is
    needed again.
    """
    tokens = batch.tokens(packed=suits(architecture(spec)))
    if not checkpointed:
        return round(token_bytes(spec) * tokens) + attention_bytes(spec, size, batch)
    element: int = getattr(torch, spec.dtype).itemsize
    return tokens * size.width * (size.layers * element + 4) + mask_bytes(spec, batch)


def passing_bytes(spec: ModelSpec, size: Size, batch: MicroBatch, *, checkpointed: bool = False) -> int:
    """Bytes that come and go inside a layer: the widest activation with two gradients of it, and two hidden states.

    Checkpointed, all that the layer would have kept comes and goes as well; else the forward pass's mask does.
    """
    element: int = getattr(torch, spec.dtype).itemsize
    tokens = batch.tokens(packed=suits(architecture(spec)))
    inside = tokens * (3 * size.widest + 2 * size.width) * element + size.unpacked
    return inside + (kept_bytes(spec, size, batch) // size.layers if checkpointed else mask_bytes(spec, batch))


def reference_bytes(spec: ModelSpec, size: Size, batch: MicroBatch) -> int:
    """Bytes that come and go while the reference is read: its mask, and the larger half of a layer; nothing is kept.

    That is attention with all it lays out, or the three widest activations of the rest; two hidden states beside it.
    """
    element: int = getattr(torch, spec.dtype).itemsize
    tokens = batch.tokens(packed=suits(architecture(spec)))
    half = max(attention_bytes(spec, size, batch) // size.layers, tokens * 3 * size.widest * element)
    return mask_bytes(spec, batch) + half + tokens * 2 * size.width * element + size.unpacked
