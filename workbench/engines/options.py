"""Settings of single engines, as data: a config holds them, and no engine is loaded for it."""

from typing import Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from workbench.types import Capabilities

LOCAL = Capabilities(pruning=True, deterministic=True)
#: vLLM 0.32 follows LoRA adapters only, uses unquantised weights where the trainer's are quantised, and returns
#: log-probs after top-p and top-k.
VLLM = Capabilities(
    pruning=True, full_weights=False, dora=False, embeddings=False, truncated_log_probs=False, same_weights=False
)


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class LocalOptions:
    """Settings of the local engine: the table `[rollouts.local]`."""

    graphs: bool | None = Field(
        default=None, description="replay decoding steps as CUDA graphs; none: where they can be recorded"
    )


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class VllmOptions:
    """Settings of vLLM: the table `[rollouts.vllm]`."""

    memory: int = Field(default=4 * 2**30, ge=2**20, le=2**50, description="bytes for keys and values")
    longest: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="maximum tokens of prompt and completion; none: what model and memory allow",
    )
    eager: bool | None = Field(default=None, description="run without compiled graphs; none: on a CPU only")
    sleep: bool = Field(default=False, description="free the GPU's memory between two calls")
    gpu: str | None = Field(default=None, description="GPU, as in CUDA_VISIBLE_DEVICES; none: the trainer's")
    patience: float = Field(
        default=600.0,
        gt=0,
        le=1e6,
        allow_inf_nan=False,
        description="seconds without a message after which the process counts as hung",
    )
    prune: Literal["two_phase", "in_engine"] = Field(
        default="two_phase",
        description="stop rollouts in a phase of their own, or during generation inside vLLM",
    )
    top_logprobs: int = Field(default=0, ge=0, le=20, description="top-k tokens to return at every position")
