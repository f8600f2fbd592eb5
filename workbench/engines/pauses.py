"""A pruner at work: rollouts of a group are judged together once each has reached a pause length or ended before."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.engines.base import Job
from workbench.kinds import BoundPruner, Partial
from workbench.types import Sampling

Stop = tuple[int, int]  # group, pause length


@dataclass(frozen=True)
class Seen:
    """A rollout at a pause; its job's lists hold at least what was written by then."""

    job: Job
    hidden: Float[Tensor, " width"]


class Pauses:
    """Who is still expected at which pause, and who has been seen there.

    A rollout that reaches a pause before others of its group writes on meanwhile; if it is then pruned, what it wrote
    after the pause is dropped, so that the outcome does not depend on who shared the batch.
    """

    def __init__(self, pruner: BoundPruner, jobs: Sequence[Job], sampling: Sampling) -> None:
        self.pruner, self.sampling = pruner, sampling
        self.expected: dict[Stop, set[int]] = defaultdict(set)
        self.seen: dict[Stop, list[Seen]] = defaultdict(list)
        for job in jobs:
            for pause in pruner.pauses:
                if len(job.request.prefix) < pause < job.limit:
                    self.expected[job.request.group, pause].add(job.order)

    def see(self, job: Job, hidden: Float[Tensor, " width"]) -> None:
        """Notes a rollout that has just reached a pause; `hidden` is the state at its newest token."""
        stop = (job.request.group, len(job.tokens))
        self.expected[stop].discard(job.order)
        self.seen[stop].append(Seen(job, hidden))

    def leave(self, job: Job) -> None:
        """Notes that a rollout has ended: it will reach no further pause."""
        for group, pause in list(self.expected):
            if group == job.request.group:
                self.expected[group, pause].discard(job.order)

    def judge(self) -> list[Job]:
        """Asks the pruner about every group that is complete at a pause; the rollouts it stops, already cut."""
        stopped: list[Job] = []
        while complete := [stop for stop in self.seen if not self.expected[stop]]:
            stop = min(complete)  # an early pause first: whom it stops is not expected at a later one
            present = sorted(self.seen.pop(stop), key=lambda seen: seen.job.order)
            present = [seen for seen in present if seen.job.finish != "pruned"]
            if present:
                stopped += self.ask(stop, present)
        return stopped

    def ask(self, stop: Stop, present: list[Seen]) -> list[Job]:
        """The pruner's word on the rollouts of one group at one pause."""
        partial = Partial(
            group=stop[0],
            requests=[seen.job.request for seen in present],
            index=[seen.job.index for seen in present],
            tokens=[seen.job.tokens[: stop[1]] for seen in present],
            logprobs=[seen.job.engine_logprob[: stop[1]] for seen in present],
            hidden=torch.stack([seen.hidden for seen in present]),
        )
        keep, records = self.pruner(partial, self.sampling)
        if len(keep) != len(present) or len(records) != len(present):
            raise ValueError(
                f"{type(self.pruner.pruner).__name__} answered {len(keep)} decisions and {len(records)} records "
                f"for {len(present)} rollouts: give one of each for every rollout"
            )
        stopped = []
        for seen, goes_on, record in zip(present, keep, records, strict=True):
            seen.job.records.append({"pause": float(stop[1]), **record})
            if not goes_on:
                seen.job.cut(stop[1])
                self.leave(seen.job)
                stopped.append(seen.job)
        return stopped
