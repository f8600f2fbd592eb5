"""From a ModelSpec to a policy."""

import contextlib
import copy
import functools
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from workbench.models import linear, norm, recompute
from workbench.models.encoder import TextEncoder
from workbench.models.gguf.convert import converted
from workbench.models.policy import LocalPolicy
from workbench.models.spec import LoraSpec, ModelSpec, check, check_place, gguf_file

# bitsandbytes looks for a faster CPU kernel when it is imported, and warns where there is none; ours needs none
logging.getLogger("bitsandbytes.backends.cpu.ops").addFilter(lambda record: "gemm_4bit_forward" not in str(record.msg))
#: Of config.json; transformers puts numbers of its own in the place of what is missing, those of another model.
SHAPE = ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")


def load_policy(spec: ModelSpec, *, seed: int = 0) -> LocalPolicy:
    """The model, its adapter and its tokenizer; `seed` draws a new adapter's weights."""
    problems = check(spec)
    if problems:
        raise ValueError("\n".join(problems))
    model = load_model(spec)
    if spec.lora is None:
        model.requires_grad_(True)
    else:
        model = add_adapter(model, spec.lora, seed)
        if spec.lora.start is not None:
            start_adapter(model, spec.lora.start)
    if wants_onednn(spec, model):
        linear.use_onednn(model)
    norm.use_norm(model)
    if spec.lora is not None:
        from workbench.models.lora import add_in_place

        add_in_place(model)
    if spec.gradient_checkpointing:
        recompute.enable(model.get_base_model() if spec.lora is not None else model)
    return LocalPolicy(model, load_encoder(spec, model), spec)


def pick_device(spec: ModelSpec) -> torch.device:
    """The device a spec means here."""
    if spec.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    present = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not present[spec.device]:
        raise ValueError(f"model.device = {spec.device!r}: torch finds no such device here; set model.device = 'auto'")
    return torch.device(spec.device)


def load_model(spec: ModelSpec) -> Any:
    """The transformers causal model on its device."""
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    device = pick_device(spec)
    options: dict[str, Any] = {"dtype": getattr(torch, spec.dtype), "attn_implementation": spec.attention}
    if spec.quantisation is not None:
        options |= {"quantization_config": quantiser(spec), "device_map": {"": device}}
    if spec.local:
        disable_progress_bar()  # no progress bar for local files; downloads keep theirs
    options["trust_remote_code"] = spec.trust_remote_code
    try:
        model = AutoModelForCausalLM.from_pretrained(source(spec), **options)
    except (OSError, SafetensorError) as error:
        raise unreadable(spec, "its weights", error) from None
    if spec.quantisation is None:
        return model.to(device)
    keep_differentiable(model)
    return model


def keep_differentiable(model: Any) -> None:
    """Keeps bitsandbytes 0.50 from repacking 4-bit weights on CPUs with AVX-512 in bfloat16.

    The product of that packing has no gradient of its input, and torch only warns of it: no layer below would be
    trained.
    """
    from bitsandbytes.nn import Linear4bit

    for module in model.modules():
        if isinstance(module, Linear4bit):
            module.support_avx512bf16_for_cpu = False


def architecture(spec: ModelSpec) -> Any:
    """The transformers configuration; ValueError where there is none to read, or not a whole one."""
    return copy.deepcopy(read_architecture(spec))


@functools.lru_cache(maxsize=32)
def read_architecture(spec: ModelSpec) -> Any:
    """The same, shared by all who ask: not to be changed."""
    from transformers import AutoConfig, PreTrainedConfig

    problems = check_place(spec)  # asks the Hub once, where transformers would try for half a minute
    if problems:
        raise ValueError("\n".join(problems))
    try:
        config = AutoConfig.from_pretrained(source(spec), trust_remote_code=spec.trust_remote_code)
        written, _ = PreTrainedConfig.get_config_dict(source(spec))
    except (OSError, ValueError) as error:
        raise unreadable(spec, "its config.json", error) from None
    names = {name: config.attribute_map.get(name, name) for name in SHAPE if getattr(config, name, None) is not None}
    missing = [name for name, own in names.items() if not {name, own} & written.keys()]
    if missing and "text_config" not in written:
        raise ValueError(
            f"model.name = {spec.name!r}: its config.json lacks {', '.join(missing)}; put back the file that came with "
            "the model"
        )
    return config


def unreadable(spec: ModelSpec, what: str, error: Exception) -> ValueError:
    """What to raise where a file of the model's cannot be read; a model with terms to accept needs other help."""
    from huggingface_hub.errors import GatedRepoError

    if isinstance(error, GatedRepoError) or isinstance(error.__cause__, GatedRepoError):
        return ValueError(
            f"model.name = {spec.name!r}: {what} cannot be read without leave: accept the model's terms at "
            f"https://huggingface.co/{spec.name}, then log in with: hf auth login"
        )
    why = " ".join(str(error).split())
    remedy = "give a folder written by save_pretrained, or a name on the Hub that can be reached from here"
    if "trust_remote_code" in why:
        remedy = "if you trust that code, set model.trust_remote_code = true"
    return ValueError(
        f"model.name = {spec.name!r}: {what} cannot be read ({why[:200]}{'…' if len(why) > 200 else ''}); {remedy}"
    )


