"""Small GGUF files, made with the writer of the package gguf: models with random weights and a byte-level tokenizer."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np

WIDTH, LAYERS, HEADS, PAIRS, INNER = 32, 2, 4, 2, 64
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def alphabet() -> list[str]:
    """The 256 bytes as byte-level vocabularies write them, in the order of the bytes."""
    from tokenizers import pre_tokenizers

    return sorted(pre_tokenizers.ByteLevel.alphabet())


def vocabulary() -> tuple[list[str], list[str]]:
    """Tokens and merges: specials, bytes, two spaces, two line breaks, and two digits that must not be merged."""
    pairs = [("Ġ", "Ġ"), ("Ċ", "Ċ"), ("1", "2"), ("Ġ", "t")]
    return [*SPECIAL, *alphabet(), *("".join(pair) for pair in pairs)], [" ".join(pair) for pair in pairs]


def metadata(architecture: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What a whole file says of itself: numbers, texts, lists."""
    tokens, merges = vocabulary()
    values: dict[str, Any] = {
        f"{architecture}.block_count": LAYERS,
        f"{architecture}.context_length": 128,
        f"{architecture}.embedding_length": WIDTH,
        f"{architecture}.feed_forward_length": INNER,
        f"{architecture}.attention.head_count": HEADS,
        f"{architecture}.attention.head_count_kv": PAIRS,
        f"{architecture}.attention.key_length": WIDTH // HEADS,
        f"{architecture}.rope.dimension_count": WIDTH // HEADS,
        f"{architecture}.vocab_size": len(tokens),
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.padding_token_id": 2,
    }
    texts: dict[str, Any] = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.chat_template": TEMPLATE,
        "general.name": "small",
    }
    lists: dict[str, Any] = {
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)),
    }
    return values, texts, lists


def write(path: Path, *, architecture: str = "llama", quantised: bool = True, **changes: Any) -> Path:
    """A file with a whole model. `changes`: metadata to set (None leaves it out), or `rows` of the embedding table."""
    writer = gguf.GGUFWriter(path, architecture)
    rows = changes.pop("rows", len(vocabulary()[0]))
    values, texts, lists = metadata(architecture)
    for table in (values, texts, lists):
        for key in table.keys() & changes.keys():
            table[key] = changes.pop(key)
    for table, add in ((values, writer.add_uint32), (texts, writer.add_string), (lists, writer.add_array)):
        for key, value in table.items():
            if value is not None:
                add(key, value)
    writer.add_float32(f"{architecture}.rope.freq_base", 10000.0)
    writer.add_float32(f"{architecture}.attention.layer_norm_rms_epsilon", 1e-5)
    for key, value in changes.items():
        writer.add_string(key, value)
    for name, numbers in tensors(architecture, rows).items():
        add_tensor(writer, name, numbers, quantised and numbers.ndim == 2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add_tensor(writer: gguf.GGUFWriter, name: str, numbers: np.ndarray, quantised: bool) -> None:
    """Adds a tensor, in 8 bit if asked."""
    if not quantised:
        writer.add_tensor(name, numbers)
        return
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor(name, gguf.quantize(numbers, kind), raw_dtype=kind)


def tensors(architecture: str, rows: int) -> dict[str, np.ndarray]:
    """Random weights of every tensor that such a model has, embeddings tied."""
    draw = np.random.default_rng(0)
    head = WIDTH // HEADS

    def matrix(outputs: int, inputs: int) -> np.ndarray:
        return draw.normal(0, 0.3, (outputs, inputs)).astype(np.float32)

    def vector(size: int) -> np.ndarray:
        return draw.normal(1, 0.1, size).astype(np.float32)

    found = {"token_embd.weight": matrix(rows, WIDTH), "output_norm.weight": vector(WIDTH)}
    for layer in range(LAYERS):
        block = {
            "attn_norm.weight": vector(WIDTH),
            "attn_q.weight": matrix(WIDTH, WIDTH),
            "attn_k.weight": matrix(PAIRS * head, WIDTH),
            "attn_v.weight": matrix(PAIRS * head, WIDTH),
            "attn_output.weight": matrix(WIDTH, WIDTH),
            "ffn_norm.weight": vector(WIDTH),
            "ffn_gate.weight": matrix(INNER, WIDTH),
            "ffn_up.weight": matrix(INNER, WIDTH),
            "ffn_down.weight": matrix(WIDTH, INNER),
        }
        if architecture == "qwen2":
            block |= {"attn_q.bias": vector(WIDTH)}
            block |= {"attn_k.bias": vector(PAIRS * head), "attn_v.bias": vector(PAIRS * head)}
        if architecture == "qwen3":
            block |= {"attn_q_norm.weight": vector(head), "attn_k_norm.weight": vector(head)}
        found |= {f"blk.{layer}.{name}": numbers for name, numbers in block.items()}
    return found
