"""A member of the cast that is a frozen model in this process."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from workbench.kinds import Member
from workbench.types import Reply, Speaker
from workbench.types.asking import Failing


@dataclass(frozen=True)
class Local(Member):
    """A model that is loaded beside the policy and never trained; its weights count in the forecast.

    It reads log-probs, chooses and says. It is given texts, since its tokens are its own.
    """

    model: Annotated[str, Field(min_length=1, description="embedded, smollm2-135m, a Hub name, a folder, a .gguf file")]
    dtype: Annotated[Literal["float32", "bfloat16"], Field(description="type of its weights")] = "float32"
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Field(description="auto: a GPU if there is one")] = "auto"
    concurrent: Annotated[int, Field(ge=1, description="texts said at once")] = 32

    @property
    def loads(self) -> Mapping[str, Any]:
        return {"name": self.model, "dtype": self.dtype, "device": self.device}

    def check(self) -> list[str]:
        from workbench.models.spec import ModelSpec, check

        return [text.replace("model.", "cast.") for text in check(ModelSpec(**self.loads))]

    def open(self) -> Speaker:
        from workbench.cast.model import speaker_of
        from workbench.models.spec import ModelSpec

        try:
            return speaker_of(ModelSpec(**self.loads), self.concurrent)
        except ValueError as error:
            return Failing(Reply(fault=f"{self.model} cannot be loaded: {error}"))