def source(spec: ModelSpec) -> str:
    """What `from_pretrained` is given: a folder without `~`, or a Hub name; of a GGUF file the converted folder."""
    if spec.gguf:
        return str(converted(gguf_file(spec)))
    return str(Path(spec.source).expanduser()) if spec.local else spec.source


def quantiser(spec: ModelSpec) -> Any:
    """bitsandbytes' settings."""
    from transformers import BitsAndBytesConfig

    if spec.quantisation == "int8":
        return BitsAndBytesConfig(load_in_8bit=True)
    compute = getattr(torch, spec.dtype)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=compute,
        bnb_4bit_use_double_quant=spec.double_quantisation,
    )


def add_adapter(model: Any, lora: LoraSpec, seed: int) -> Any:
    """The model with a fresh adapter; its second matrices are zero, so that it returns as before."""
    from peft import LoraConfig, get_peft_model

    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        target_modules=targets,
        use_rslora=lora.rslora,
        use_dora=lora.dora,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng(), quiet_peft():
        torch.manual_seed(seed)
        try:
            return get_peft_model(model, config)
        except ValueError as error:  # peft's message does not name the config's field
            raise ValueError(
                f"model.lora.targets = {lora.targets!r}: {' '.join(str(error).split())[:200]}; "
                f"this model's linear layers are called {', '.join(linear.names(model))}"
            ) from None


@contextlib.contextmanager
def quiet_peft() -> Iterator[None]:
    """Within it peft does not warn of what is seen to here.

    Embeddings and head that share a table: `export` parts them, and engines are compared with the trainer. The layout
    of GPT-2's layers: peft sets it right by itself.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Model (has|with) `tie_word_embeddings=True`")
        warnings.filterwarnings("ignore", message="fan_in_fan_out is set to")
        yield


def start_adapter(model: Any, folder: str) -> None:
    """Puts the weights of a saved adapter in place of the fresh ones; ValueError where they do not fit."""
    from peft import set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = Path(folder).expanduser() / "adapter_model.safetensors"
    try:
        weights = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ValueError(f"model.lora.start: {file} cannot be read ({error}); give a folder that peft wrote") from None
    try:
        answer = set_peft_model_state_dict(model, weights)
    except RuntimeError as error:  # torch's word for shapes that differ
        raise ValueError(
            f"model.lora.start: {file} is of another model ({str(error).splitlines()[-1].strip()})"
        ) from None
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    odd = [*answer.unexpected_keys, *(name for name in answer.missing_keys if name in trained)]
    if odd:
        raise ValueError(f"model.lora.start: {file} is of another model or other targets: {', '.join(odd[:3])} …")


def wants_onednn(spec: ModelSpec, model: Any) -> bool:
    """Whether the model's products go to oneDNN."""
    if spec.linear == "auto":
        suits = spec.dtype == "float32" and spec.quantisation is None and next(model.parameters()).device.type == "cpu"
        return suits and linear.available()
    return spec.linear == "onednn"


def load_encoder(spec: ModelSpec, model: Any) -> TextEncoder:
    """The tokenizer, with the tokens that end a completion: its own first, then those of the generation settings."""
    tokenizer = load_tokenizer(spec)
    ends = getattr(model.generation_config, "eos_token_id", None)
    ends = ends if isinstance(ends, list) else [ends]
    stop = [token for token in dict.fromkeys([tokenizer.eos_token_id, *ends]) if token is not None]
    return encoder_of(spec, tokenizer, stop)


def text_encoder(spec: ModelSpec) -> TextEncoder:
    """The tokenizer before any weight is read: it knows no token that ends an answer. Kept until its files change."""
    return text_encoder_as_of(spec, files_version(spec))


@functools.lru_cache(maxsize=4)
def text_encoder_as_of(spec: ModelSpec, version: object) -> TextEncoder:
    """The same, for files of one version."""
    del version
    return encoder_of(spec, load_tokenizer(spec), ())


def files_version(spec: ModelSpec) -> tuple[tuple[str, int, int], ...]:
    """Name, time of change and size of a local model's text files; empty for a model of the Hub's."""
    files = [*Path(source(spec)).glob("*.json"), *Path(source(spec)).glob("*.jinja")] if spec.local else []
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in sorted(files))


def encoder_of(spec: ModelSpec, tokenizer: Any, stop: Sequence[int]) -> TextEncoder:
    """A tokenizer with the spec's way of putting a question."""
    chat = bool(tokenizer.chat_template) if spec.chat == "auto" else spec.chat
    return TextEncoder(tokenizer, chat=chat, system=spec.system, thinking=spec.thinking, stop=stop)


def load_tokenizer(spec: ModelSpec) -> Any:
    """The tokenizer of transformers; ValueError where there is none."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(source(spec), trust_remote_code=spec.trust_remote_code)
    except (OSError, ValueError) as error:
        raise unreadable(spec, "its tokenizer", error) from None
    if not tokenizer("1 + 1 = ?")["input_ids"]:  # transformers makes an empty one where the files are missing
        raise ValueError(
            f"model.name = {spec.name!r}: there is no tokenizer beside the weights; put the files there that came with "
            "the model, tokenizer.json above all"
        )
    return tokenizer
