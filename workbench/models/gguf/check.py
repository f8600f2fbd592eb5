"""What would go wrong with a GGUF file, told before a tensor is read."""

import importlib.util
import math
from pathlib import Path

from workbench.models.gguf.cache import room_error
from workbench.models.gguf.header import Header, TensorInfo, read_header

#: llama.cpp's names of the families whose every detail transformers reads. SmolLM and SmolLM2 say "llama".
ARCHITECTURES = ("llama", "qwen2", "qwen3")
#: How a byte-level vocabulary splits text before merging: `tokenizer.ggml.pre`, of those that are converted exactly.
SPLITS = ("smollm", "gpt-2", "llama-bpe", "qwen2")
BYTE_LEVEL, SENTENCEPIECE = "gpt2", "llama"
EMBEDDING = "token_embd.weight"
AGAIN = "download it again"
INSTALL = "pip install gguf"


def errors(path: Path) -> list[str]:
    """Why a file cannot be converted, each with what to do; empty if nothing. Reads the header alone."""
    if importlib.util.find_spec("gguf") is None:
        return [f"{path} is read with the package gguf, which is not installed: {INSTALL}"]
    try:
        header = read_header(path)
    except OSError as error:
        return [f"{path} cannot be read: {error.strerror or error}; give the path of a GGUF file"]
    except ValueError as error:
        return [f"{path} cannot be read: {error}; {AGAIN}"]
    return errors_of(header, path) or room_error(path, floats(header))


def errors_of(header: Header, path: Path) -> list[str]:
    """The same, of a header."""
    for check in (architecture_error, tensor_error, tokenizer_error):
        found = check(header)
        if found:
            return [f"{path} {found}"]
    return []


def architecture_error(header: Header) -> str:
    """What the conversion would not understand of the model's shape."""
    if header.architecture not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        return f"holds a model of architecture {header.architecture!r}: give one of {known}"
    scaling = header.values.get(f"{header.architecture}.rope.scaling.type", "none")
    if "rope_freqs.weight" in header.names or scaling != "none":
        return "stretches its rotary embedding, which the conversion does not carry over: give the Hugging Face folder"
    if any("_exps." in name for name in header.names):
        return "holds a mixture of experts: give a dense model"
    return ""


def tensor_error(header: Header) -> str:
    """Whether every tensor is there to its last byte, in a type that can be dequantised."""
    end = 0
    for tensor in header.tensors:
        size = nbytes(tensor)
        if size is None:
            return (
                f"stores {tensor.name} in type {tensor.kind}, which gguf cannot dequantise: give another quantisation"
            )
        end = max(end, header.data_start + tensor.offset + size)
    if not header.tensors:
        return "holds no tensors: give a file with weights"
    if end > header.size:
        return f"is cut: its tensors end at byte {end}, the file at byte {header.size}; {AGAIN}"
    return ""


def tokenizer_error(header: Header) -> str:
    """Whether the tokenizer is there, of a kind that is converted exactly, and has a row of the embedding per token."""
    values, table = header.values, header.tensor(EMBEDDING)
    tokens, kind = values.get("tokenizer.ggml.tokens", 0), values.get("tokenizer.ggml.model")
    if table is None:
        return f"has no embedding table ({EMBEDDING}): give the file of a whole model"
    if kind not in (BYTE_LEVEL, SENTENCEPIECE):
        return f"has a tokenizer of kind {kind!r}: give a model with a byte-level or a SentencePiece vocabulary"
    if kind == BYTE_LEVEL and "tokenizer.ggml.merges" not in values:
        return f"has a byte-level tokenizer without merges; {AGAIN}"
    split = values.get("tokenizer.ggml.pre", "gpt-2")
    if kind == BYTE_LEVEL and split not in SPLITS:
        return (
            f"splits text by the rule {split!r}: of these are converted: {', '.join(SPLITS)}; give the model's folder"
        )
    if tokens != table.shape[0]:
        return (
            f"has a tokenizer of {tokens} tokens and an embedding table of {table.shape[0]} rows: they belong to "
            "different models; give a file in which they agree"
        )
    return outside(header, tokens)


def outside(header: Header, tokens: int) -> str:
    """Whether a special token's number lies outside the vocabulary."""
    for name in ("bos", "eos", "unknown", "padding"):
        number = header.values.get(f"tokenizer.ggml.{name}_token_id")
        if number is not None and not 0 <= number < tokens:
            return f"says its {name} token is number {number} of {tokens} tokens; {AGAIN}"
    return ""


def nbytes(tensor: TensorInfo) -> int | None:
    """Bytes of a tensor in the file; None where its type cannot be dequantised."""
    import numpy as np
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, dequantize

    try:
        kind = GGMLQuantizationType(tensor.kind)
        block, size = GGML_QUANT_SIZES[kind]
        dequantize(np.zeros((1, size), dtype=np.uint8), kind)
    except (ValueError, KeyError, NotImplementedError):
        return None
    return int(math.prod(tensor.shape) // block * size)


def floats(header: Header) -> int:
    """Bytes of all weights in float32."""
    return 4 * sum(math.prod(tensor.shape) for tensor in header.tensors)
