"""From a GGUF file to a Hugging Face folder with float32 weights; transformers and the package gguf do the reading."""

from pathlib import Path
from typing import Any

from workbench.models.gguf.cache import kept
from workbench.models.gguf.check import errors
from workbench.models.gguf.header import read_header


def converted(path: Path) -> Path:
    """The folder with a file's model, converted at the first call; ValueError says what is wrong with the file."""
    found = errors(path)
    if found:
        raise ValueError("\n".join(found))
    return kept(path, convert)


def convert(path: Path, folder: Path) -> None:
    """Writes weights, configuration and tokenizer. Weights in float32: dequantised ones are exact in no half type."""
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM

    try:
        model = AutoModelForCausalLM.from_pretrained(
            path.parent, gguf_file=path.name, dtype=torch.float32, **head_width(path)
        )
        tokenizer = tokenizer_of(path)
    except (ValueError, KeyError, RuntimeError, IndexError, TypeError) as error:  # of a file that the header hides
        why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise ValueError(f"{path} cannot be converted ({why}); download it again, or give another file") from error
    config = model.config
    del config.quantization_config  # else it would be read as GGUF again
    config.architectures = [type(model).__name__]
    config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tokenizer.model_max_length = config.max_position_embeddings
    tokenizer.save_pretrained(folder)
    weights = model.state_dict()
    if config.tie_word_embeddings:
        weights.pop("lm_head.weight", None)
    save_file(
        {name: value.contiguous() for name, value in weights.items()}, folder / "model.safetensors", {"format": "pt"}
    )


def head_width(path: Path) -> dict[str, int]:
    """The width of a Qwen3's attention head as the file has it: transformers 5.19 takes 128 for every one."""
    width = read_header(path).values.get("qwen3.attention.key_length")
    return {} if width is None else {"head_dim": int(width)}


def tokenizer_of(path: Path) -> Any:
    """The file's tokenizer, with the rule by which SmolLM splits text, which transformers 5.19 does not know.

    Digits stand alone before the rest is split as GPT-2 does: else "\\n\\n1" would be three tokens instead of two.
    """
    from tokenizers import pre_tokenizers
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    if read_header(path).values.get("tokenizer.ggml.pre") == "smollm":
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
    return tokenizer
