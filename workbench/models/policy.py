"""The model under training, behind the few questions that trainer and engines ask of it."""

import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from workbench.models import linear, packed, recompute
from workbench.models.encoder import TextEncoder
from workbench.models.spec import ModelSpec
from workbench.types import Row


class LocalPolicy:
    """A transformers causal language model in this process, its adapter if any, and its tokenizer.

    Satisfies `types.Policy`. Dropout is off in every pass. The *reference* is the model as it was loaded: the weights
    under the adapter (with the adapter as it was, where it started from a saved one), or a frozen copy that
    `keep_reference` makes.
    """

    def __init__(self, model: Any, encoder: TextEncoder, spec: ModelSpec) -> None:
        self.model: Any = model.eval()
        self.encoder = encoder
        self.spec = spec
        self.device: torch.device = next(model.parameters()).device
        #: Whether a layer does more than multiply by its weight and the adapter's product added to it.
        self.quantised = spec.quantisation is not None or (spec.lora is not None and spec.lora.dora)
        self.adapted: bool = spec.lora is not None
        onednn = any(isinstance(module, linear.OneDnnLinear) for module in model.modules())
        self.product = linear.product if onednn else F.linear  # how the linear layers multiply
        self._reference: Any = None  # a frozen copy of the causal model
        started = spec.lora is not None and spec.lora.start is not None
        self._start = {name: weight.detach().clone() for name, weight in self.trainable().items()} if started else {}
        self._present: Any = self.causal  # the causal model that is read: the policy, or inside `reference()` its copy
        self.check_head()

    @property
    def causal(self) -> Any:
        """The transformers causal model; with an adapter its layers carry the adapter's matrices."""
        return self.model.get_base_model() if self.adapted else self.model

    @property
    def config(self) -> Any:
        """The transformers configuration."""
        return self.causal.config

    def hidden(
        self, tokens: Int[Tensor, "row token"], positions: Int[Tensor, "row token"] | None = None
    ) -> Float[Tensor, "row token width"]:
        """Last hidden state after the final norm, of right-padded rows (causal: padding changes no earlier token)."""
        given = {} if positions is None else {"position_ids": positions}
        with recompute.recomputing(self._present):
            answer: Tensor = self._present.base_model(input_ids=tokens, use_cache=False, **given).last_hidden_state
        return answer

    def before(self, rows: Sequence[Row]) -> Float[Tensor, "n width"]:
        """The last hidden state before each completion token, row by row. Equal prompts are read once if possible."""
        if packed.suits(self.config):
            with recompute.recomputing(self._present):
                return packed.read(self._present, packed.pack(rows, self.device))
        return packed.read_padded(self.hidden, rows, self.device)

    def logits(self, hidden: Float[Tensor, "n width"]) -> Float[Tensor, "n vocabulary"]:
        """The output head; formed in the weights' type, returned in float32."""
        answer: Tensor = self._present.get_output_embeddings()(hidden)
        return answer.float()

    def trainable(self) -> dict[str, nn.Parameter]:
        """Parameters under training, by name: all of them, or the adapter's."""
        return {name: weight for name, weight in self.model.named_parameters() if weight.requires_grad}

    def keep_reference(self) -> None:
        """Copies the present weights as the reference; needed before training where there is no adapter."""
        if not self.adapted:
            self._reference = copy.deepcopy(self.causal).requires_grad_(False)

    @contextlib.contextmanager
    def reference(self) -> Iterator[None]:
        """Within it `hidden` and `logits` are the reference's, without gradient."""
        if not self.adapted and self._reference is None:
            raise ValueError("there is no reference: call policy.keep_reference() before training, or train with LoRA")
        present = self._present
        with torch.no_grad(), self.as_loaded():
            self._present = self.causal if self.adapted else self._reference
            try:
                yield
            finally:
                self._present = present

    @contextlib.contextmanager
    def as_loaded(self) -> Iterator[None]:
        """Within it the adapter is off, or as it was before training where it did not start at zero."""
        if not self._start:
            with self.model.disable_adapter() if self.adapted else contextlib.nullcontext():
                yield
            return
        own = self.trainable()
        present = {name: weight.data for name, weight in own.items()}
        for name, weight in self._start.items():
            own[name].data = weight
        try:
            yield
        finally:
            for name, weight in present.items():
                own[name].data = weight

    @torch.no_grad()
    def check_head(self) -> None:
        """Raises unless head(hidden) are the model's own logits: some models scale or cap them afterwards."""
        tokens = torch.arange(4, device=self.device)[None] % self.config.vocab_size
        own = self.causal(input_ids=tokens, use_cache=False).logits[0].float()
        difference = float((self.logits(self.hidden(tokens)[0]) - own).abs().max())
        if not difference <= 1e-3 * (1 + float(own.abs().max())):
            raise ValueError(
                f"model type {self.config.model_type!r}: its logits are not its head times the hidden state (they "
                f"differ by {difference:.3g}), which training needs; take a model without logit scaling or capping"
            )
