"""The adapter that vLLM uses: copied from the policy after each update, passed on as peft's files."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import safetensors.torch

from workbench.engines.base import ModulePolicy

LARGEST_RANK = 512  # of an adapter, in vLLM


@runtime_checkable
class AdaptedPolicy(ModulePolicy, Protocol):
    """A policy that may train an adapter; `models.policy.LocalPolicy` is one."""

    @property
    def spec(self) -> Any:
        """What it was loaded from."""

    @property
    def adapted(self) -> bool:
        """Whether it trains an adapter."""

    @property
    def model(self) -> Any:
        """peft's model, if it trains an adapter."""


@dataclass(frozen=True)
class Adapter:
    """A copy of an adapter: what peft would save."""

    number: int
    weights: bytes  # of a safetensors file
    config: Any  # peft's

    @classmethod
    def of(cls, policy: AdaptedPolicy, number: int) -> "Adapter":
        """The policy's adapter, copied."""
        from peft import get_peft_model_state_dict

        state = get_peft_model_state_dict(policy.model, save_embedding_layers=False)
        plain = {name: value.detach().contiguous().cpu() for name, value in state.items()}
        return cls(number, safetensors.torch.save(plain, {"format": "pt"}), policy.model.peft_config["default"])

    @contextmanager
    def written(self) -> Iterator[Path]:
        """A temporary folder with peft's two files. ValueError if they cannot be written."""
        with ExitStack() as stack:
            try:
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="adapter-")))
                (folder / "adapter_model.safetensors").write_bytes(self.weights)
                self.config.save_pretrained(str(folder))
            except OSError as error:
                raise ValueError(
                    f"the adapter for vLLM could not be written ({error.strerror}): make room for "
                    f"{len(self.weights) / 2**20:.0f} MB in the folder for temporary files, or set TMPDIR to another"
                ) from None
            yield folder


def refuse(policy: AdaptedPolicy) -> None:
    """Raises ValueError for a policy that vLLM cannot follow."""
    if not policy.adapted:
        raise ValueError("vLLM follows an adapter, and all weights are trained: set model.lora, or engine = 'local'")
    config = policy.model.peft_config["default"]
    if config.use_dora:
        raise ValueError("vLLM has no DoRA: leave out model.lora.dora, or set rollouts.engine = 'local'")
    if config.r > LARGEST_RANK:
        raise ValueError(f"model.lora.rank = {config.r}: vLLM takes at most {LARGEST_RANK}; set less")
