"""How large a model is, from its configuration alone: the architecture on torch's meta device, which holds no numbers.

The model, the adapter and the optimiser's parameters are the real classes of transformers and peft, so their shapes
are counted, not estimated; only what quantisation makes of a weight is a formula here.
"""

import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workbench.models.load import add_adapter, architecture
from workbench.models.spec import ModelSpec

NF4_SCALES = 256  # scales that share a second one, with double quantisation; the same section
NF4_BLOCK = 64  # weights that share a scale: bitsandbytes' default for 4 bit; QLoRA, arXiv:2305.14314, section 3


@dataclass(frozen=True)
class Size:
    """A model's numbers; memory in bytes."""

    parameters: int  # of the model, without an adapter
    trainable: int  # numbers under training
    weights: int  # of the model as it is held, frozen or not
    adapter: int
    trained: int  # bytes of what is under training: the adapter, or all weights
    largest: int  # of one trained tensor
    layers: int
    width: int  # of the hidden state
    widest: int  # outputs of the widest linear layer inside the layers
    vocabulary: int
    token: int  # keys and values of one token in all layers
    queries: int  # query heads x their width
    pairs: int  # key heads x their width
    unpacked: int  # the largest quantised matrix, brought back to the weights' type for a product


def skeleton(spec: ModelSpec) -> Any:
    """The model with its adapter, every tensor on the meta device; ValueError where its configuration makes none."""
    with torch.device("meta"):
        model = bare(spec).eval()
        if spec.lora is None:
            model.requires_grad_(True)
            return model
        from workbench.models.lora import add_in_place  # loads peft

        model = add_adapter(model, spec.lora, seed=0)
        add_in_place(model)
        return model


def bare(spec: ModelSpec) -> Any:
    """The model without an adapter, on the device that torch makes tensors on."""
    from transformers import AutoModelForCausalLM

    config = architecture(spec)
    try:
        return AutoModelForCausalLM.from_config(
            config,
            dtype=getattr(torch, spec.dtype),
            attn_implementation="eager" if spec.attention == "eager" else "sdpa",
            trust_remote_code=spec.trust_remote_code,
        )
    except Exception as error:  # the code of any architecture, given whatever its config.json holds
        why = str(error).split(". ")[0].strip()
        raise ValueError(
            f"model.name = {spec.name!r}: no causal language model can be made from its config.json "
            f"({type(error).__name__}: {why}); check the numbers in it, or take another model"
        ) from None


def embedding_targets(spec: ModelSpec) -> list[str]:
    """Which of the adapter's targets name the input embeddings or the output head; ValueError as for `skeleton`."""
    if spec.lora is None or isinstance(spec.lora.targets, str):  # "all-linear" leaves both out
        return []
    with torch.device("meta"):
        causal = bare(spec)
    ends = [causal.get_input_embeddings(), causal.get_output_embeddings()]
    names = [name for name, module in causal.named_modules() if any(module is end for end in ends)]
    return [target for target in spec.lora.targets if any(f".{name}".endswith(f".{target}") for name in names)]


@functools.lru_cache(maxsize=32)
def size_of(spec: ModelSpec) -> Size:
    """Counts a model."""
    model = skeleton(spec)
    causal = model.get_base_model() if spec.lora is not None else model
    config, element = causal.config, getattr(torch, spec.dtype).itemsize
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    added = trained if spec.lora is not None else []
    own = {id(weight): weight for weight in model.parameters()}
    matrices = inner_matrices(causal) if spec.quantisation is not None else []
    packed = {id(matrix) for matrix in matrices}
    plain = [weight for name, weight in own.items() if name not in packed and name not in {id(item) for item in added}]
    heads = getattr(config, "num_attention_heads", None)
    if heads is None:
        raise ValueError(
            f"model.name = {spec.name!r}: model type {config.model_type!r} has no attention heads, and the memory of "
            "such models cannot be forecast; take a model with full attention"
        )
    head = getattr(config, "head_dim", None) or config.hidden_size // heads
    pairs = getattr(config, "num_key_value_heads", None) or heads
    return Size(
        parameters=sum(weight.numel() for weight in [*plain, *matrices]),
        trainable=sum(weight.numel() for weight in trained),
        weights=nbytes(plain) + sum(quantised_bytes(tuple(matrix.shape), spec) for matrix in matrices),
        adapter=nbytes(added),
        trained=nbytes(trained),
        largest=max((nbytes([weight]) for weight in trained), default=0),
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        widest=max((matrix.shape[0] for matrix in inner_matrices(causal)), default=config.hidden_size),
        vocabulary=config.vocab_size,
        token=2 * config.num_hidden_layers * pairs * head * element,
        queries=heads * head,
        pairs=pairs * head,
        unpacked=max((matrix.numel() for matrix in matrices), default=0) * element,
    )


def nbytes(tensors: list[Any]) -> int:
    """Bytes of tensors."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def inner_matrices(causal: Any) -> list[Tensor]:
    """Weights of all linear layers but the head and the adapter's: those that quantisation packs."""
    head = causal.get_output_embeddings()
    return [
        module.weight
        for name, module in causal.named_modules()
        if isinstance(module, nn.Linear) and module is not head and ".lora_" not in name
    ]


def quantised_bytes(shape: tuple[int, ...], spec: ModelSpec) -> int:
    """Bytes of a quantised matrix [out, in] with its scales.

    NF4: half a byte a number, a float32 scale a block and a table of 16 float32 (arXiv:2305.14314, section 3); double
    quantisation makes a byte of each scale and keeps a float32 for every 256 of them, and a second table of 256. int8:
    a byte a number and a float32 scale a row (LLM.int8(), arXiv:2208.07339, section 2.1).

    >>> quantised_bytes((128, 64), ModelSpec(quantisation="int8"))
    8704
    """
    count = shape[0] * shape[1]
    if spec.quantisation == "int8":
        return count + 4 * shape[0]
    blocks = -(-count // NF4_BLOCK)
    scales = blocks + 4 * -(-blocks // NF4_SCALES) + 4 * 256 if spec.double_quantisation else 4 * blocks
    return -(-count // 2) + scales + 64
