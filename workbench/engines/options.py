"""Settings that only one engine has, as data: a config holds them, and no engine is loaded for it."""

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from workbench.types import Capabilities

LOCAL = Capabilities(pruning=True, deterministic=True)
#: vLLM 0.32 follows LoRA alone, writes with plain weights where the trainer's are quantised, and tells log-probs after
#: top-p and top-k.
VLLM = Capabilities(
    pruning=True, full_weights=False, dora=False, embeddings=False, truncated_log_probs=False, same_weights=False
)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class LocalOptions:
    """How the local engine works: the table `[rollouts.local]`."""

    graphs: bool | None = Field(
        default=None, description="replay recorded CUDA graphs; left out: wherever steps can be recorded"
    )


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class VllmOptions:
    """How vLLM is set up: the table `[rollouts.vllm]`."""

    memory: int = Field(default=4 * 2**30, ge=2**20, le=2**50, description="bytes for keys and values")
    longest: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="most tokens of prompt and answer; left out: what model and memory allow",
    )
    eager: bool | None = Field(default=None, description="without compiled graphs; left out: on a CPU")
    sleep: bool = Field(default=False, description="give the GPU's memory back between two calls")
    gpu: str | None = Field(default=None, description="as CUDA_VISIBLE_DEVICES names it; left out: the trainer's own")
    patience: float = Field(
        default=600.0,
        gt=0,
        le=1e6,
        allow_inf_nan=False,
        description="seconds without a sign of life until it counts as hung",
    )
    prune: Literal["two_phase", "in_engine"] = Field(
        default="two_phase",
        description="pause all rollouts at the detection length, or stop them one by one inside vLLM",
    )
    top_logprobs: int = Field(default=0, ge=0, le=20, description="likeliest tokens told at every place of an answer")
