"""The local engine: generates rollouts with a transformers model in this process.

Keys and values lie in preallocated rows; a problem is read once and shared by its group; rows stand at different
positions; finished and pruned rows leave at once, their places are refilled with waiting rollouts or closed up. So no
step is spent on a rollout that is done.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from workbench.engines.base import ModulePolicy, check_pruner, jobs_of, longest_of, rollout_of
from workbench.engines.local.decoder import Decoder, ModuleDecoder
from workbench.engines.local.fused import FusedDecoder, suits
from workbench.engines.local.graphs import CudaGraphs, GraphDecoder, obstacle
from workbench.engines.local.loop import Loop, Order
from workbench.engines.local.rows import Binder, Rows
from workbench.engines.local.shared import Shared
from workbench.engines.options import LOCAL, LocalOptions
from workbench.types import Policy, Request, Rollout, Sampling

#: Rows are made this many tokens longer than needed, rounded up, so that the next call can use them again.
ROUND = 64
Kind = Literal["auto", "fused", "modules"]


class LocalEngine:
    """Satisfies `types.Engine`. `concurrent`: most rollouts at once. `memory`: most bytes for keys and values.

    `decoder`: "fused" joins the weights of Llama-like models into a copy, "modules" runs the transformers model's own
    forward pass; "auto" takes fused where the copy is possible and at most `fused.COPY_LIMIT`. `binder` makes what
    moves rows; see `rows.Rows`. Steps are recorded and replayed wherever they can be, see `graphs.obstacle`, unless
    `options.graphs` says otherwise.
    """

    capabilities = LOCAL

    def __init__(
        self,
        policy: ModulePolicy,
        *,
        concurrent: int = 256,
        memory: int = 4 * 2**30,
        decoder: Kind = "auto",
        binder: Binder | None = None,
        options: LocalOptions = LocalOptions(),
    ) -> None:
        refuse(policy)
        if concurrent < 1:
            raise ValueError(f"concurrent={concurrent}: the engine needs at least one row; set concurrent=1 or more")
        self.policy, self.concurrent, self.memory, self.binder = policy, concurrent, memory, binder
        with torch.no_grad():
            self.decoder = make_decoder(policy, decoder, options.graphs)
            verify(self.decoder, binder)
        self.rows: Rows | None = None

    @torch.no_grad()
    def generate(self, requests: Sequence[Request], sampling: Sampling, pruner: Any = None) -> list[Rollout]:
        """All rollouts of all requests, in the order of the requests; `pruner` is a `BoundPruner`."""
        check_pruner(pruner)
        jobs = jobs_of(requests, sampling, own_temperatures=True)
        if not jobs:
            return []
        longest = longest_of(jobs, self.policy.config)
        self.decoder.reserve(longest)
        sharing = self.decoder.shares and len(jobs) >= 2 * len({job.context for job in jobs})
        held = max(job.limit - len(job.tokens) + 1 for job in jobs) if sharing else longest
        Loop(self.decoder, self.make_rows(len(jobs), held), Order(jobs, sampling, pruner), sharing=sharing).run()
        texts = self.policy.encoder.texts([job.tokens for job in jobs])
        return [rollout_of(job, text) for job, text in zip(jobs, texts, strict=True)]

    def make_rows(self, jobs: int, longest: int) -> Rows:
        """Rows for `jobs` rollouts of `tokens` tokens: those of the last call, if they are large enough."""
        tokens = -(-longest // ROUND) * ROUND
        affordable = self.memory // (tokens * self.decoder.shape.token_bytes())
        if affordable < 1:
            raise ValueError(
                f"memory={self.memory} bytes hold no row of {tokens} tokens: raise it, or lower max_tokens"
            )
        count = min(self.concurrent, jobs, affordable)
        if self.rows is None or self.rows.rows < count or self.rows.tokens < tokens or self.rows.rows > affordable:
            self.sleep()  # before the new rows are made: both at once may not fit
            self.rows = Rows(self.decoder.shape, count, tokens, self.binder)
        return self.rows

    @torch.no_grad()
    def sync(self, policy: Policy) -> None:
        """Takes the policy's current weights; it must be the policy the engine was made with."""
        if policy is not self.policy:
            raise ValueError("the local engine shares its policy's weights: make a new engine for another policy")
        self.decoder.sync()

    def sleep(self) -> None:
        """Frees the rows' memory until the next call, and what the decoder keeps for them."""
        self.rows = None
        self.decoder.release()

    def wake(self) -> None:
        """Nothing to do: rows are made when they are needed."""

    def close(self) -> None:
        """Frees all memory."""
        self.sleep()


