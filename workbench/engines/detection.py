"""Calls a pruner at its detection lengths: once every rollout of a group has reached the length or has ended before."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.engines.base import Job
from workbench.kinds import BoundPruner, Partial
from workbench.types import Sampling

Stop = tuple[int, int]  # group, detection length


@dataclass(frozen=True)
class Seen:
    """A rollout at a detection length; its job's lists hold at least the tokens generated up to it."""

    job: Job
    hidden: Float[Tensor, " width"]


class Detection:
    """Which rollouts are still expected at which detection length, and which have been seen there.

    A rollout that arrives before others of its group keeps generating in the meantime. If it is then pruned, the tokens
    after the detection length are dropped, so the result does not depend on the other rollouts of the batch.
    """

    def __init__(self, pruner: BoundPruner, jobs: Sequence[Job], sampling: Sampling) -> None:
        self.pruner, self.sampling = pruner, sampling
        self.expected: dict[Stop, set[int]] = defaultdict(set)
        self.seen: dict[Stop, list[Seen]] = defaultdict(list)
        for job in jobs:
            for length in pruner.detection_lengths:
                if len(job.request.prefix) < length < job.limit:
                    self.expected[job.request.group, length].add(job.order)

    def see(self, job: Job, hidden: Float[Tensor, " width"]) -> None:
        """Notes a rollout that has just reached a detection length; `hidden` is the state at its newest token."""
        stop = (job.request.group, len(job.tokens))
        self.expected[stop].discard(job.order)
        self.seen[stop].append(Seen(job, hidden))

    def leave(self, job: Job) -> None:
        """Notes that a rollout has ended: it reaches no further detection length."""
        for group, length in list(self.expected):
            if group == job.request.group:
                self.expected[group, length].discard(job.order)

    def judge(self) -> list[Job]:
        """Calls the pruner for every complete group. Returns the rollouts it stops, cut to the detection length."""
        stopped: list[Job] = []
        while complete := [stop for stop in self.seen if not self.expected[stop]]:
            stop = min(complete)  # the shortest length first: a rollout it stops is not expected at a longer one
            present = sorted(self.seen.pop(stop), key=lambda seen: seen.job.order)
            present = [seen for seen in present if seen.job.finish != "pruned"]
            if present:
                stopped += self.ask(stop, present)
        return stopped

    def ask(self, stop: Stop, present: list[Seen]) -> list[Job]:
        """The pruner's decisions on the rollouts of one group at one detection length. Returns the stopped rollouts.

        Raises:
            ValueError: if the pruner does not return one decision and one record per rollout.
        """
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
                f"{type(self.pruner.pruner).__name__} returned {len(keep)} decisions and {len(records)} records "
                f"for {len(present)} rollouts: return one of each per rollout"
            )
        stopped = []
        for seen, continues, record in zip(present, keep, records, strict=True):
            seen.job.records.append({"detection_length": float(stop[1]), **record})
            if not continues:
                seen.job.cut(stop[1])
                self.leave(seen.job)
                stopped.append(seen.job)
        return stopped
