"""One call of the local engine: rows are admitted, stepped, and removed."""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench import random_numbers
from workbench.engines.base import Job
from workbench.engines.detection import Detection
from workbench.engines.local.decoder import Decoder
from workbench.engines.local.rows import Rows, holes
from workbench.engines.local.shared import Shared
from workbench.engines.sampling import draw, draw_each
from workbench.kinds import BoundPruner
from workbench.types import Sampling

PREFILL_TOKENS = 8192  # maximum number of padded tokens of a prefill pass
REFILL_SHARE = 8  # rows are refilled once 1/8 of them is free, since each prefill pass has a fixed cost


@dataclass(frozen=True)
class Order:
    """The input of one call."""

    jobs: Sequence[Job]
    sampling: Sampling
    pruner: BoundPruner | None = None


class Loop:
    """The live rollouts, in the first `len(self.live)` rows, and the waiting ones.

    With `sharing` contexts are held once, else every row holds its own. The host knows every row's lengths without
    asking the device; what it fetches each step, and waits for, are the tokens drawn.
    """

    def __init__(self, decoder: Decoder, rows: Rows, order: Order, *, sharing: bool) -> None:
        self.decoder, self.rows, self.sampling, self.sharing = decoder, rows, order.sampling, sharing
        self.waiting = deque(sorted(order.jobs, key=lambda job: job.request.group) if order.pruner else order.jobs)
        self.uses = Counter(job.context for job in order.jobs)  # how many rollouts still need a prefilled context
        self.contexts: dict[tuple[int, ...], Tensor] = {}
        self.live: list[Job] = []
        self.detection = Detection(order.pruner, order.jobs, order.sampling) if order.pruner else None
        self.stops = np.array(order.sampling.stop or decoder.policy.encoder.stop, dtype=np.int64)
        self.next = torch.zeros(rows.rows, dtype=torch.int64, device=rows.shape.device)  # tokens to be read
        self.key = np.zeros(rows.rows, dtype=np.uint64)  # of the random numbers
        self.held, self.count, self.limit, self.context = np.zeros((4, rows.rows), dtype=np.int64)
        # tokens in a row's own memory · tokens of its completion, prefix included · their maximum · its shared context
        self.temperature = np.full(rows.rows, order.sampling.temperature)
        self.varied = any(job.request.temperature is not None for job in order.jobs)
        width = max(job.limit for job in order.jobs)
        self.written = np.full((3, rows.rows, width), np.nan)  # token, engine and sampled log-prob
        rows.shared = None

    def run(self) -> None:
        """Generates every rollout to its end."""
        while self.live or self.waiting:
            self.refill()
            self.step()

    def refill(self) -> None:
        """Gives free rows to waiting rollouts."""
        free = self.rows.rows - len(self.live)
        if not self.waiting or (self.live and free < max(1, self.rows.rows // REFILL_SHARE)):
            return
        taken = self.take(free)
        if not taken:  # the next group does not fit yet
            return
        self.prefill(taken)
        self.admit(taken)
        if self.sharing:
            numbers = {
                context: number for number, context in enumerate(dict.fromkeys(job.context for job in self.live))
            }
            self.rows.shared = Shared(self.rows.shape, [self.contexts[context] for context in numbers])
            self.context[: len(self.live)] = [numbers[job.context] for job in self.live]
            self.rows.shared.arrange(self.context[: len(self.live)])

    def take(self, free: int) -> list[Job]:
        """The next waiting rollouts. With a pruner only whole groups are taken, unless a group exceeds all rows."""
        if self.detection is None:
            return [self.waiting.popleft() for _ in range(min(free, len(self.waiting)))]
        taken: list[Job] = []
        sizes = Counter(job.request.group for job in self.waiting)
        while self.waiting:
            size = sizes[self.waiting[0].request.group]
            if len(taken) + size > free and (taken or self.live):
                break
            taken += [self.waiting.popleft() for _ in range(min(size, free - len(taken)))]
        return taken

    def prefill(self, taken: Sequence[Job]) -> None:
        """Prefills the contexts that these rollouts need and that are not held yet, all but the last token of each."""
        wanted = [context for context in dict.fromkeys(job.context for job in taken) if context not in self.contexts]
        wanted.sort(key=len)
        while wanted:
            # sorted by length: the last of a chunk sets its width
            size = len(wanted)
            while size > 1 and size * len(wanted[size - 1]) > PREFILL_TOKENS:
                size -= 1
            chunk, wanted = wanted[:size], wanted[size:]
            answers = self.decoder.prefill([context[:-1] for context in chunk])
            self.contexts.update(zip(chunk, answers, strict=True))

    def admit(self, taken: Sequence[Job]) -> None:
        """Puts rollouts into the first free rows; the next step reads the last token of each context."""
        first = len(self.live)
        rows = slice(first, first + len(taken))
        self.live += taken
        self.next[rows] = torch.tensor([job.context[-1] for job in taken])
        numbers, indices = np.array([(job.request.number, job.index) for job in taken]).T
        self.key[rows] = random_numbers.keys(self.sampling.seed, self.sampling.step, numbers, indices)
        self.held[rows] = [0 if self.sharing else len(job.context) - 1 for job in taken]
        self.count[rows] = [len(job.tokens) for job in taken]
        self.limit[rows] = [job.limit for job in taken]
        given = [job.request.temperature for job in taken]
        self.temperature[rows] = [self.sampling.temperature if own is None else own for own in given]
        for context, together in groupby(taken, key=lambda job: job.context):
            rows = slice(first, first := first + len(list(together)))
            if self.sharing:
                self.rows.follow(rows, len(context) - 1)
            else:
                self.rows.load(rows, self.contexts[context])
                self.release(context, rows.stop - rows.start)
        for row, job in enumerate(taken, start=len(self.live) - len(taken)):
            if job.tokens:
                self.written[:, row, : len(job.tokens)] = job.tokens, job.engine_logprob, job.sampled_logprob

    def release(self, context: tuple[int, ...], count: int = 1) -> None:
        """Counts `count` rollouts that no longer need a prefilled context, and frees it when none does."""
        self.uses[context] -= count
        if not self.uses[context]:
            del self.contexts[context]

    def step(self) -> None:
        """Reads one token of every live row and samples the next."""
        count = len(self.live)
        hidden = self.decoder.step(self.rows, self.next[:count], int(self.held[:count].max()) + 1)
        self.rows.advance(count)
        self.held[:count] += 1
        hidden = self.judge(hidden)
        count = len(self.live)
        if not count:
            return
        uniform = upload(random_numbers.uniforms(self.key[:count], self.count[:count]), hidden.device)
        logits = self.decoder.policy.logits(hidden)
        if self.varied:
            drawn = draw_each(logits, uniform, self.sampling, upload(self.temperature[:count], hidden.device))
        else:
            drawn = draw(logits, uniform, self.sampling)
        self.next[:count] = drawn.token
        fetched = torch.stack((drawn.token.double(), drawn.engine_logprob.double(), drawn.sampled_logprob.double()))
        fetched_here = fetched.cpu().numpy()
        self.written[:, np.arange(count), self.count[:count]] = fetched_here
        self.count[:count] += 1
        stopped = np.isin(fetched_here[0].astype(np.int64), self.stops)
        self.leave(stopped, stopped | (self.count[:count] >= self.limit[:count]))

    def judge(self, hidden: Tensor) -> Tensor:
        """Calls the pruner for groups at a detection length; returns the hidden states of the rows that stay."""
        if self.detection is None:
            return hidden
        for row in np.flatnonzero(np.isin(self.count[: len(self.live)], self.detection.pruner.detection_lengths)):
            job = self.live[row]
            if self.count[row] > len(job.request.prefix):
                self.save(int(row))
                self.detection.see(job, hidden[row].clone())  # a replayed step returns its result in the same memory
        self.detection.judge()
        pruned = np.array([job.finish == "pruned" for job in self.live])
        if not pruned.any():
            return hidden
        return hidden[torch.from_numpy(self.close(pruned)).to(hidden.device)]

    def leave(self, stopped: NDArray[np.bool_], done: NDArray[np.bool_]) -> None:
        """Ends the rollouts that are done."""
        if not done.any():
            return
        for row in np.flatnonzero(done):
            job = self.live[row]
            self.save(int(row))
            job.finish = "stop" if stopped[row] else "length"
            if self.detection is not None:
                self.detection.leave(job)
        if self.detection is not None and self.detection.judge():  # the others of a group may have waited for these
            done = done | np.array([job.finish == "pruned" for job in self.live])
        self.close(done)

    def save(self, row: int) -> None:
        """Copies a row's completion so far to its job."""
        tokens, engine, sampled = self.written[:, row, : self.count[row]]
        self.live[row].write(tokens.astype(np.int64).tolist(), engine.tolist(), sampled.tolist())

    def close(self, gone: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Moves rows from the end into the places of removed ones; returns for each row that stays its old place."""
        sources, targets = holes((~gone).tolist())
        order = np.arange(len(gone))
        order[targets] = sources
        order = order[: len(gone) - int(gone.sum())]
        if targets:
            self.rows.move(sources, targets, self.held[sources].tolist())
            self.next[torch.tensor(targets)] = self.next[torch.tensor(sources)]
            for column in (self.key, self.held, self.count, self.limit, self.context, self.temperature):
                column[targets] = column[sources]
            self.written[:, targets] = self.written[:, sources]
        if self.sharing:
            for row in np.flatnonzero(gone):
                self.release(self.live[row].context)
        self.live = [self.live[place] for place in order]
        if self.rows.shared is not None and self.live:
            self.rows.shared.arrange(self.context[: len(self.live)])
        return order


def upload(numbers: NDArray[np.float64], device: torch.device) -> Tensor:
    """Numbers on a device; to a GPU without waiting for the work that it still has to do."""
    tensor = torch.from_numpy(numbers)
    if device.type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