def make_decoder(policy: ModulePolicy, kind: Kind, graphs: bool | None) -> Decoder:
    """The decoder that is asked for, see `LocalEngine`; raises ValueError where its steps cannot be recorded."""
    against = obstacle(policy.causal, policy.device)
    if graphs and against is not None:
        raise ValueError(f"rollouts.local.graphs = true: {against}; leave it out, or set it to false")
    fused = suits(policy) if kind == "auto" else kind == "fused"
    decoder = FusedDecoder(policy) if fused else ModuleDecoder(policy)
    if graphs is False or against is not None:
        return decoder
    return GraphDecoder(decoder, lambda: CudaGraphs(policy.device))


def refuse(policy: ModulePolicy) -> None:
    """Raises ValueError for a model whose memory is more than the keys and values of every token."""
    config = policy.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    window = getattr(config, "sliding_window", None) if not getattr(config, "layer_types", None) else None
    if getattr(config, "use_sliding_window", True) is False:
        window = None
    recurrent = bool(getattr(policy.causal, "_is_stateful", False)) or not getattr(config, "num_attention_heads", None)
    if kinds != {"full_attention"} or window is not None or recurrent or getattr(config, "is_encoder_decoder", False):
        found = ", ".join(sorted(kinds - {"full_attention"})) or ("sliding window" if window else "no plain attention")
        raise ValueError(
            f"model type {config.model_type!r} has layers that the local engine cannot keep rows for ({found}): "
            "set rollouts.engine = 'generate'"
        )


def verify(decoder: Decoder, binder: Binder | None = None) -> None:
    """Raises ValueError unless the decoder's logits, over rows prefilled, moved and stepped, are the model's."""
    vocabulary = decoder.policy.config.vocab_size
    texts = [[(3 * place + 5 * row) % vocabulary for place in range(9 + row)] for row in range(3)]
    pairs = decoder.prefill([text[:-3] for text in texts])
    decoder.reserve(16)
    for sharing in {False, decoder.shares}:
        rows = Rows(decoder.shape, 4, 16, binder)
        for row, text in ((0, 0), (2, 1), (3, 2)):
            if sharing:
                rows.follow(slice(row, row + 1), len(texts[text]) - 3)
            else:
                rows.load(slice(row, row + 1), pairs[text])
        rows.move([3], [1], [0 if sharing else len(texts[2]) - 3])
        order = (0, 2, 1)  # which text each row now holds
        if sharing:
            rows.shared = Shared(decoder.shape, pairs)
            rows.shared.arrange(np.array(order))
        for step in (-3, -2, -1):
            tokens = torch.tensor([texts[text][step] for text in order], device=decoder.shape.device)
            hidden = decoder.step(rows, tokens, 4 + step if sharing else len(texts[-1]) + step + 1)
            rows.advance(len(order))
            for found, text in zip(decoder.policy.logits(hidden), order, strict=True):
                compare(decoder, found, texts[text][: len(texts[text]) + step + 1])
    decoder.release()


def compare(decoder: Decoder, written: torch.Tensor, text: list[int]) -> None:
    """Raises unless logits [vocabulary] are the model's after a text, as far as the weights' type allows."""
    known = torch.tensor([text], device=decoder.shape.device)
    expected = decoder.policy.causal(input_ids=known, use_cache=False).logits[0, -1].float()
    exact = decoder.shape.dtype in (torch.float32, torch.float64) and not decoder.policy.quantised
    tolerance = 1e-3 if exact else 0.1
    difference = float((written - expected).abs().max())
    if not difference <= tolerance * (1 + float(expected.abs().max())):
        raise ValueError(
            f"{type(decoder).__name__} does not reproduce model type {decoder.policy.config.model_type!r}: logits "
            f"differ by {difference:.3g}; set rollouts.engine = 'generate'"
        )
