"""Steps recorded once and replayed: on a GPU the many small calls of a decoding step take longer than its arithmetic.

A recording is bound to shapes and to places in memory. So rows and lengths are rounded up to buckets, with a recording
for each pair of buckets in use. Rows beyond the live ones write into their own memory at their last position, and
nothing of theirs is read. The decoder's weights keep their addresses; if one has moved, everything is recorded again.

Every row holds its own context here. Shared contexts would make their number, their lengths and the rows of each part
of the shapes, and add about eight calls per layer, which take longer than reading a prompt of usual length again.

Sampling is not recorded: its calls are queued while the recording runs, its tables [row, vocabulary] are freed after
it, and recordings serve every temperature.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.engines.local.decoder import ROTARY, Decoder, rotary
from workbench.engines.local.rows import Rows

Step = Callable[[], Tensor]
Recorder = Callable[[Step], Step]  # returns a step that repeats the work in the same memory

FEWEST_ROWS, FEWEST_TOKENS = 8, 64  # the smallest buckets: below these a step is hardly faster
WARM_UPS = 2  # a first pass chooses kernels and makes workspaces, which may not be recorded
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts")  # their names in configurations


def obstacle(causal: Any, device: torch.device) -> str | None:
    """Why a transformers model's steps cannot be recorded; None if they can.

    What may not happen in a step is that Python looks at a number on the device. bitsandbytes' 8-bit layers look for
    outliers; its 4-bit layers do not. Some rotary embeddings look at the longest text, mixtures of experts at who is
    asked. Of the others transformers says which run without (`_can_compile_fullgraph`).
    """
    config = causal.config
    if device.type != "cuda":
        return f"steps are recorded on NVIDIA GPUs only, and the model is on {device.type}"
    if getattr(causal, "is_loaded_in_8bit", False):
        return "bitsandbytes' 8-bit layers cannot be recorded"
    if rotary(config) not in ROTARY:
        return f"rotary embeddings of type {rotary(config)!r} cannot be recorded"
    if not causal._can_compile_fullgraph or any(getattr(config, name, None) for name in EXPERTS):
        return f"models of type {config.model_type!r} cannot be recorded"
    return None


def bucket(number: int, fewest: int, most: int) -> int:
    """A number rounded up to a power of two or three quarters of one, within bounds.

    >>> [bucket(number, 8, 100) for number in (1, 9, 13, 17, 90, 97)]
    [8, 12, 16, 24, 96, 100]
    """
    power = 1 << (number - 1).bit_length()
    return min(max(power * 3 // 4 if number <= power * 3 // 4 else power, fewest), most)


class CudaGraphs:
    """Records as CUDA graphs, which share one pool of memory: they never run at the same time."""

    def __init__(self, device: torch.device) -> None:
        self.device, self.stream = device, torch.cuda.Stream(device)
        self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, step: Step) -> Step:
        """See `Recorder`; ValueError with the remedy where CUDA refuses something that the step does."""
        try:
            return self.record(step)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise ValueError(
                f"a decoding step cannot be recorded as a CUDA graph ({str(error).splitlines()[0]}): set "
                "rollouts.local.graphs = false"
            ) from error

    def record(self, step: Step) -> Step:
        """Warms up, then records."""
        with torch.cuda.device(self.device):
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                for _ in range(WARM_UPS):
                    step()
            graph = torch.cuda.CUDAGraph()
            # other threads of the process may keep using the GPU
            with torch.cuda.graph(graph, self.pool, self.stream, capture_error_mode="thread_local"):
                answer = step()
            torch.cuda.current_stream().wait_stream(self.stream)

        def replay() -> Tensor:
            graph.replay()
            return answer

        return replay


class Recordings:
    """A decoder's steps over certain rows, by buckets of rows and of tokens held."""

    def __init__(self, decoder: Decoder, rows: Rows, recorder: Recorder) -> None:
        self.decoder, self.rows, self.recorder, self.place = decoder, rows, recorder, decoder.place()
        self.tokens = torch.zeros(rows.rows, dtype=torch.int64, device=rows.shape.device)  # that are read next
        self.steps: dict[tuple[int, int], Step] = {}
        self.record(rows.rows, rows.tokens)  # the largest first: what it needs of memory is enough for all

    def record(self, count: int, longest: int) -> None:
        """Records the step of the first `count` rows, which hold at most `longest` tokens."""
        tokens = self.tokens[:count]
        self.steps[count, longest] = self.recorder(lambda: self.decoder.step(self.rows, tokens, longest))

    def replay(self, tokens: Int[Tensor, " row"], longest: int) -> Float[Tensor, "row width"]:
        """See `Decoder.step`."""
        count = len(tokens)
        self.tokens[:count] = tokens
        size = bucket(count, FEWEST_ROWS, self.rows.rows), bucket(longest, FEWEST_TOKENS, self.rows.tokens)
        if size not in self.steps:
            self.record(*size)
        return self.steps[size]()[:count]


class GraphDecoder(Decoder):
    """Another decoder with recorded steps; `recorder` makes a new recorder for the recordings over certain rows."""

    def __init__(self, decoder: Decoder, recorder: Callable[[], Recorder]) -> None:
        super().__init__(decoder.policy)
        self.decoder, self.recorder = decoder, recorder
        self.recordings: Recordings | None = None

    def sync(self) -> None:
        """See `Decoder.sync`."""
        self.decoder.sync()

    def reserve(self, tokens: int) -> None:
        """See `Decoder.reserve`; drops the recordings where what they read has moved."""
        self.decoder.reserve(tokens)
        if self.recordings is not None and self.recordings.place != self.decoder.place():
            self.release()

    def release(self) -> None:
        """See `Decoder.release`."""
        self.recordings = None
        self.decoder.release()

    def place(self) -> tuple[int, ...]:
        """See `Decoder.place`."""
        return self.decoder.place()

    def prefill(self, contexts: Sequence[Sequence[int]]) -> list[Float[Tensor, "layer 2 head _ width"]]:
        """See `Decoder.prefill`."""
        return self.decoder.prefill(contexts)

    def step(self, rows: Rows, tokens: Int[Tensor, " row"], longest: int) -> Float[Tensor, "row width"]:
        """See `Decoder.step`; the answer is overwritten by a later step."""
        if self.recordings is None or self.recordings.rows is not rows:
            self.release()
            self.recordings = Recordings(self.decoder, rows, self.recorder())
        return self.recordings.replay(tokens, longest)
